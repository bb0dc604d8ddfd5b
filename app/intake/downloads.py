"""Files that are made while they are sent: each part is made in a turn of the client, and sent after the turn.

A client that takes its file slowly would otherwise hold a turn that others wait for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.server.racing import first_of
from app.server.turns import Turns

PIECES_OF_A_TURN = 10
"""One turn writes so many pieces. A piece has 20 rows (`files.encoding`)."""
COST_OF_A_TURN = 2_500
"""What a turn costs, in units of CPU: 200 rows are read, opened and written."""


class Download(StreamingResponse):
    """A file that is made while it is sent.

    When the client goes away, what makes the file is cancelled once, and closes what it has opened. starlette cancels
    the closing as well, which leaves files and processes open.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await first_of(self.stream_response(send), self.listen_for_disconnect(receive))


async def first_turn(turns: Turns, client: str) -> None:
    """Before a file begins to be sent it can be refused, as what has begun is not. Raises `TooManyOperations`."""
    async with turns.turn(client, COST_OF_A_TURN):
        pass


async def in_turns(turns: Turns, client: str, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        part = [b""]
        while part:
            # What has begun to be sent should not break off: it waits longer than what has not.
            async with turns.turn(client, COST_OF_A_TURN, refusable=False):
                part = await _next(pieces)
            if content := b"".join(part):
                yield content


async def _next(pieces: AsyncGenerator[bytes, None]) -> list[bytes]:
    part: list[bytes] = []
    async for piece in pieces:
        part.append(piece)
        if len(part) == PIECES_OF_A_TURN:
            break
    return part
