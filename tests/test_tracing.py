"""Traces are off by default, say what they need, and reach a collector."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import main, tracing
from app.config import Settings


def test_off_it_does_nothing_and_imports_nothing() -> None:
    assert tracing.here() is None
    assert tracing.span("a") is tracing.span("b", {"c": 1}) is tracing.request([])
    with tracing.span("a"):
        tracing.describe("b", {})
    tracing.send_to(None)
    tracing.end()
    assert tracing.here() is None


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "app.tracing.spans", None)
    monkeypatch.delattr(tracing, "spans", raising=False)
    monkeypatch.setattr("app.telemetry.configure", lambda form, level: None)
    given = {"home": tmp_path, "database_url": SecretStr(database_url), "otlp_endpoint": "http://127.0.0.1:4318"}
    with pytest.raises(SystemExit, match=r"pip install 'pemudik\[otel\]'"):
        main.asgi(Settings().model_copy(update=given))


@pytest.mark.anyio
async def test_spans_reach_a_collector() -> None:
    """And the end waits until they are there."""
    received: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        received.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        tracing.send_to(f"http://127.0.0.1:{port}/")
        with tracing.span("a span that is told"):
            pass
        await asyncio.to_thread(tracing.end)
    assert tracing.here() is None
    [request] = received
    assert request.startswith(b"POST /v1/traces HTTP/1.1\r\n")
