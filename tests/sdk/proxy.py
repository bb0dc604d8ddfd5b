"""A proxy in front of the server. Mishaps happen on it as a test orders them: an answer is lost, the server is busy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import httpx

from tests.patience import PATIENCE_SECONDS

LOST = "the answer is lost"
REFUSED_TOKEN = "the token is refused"
BUSY = "come back in a second"
PASS = "nothing happens"
HOP_BY_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


@dataclass
class Proxy:
    server_url: str
    url: str = ""
    mishaps: list[str] = field(default_factory=list)
    """What happens to the next requests at /graphql, each once."""
    keys: list[str | None] = field(default_factory=list)
    """The `Idempotency-Key` of each request at /graphql."""
    bodies: list[bytes] = field(default_factory=list)
    tokens_asked: int = 0
    lock: Lock = field(default_factory=Lock)

    def asked(self, path: str, key: str | None, body: bytes) -> str:
        with self.lock:
            if path != "/graphql":
                self.tokens_asked += path == "/oauth/token"
                return PASS
            self.keys.append(key)
            self.bodies.append(body)
            return self.mishaps.pop(0) if self.mishaps else PASS


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    http: httpx.Client

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mishap = self.proxy.asked(self.path, self.headers.get("Idempotency-Key"), body)
        if mishap == BUSY:
            self._answer(503, {"Retry-After": "1"}, b'{"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE"}}]}')
        elif mishap == REFUSED_TOKEN:
            content = b'{"errors":[{"message":"m","extensions":{"code":"INVALID_TOKEN"}}]}'
            self._answer(401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, content)
        else:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", *HOP_BY_HOP}}
            answer = self.http.post(self.proxy.server_url + self.path, headers=headers, content=body)
            if mishap == LOST:
                self.close_connection = True
                return
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            self._answer(answer.status_code, kept, answer.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

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
