"""A form is read piece by piece: whatever its parts are made of, others have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.datastructures import Headers

from app.intake.files import uploads
from app.intake.files.uploads import MOST_BYTES_AT_A_TIME, NotAForm

pytestmark = pytest.mark.anyio

HEADERS = Headers({"content-type": "multipart/form-data; boundary=grens"})
BEGINNING = b'--grens\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'


async def at_once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_others_have_their_turn_while_a_form_is_read() -> None:
    turns, ended = 0, asyncio.Event()

    async def another() -> None:
        nonlocal turns
        while not ended.is_set():
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(another())
    content = b"\r\n--grensx" * 50_000
    form = await uploads.form(HEADERS, at_once(BEGINNING + content + b"\r\n--grens--\r\n"), fields=0)
    ended.set()
    await beside
    assert b"".join(form.files["file"].pieces()) == content
    assert turns >= len(content) // MOST_BYTES_AT_A_TIME


async def test_a_part_without_an_end_is_no_form() -> None:
    with pytest.raises(NotAForm):
        await uploads.form(HEADERS, at_once(BEGINNING + b"data_nik\n"), fields=0)
