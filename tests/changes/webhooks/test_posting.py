"""One attempt over a real connection: what is an answer, what is none, and where it never goes."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.changes.webhooks.posting import AttemptOutcome, Poster
from app.models.enums import DeliveryError
from tests.patience import NO_CERTIFICATES, patience
from tests.receivers import Authority, Request, answer, authority, receiving
from tests.steps import allowed, stepping

pytestmark = pytest.mark.anyio

BODY = b'{"type":"webhook.test"}'


async def here(host: str, port: int) -> Sequence[str]:
    """A name server that knows this machine only."""
    return ["127.0.0.1"]


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    poster = Poster(here, connections=4, private=True, tls=NO_CERTIFICATES)
    yield poster
    await poster.close()


def said(outcome: AttemptOutcome) -> tuple[int | None, DeliveryError | None]:
    return outcome.status, outcome.error


async def test_what_is_sent_arrives_as_it_is_and_connections_are_used_again(poster: Poster) -> None:
    async with receiving() as receiver:
        for place in range(3):
            outcome = await poster.post(receiver.url(f"/a%20b/{place}?x=1"), {"webhook-id": str(place)}, BODY)
            assert said(outcome) == (204, None)
            assert outcome.delivered
        assert [request.target for request in receiver.requests] == [f"/a%20b/{place}?x=1" for place in range(3)]
        assert {request.body for request in receiver.requests} == {BODY}
        assert receiver.requests[0].headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "webhook-id": "0",
            "content-length": str(len(BODY)),
        }
        assert receiver.connections == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 400, 404, 410, 429, 500, 503])
async def test_only_success_is_success_and_no_redirect_is_followed(poster: Poster, status: int) -> None:
    async with receiving() as elsewhere, receiving() as receiver:
        receiver.says = lambda _: answer(status, f"Location: {elsewhere.url()}", "Retry-After: 7")
        outcome = await poster.post(receiver.url(), {}, BODY)
        assert said(outcome) == (status, None)
        assert not outcome.delivered
        assert outcome.retry_after == "7"
        assert (len(receiver.requests), elsewhere.connections) == (1, 0)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_success_is_one(poster: Poster, status: int) -> None:
    async with receiving() as receiver:
        receiver.says = lambda _: answer(status)
        assert (await poster.post(receiver.url(), {}, BODY)).delivered


async def test_proxies_of_the_environment_are_not_used(poster: Poster, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert (await poster.post(receiver.url(), {}, BODY)).delivered
        assert (proxy.connections, receiver.connections) == (0, 1)


async def test_a_long_body_is_not_read_to_its_end(poster: Poster) -> None:
    async with receiving() as receiver:

        async def endless(_: Request) -> bytes:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000

        receiver.says = endless
        outcome = await poster.post(receiver.url(), {}, BODY)
        assert outcome.delivered
        assert outcome.duration_ms < 900
        # The rest of the answer must not be taken for the next one.
        receiver.says = lambda _: answer(500)
        assert said(await poster.post(receiver.url(), {}, BODY)) == (500, None)
        assert receiver.connections == 2


async def test_a_body_that_dribbles_in_does_not_change_the_answer(
    poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.changes.webhooks.posting.BODY_WITHIN_SECONDS", 0.05)
    async with receiving() as receiver:
        receiver.says = lambda _: b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nx"
        outcome = await poster.post(receiver.url(), {}, BODY)
        assert outcome.delivered


async def test_no_answer_in_time() -> None:
    poster = Poster(here, connections=1, private=True, within=0.1)
    async with receiving() as receiver:

        async def never(_: Request) -> bytes:
            await asyncio.sleep(60)
            return b""

        receiver.says = never
        begun = time.monotonic()
        outcome = await poster.post(receiver.url(), {}, BODY)
        assert said(outcome) == (None, DeliveryError.TIMEOUT)
        assert 80 <= outcome.duration_ms <= 1000 * (time.monotonic() - begun) + 1
    await poster.close()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    ],
)
async def test_what_is_no_answer_at_all(poster: Poster, broken: bytes) -> None:
    async with receiving() as receiver:

        async def say(_: Request) -> bytes:
            if broken:
                return broken
            raise ConnectionError

        receiver.says = say
        assert said(await poster.post(receiver.url(), {}, BODY)) == (None, DeliveryError.BROKEN_ANSWER)


async def test_nobody_listens(poster: Poster) -> None:
    async with receiving() as receiver:
        url = receiver.url()
    assert said(await poster.post(url, {}, BODY)) == (None, DeliveryError.CONNECT_FAILED)


# --- receivers that mean harm -----------------------------------------------------------------------------------------


class Harm:
    """A receiver that goes on writing the same for as long as somebody reads."""

    def __init__(self, first: bytes, again: bytes, every_seconds: float = 0) -> None:
        self.first, self.again, self.every_seconds = first, again, every_seconds
        self.written = 0
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.first)
            while True:
                writer.write(self.again)
                await writer.drain()
                self.written += len(self.again)
                await asyncio.sleep(self.every_seconds)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.close()


BOMB = gzip.compress(bytes(20_000_000))
HARMS = {
    # What it writes, and whether a delivery counts: the status is the answer.
    "an endless body": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1000\r\n" + b"x" * 4096 + b"\r\n",
        True,
    ),
    "an endless chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", b"x" * 4096, True),
    "endless chunk extensions": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a=b;" * 1024, True),
    "a bomb": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99999999\r\n\r\n", BOMB, True),
    "an endless header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096, False),
    "endless headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 512, False),
    "an endless status": (b"HTTP/1.1 200 ", b"O" * 4096, False),
    "a flood of 100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200, False),
    "a flood of 103": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100, False),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_a_receiver_that_answers_without_end_is_left(harm: str) -> None:
    """It takes neither time, nor memory, nor steps of the process that others would wait for."""
    first, again, delivered = HARMS[harm]
    receiver = Harm(first, again)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    poster = Poster(here, connections=1, private=True)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    tracemalloc.start()
    try:
        async with stepping() as turns:
            outcome = await poster.post(url, {}, BODY)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said(outcome) == ((200, None) if delivered else (None, DeliveryError.BROKEN_ANSWER))
    async with patience():
        await receiver.ended.wait()
    server.close()
    await poster.close()
    # The sockets' own buffers are written full before anybody reads.
    assert receiver.written < 30_000_000
    assert most < 50_000_000
    assert max(turns) < allowed(200)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_receiver_that_drips_has_its_time_and_no_more(first: bytes) -> None:
    receiver = Harm(first, b"X", every_seconds=0.02)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    poster = Poster(here, connections=1, private=True, within=0.3)
    outcome = await poster.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, BODY)
    assert said(outcome) == (None, DeliveryError.TIMEOUT)
    async with patience():
        await receiver.ended.wait()
    server.close()
    await poster.close()


async def test_one_hint_before_the_answer_is_no_flood(poster: Poster) -> None:
    async with receiving() as receiver:
        receiver.says = lambda _: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(204)
        for _ in range(3):
            assert said(await poster.post(receiver.url(), {}, BODY)) == (204, None)
        assert receiver.connections == 1


async def test_a_name_with_ipv6_alone(trusted: Authority, tmp_path: Path) -> None:
    """It is sent to where the address is public, and to no loopback."""

    async def v6(host: str, port: int) -> Sequence[str]:
        return ["::1"]

    context = trusted.server("hook.example", tmp_path)
    async with receiving(context, host="::1") as receiver:
        url = receiver.url(host="hook.example", scheme="https")
        allowed = Poster(v6, connections=1, private=True, tls=trusted.trusted())
        assert said(await allowed.post(url, {}, BODY)) == (204, None)
        refused = Poster(v6, connections=1, tls=trusted.trusted())
        assert said(await refused.post(url, {}, BODY)) == (None, DeliveryError.NAME_NOT_FOUND)
        assert receiver.connections == 1
        for one in (allowed, refused):
            await one.close()


# --- TLS: the name is checked, whatever address it leads to -----------------------------------------------------------


@pytest.fixture(scope="module")
def trusted() -> Authority:
    return authority()


def poster_trusting(trusted: Authority) -> Poster:
    return Poster(here, connections=1, private=True, tls=trusted.trusted())


async def test_the_certificate_is_the_names(trusted: Authority, tmp_path: Path) -> None:
    poster = poster_trusting(trusted)
    named: list[str] = []
    context = trusted.server("hook.example", tmp_path)
    context.set_servername_callback(lambda _, name, __: named.append(str(name)))
    async with receiving(context) as receiver:
        outcome = await poster.post(receiver.url(host="hook.example", scheme="https"), {}, BODY)
        assert said(outcome) == (204, None)
        assert named == ["hook.example"]
        assert receiver.requests[0].headers["host"] == f"hook.example:{receiver.port}"
    await poster.close()


async def test_another_names_certificate_is_none(trusted: Authority, tmp_path: Path) -> None:
    poster = poster_trusting(trusted)
    async with receiving(trusted.server("other.example", tmp_path)) as receiver:
        outcome = await poster.post(receiver.url(host="hook.example", scheme="https"), {}, BODY)
        assert said(outcome) == (None, DeliveryError.TLS_FAILED)
        assert receiver.requests == []
    await poster.close()


async def test_a_certificate_of_an_unknown_authority_is_none(trusted: Authority, tmp_path: Path) -> None:
    """With the certificates that come with the program."""
    poster = Poster(here, connections=1, private=True)
    async with receiving(trusted.server("hook.example", tmp_path)) as receiver:
        outcome = await poster.post(receiver.url(host="hook.example", scheme="https"), {}, BODY)
        assert said(outcome) == (None, DeliveryError.TLS_FAILED)
        assert receiver.requests == []
    await poster.close()


async def test_plain_http_on_the_port_of_https_is_none(trusted: Authority) -> None:
    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200))
        await writer.drain()
        writer.close()

    poster = poster_trusting(trusted)
    server = await asyncio.start_server(speak_first, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert said(await poster.post(f"https://hook.example:{port}/", {}, BODY)) == (None, DeliveryError.TLS_FAILED)
    server.close()
    await poster.close()


async def test_what_cannot_be_decrypted_is_no_answer(trusted: Authority, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    context = trusted.server("hook.example", tmp_path)

    def speak_plainly() -> None:
        connection, _ = listener.accept()
        encrypted = context.wrap_socket(connection, server_side=True)
        encrypted.recv(4096)
        with socket.socket(fileno=encrypted.detach()) as plain:
            plain.sendall(answer(200) * 9)

    poster = poster_trusting(trusted)
    speaking = asyncio.create_task(asyncio.to_thread(speak_plainly))
    outcome = await poster.post(f"https://hook.example:{listener.getsockname()[1]}/", {}, BODY)
    assert said(outcome) == (None, DeliveryError.BROKEN_ANSWER)
    await speaking
    listener.close()
    await poster.close()


# --- where it never goes ----------------------------------------------------------------------------------------------


async def test_a_name_that_leads_here_is_refused(trusted: Authority, tmp_path: Path) -> None:
    poster = Poster(here, connections=1, tls=trusted.trusted())
    async with receiving(trusted.server("hook.example", tmp_path)) as receiver:
        outcome = await poster.post(receiver.url(host="hook.example", scheme="https"), {}, BODY)
        # As of a name that is none: nobody learns which names there are inside.
        assert said(outcome) == (None, DeliveryError.NAME_NOT_FOUND)
        assert receiver.connections == 0
    await poster.close()


async def test_a_url_that_was_saved_when_more_was_allowed_is_refused() -> None:
    poster = Poster(here, connections=1)
    async with receiving() as receiver:
        assert await poster.post(receiver.url(), {}, BODY) == AttemptOutcome(0, error=DeliveryError.URL_REFUSED)
        assert receiver.connections == 0
    await poster.close()


async def test_a_name_that_is_none() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError

    poster = Poster(unknown, connections=1, tls=ssl.create_default_context())
    outcome = await poster.post("https://hook.example/", {}, BODY)
    assert said(outcome) == (None, DeliveryError.NAME_NOT_FOUND)
    await poster.close()
