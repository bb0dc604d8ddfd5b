"""The network card of one machine, as a process of its own: `wire.py SOURCE LISTEN=TO …` passes on what comes.

Each address that it listens on leads to another one. Whoever stops this process (SIGSTOP) has pulled the cable: nothing
passes any more, and nobody is told. A process that goes on (SIGCONT) passes on what has come meanwhile.
"""

import asyncio
import sys
from contextlib import suppress

CHUNK_BYTES = 1 << 16


async def listen(source: str, here: str, there: str) -> asyncio.Server:
    """`source` is the address from which the other end sees us come."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*address(there), local_addr=(source, 0))
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(passed_on(reader, far_writer), passed_on(far_reader, writer))

    return await asyncio.start_server(connected, *address(here), backlog=1_000)


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one end has closed the connection: then the other end is told."""
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main(source: str, ways: list[str]) -> None:
    servers = [await listen(source, *way.split("=")) for way in ways]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
