"""A proxy in front of the server. Mishaps happen on it as a test orders them: an answer is lost, others answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import httpx

from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Answer:
    """What is answered in the place of the server, which is not asked."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


LOST = "the answer is lost"
CUT_OFF = "the answer, of which nobody knows the length, ends in its middle"
PASS = "nothing happens"
UNAVAILABLE = b'{"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE"}}]}'
BUSY = Answer(503, UNAVAILABLE, {"Retry-After": "1"})
AWAY = Answer(503, UNAVAILABLE, {"Retry-After": "3600"})
"""For a test in which nobody may come back by itself, however slow the machine is."""
REFUSED_TOKEN = Answer(
    401,
    b'{"errors":[{"message":"m","extensions":{"code":"INVALID_TOKEN"}}]}',
    {"WWW-Authenticate": 'Bearer error="invalid_token"'},
)
NOT_OURS = [
    Answer(200, b"<html>Sign in to the wireless network</html>"),
    Answer(200, b'{"ok": true}'),
    Answer(200, b'{"data": null}'),
    Answer(302, b"", {"Location": "/elsewhere"}),
    Answer(400, b'{"errors": "none"}'),
    Answer(404, b"<html>404 Not Found</html>"),
    Answer(404, b'{"error": "Not Found", "path": "/graphql"}'),
    Answer(500, b"[" * 100_000),
]
"""What other programs answer that stand before the registry, or in its place."""
HOP_BY_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


@dataclass
class Proxy:
    server_url: str
    url: str = ""
    mishaps: list[str | Answer] = field(default_factory=list)
    """What happens to the next requests at /graphql and of files, each once."""
    keys: list[str | None] = field(default_factory=list)
    """The `Idempotency-Key` of each of these requests."""
    bodies: list[bytes] = field(default_factory=list)
    tokens_asked: int = 0
    lock: Lock = field(default_factory=Lock)

    def asked(self, path: str, key: str | None, body: bytes) -> str | Answer:
        with self.lock:
            if not path.startswith(("/graphql", "/import")):
                self.tokens_asked += path == "/oauth/token"
                return PASS
            self.keys.append(key)
            self.bodies.append(body)
            return self.mishaps.pop(0) if self.mishaps else PASS


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    http: httpx.Client

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mishap = self.proxy.asked(self.path, self.headers.get("Idempotency-Key"), body)
        if isinstance(mishap, Answer):
            self._answer(mishap.status, mishap.headers, mishap.body)
        else:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", *HOP_BY_HOP}}
            answer = self.http.request(self.command, self.proxy.server_url + self.path, headers=headers, content=body)
            if mishap != PASS:
                self.close_connection = True
                if mishap == CUT_OFF:
                    self._begin(200, {"Transfer-Encoding": "chunked"})
                    half = answer.content[: len(answer.content) // 2]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
                return
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            self._answer(answer.status_code, kept, answer.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._begin(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def proxied(server_url: str) -> Iterator[Proxy]:
    proxy = Proxy(server_url)
    with httpx.Client(timeout=PATIENCE_SECONDS) as http:
        handler = type("Handler", (_Handler,), {"proxy": proxy, "http": http})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
