"""Taking a file that is sent: as the whole body, or as the one file of a multipart form (RFC 7578).

It goes to a file without a name on disk. Only the first megabyte is ever in memory, and never more than the limit is
taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from os import SEEK_END
from pathlib import PurePath
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from weakref import finalize

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.intake.files.file_refusals import FileRefusedError, FileTooLarge
from app.intake.files.workbooks import MEGABYTE, MOST_BYTES
from app.registry.imports.jobs import PIECE_BYTES

MULTIPART = "multipart/form-data"
MOST_BYTES_IN_MEMORY = MEGABYTE
MOST_BYTES_OF_A_FIELD = MEGABYTE
AROUND = 2 * MOST_BYTES_OF_A_FIELD
"""Bytes of a form beside its file."""
UNITS_OF_A_PIECE = 2_000
"""A megabyte is sealed and sent to the database in ten milliseconds of CPU."""
KNOWN_EXTENSIONS = frozenset({".xlsx", ".csv"})


MOST_BYTES_AT_A_TIME = 64 * 1024
"""Of a form. So much takes up to 10 milliseconds, if it is made of boundaries that are none."""


class NotAForm(Exception):  # noqa: N818 - an answer
    """The body says that it is a multipart form, but it is not one that this door takes."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Upload:
    """When the upload is forgotten, its file is gone."""

    file: BinaryIO
    extension: str
    """`xlsx`, `csv` or nothing: all that is kept of its name. Its content says what it really is."""

    def __post_init__(self) -> None:
        finalize(self, self.file.close)

    @property
    def size(self) -> int:
        """How long the file is, in bytes."""
        return self.file.seek(0, SEEK_END)

    @property
    def cost(self) -> int:
        """What the turn costs in which the file is sealed and stored, in units of CPU."""
        return (1 + self.size // PIECE_BYTES) * UNITS_OF_A_PIECE

    def digest(self, before: bytes = b"") -> bytes:
        """Of `before` and the content. A large file takes its time: whoever can, asks for it in a thread."""
        digest = sha256(before)
        for piece in self.pieces():
            digest.update(piece)
        return digest.digest()

    def pieces(self) -> Iterator[bytes]:
        self.file.seek(0)
        while piece := self.file.read(PIECE_BYTES):
            yield piece


@dataclass(frozen=True, slots=True)
class Form:
    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)


class _Parser(MultiPartParser):
    """starlette's, which leaves the file of a part open that has no end."""

    def end(self) -> None:
        """Raises `NotAForm`: a part has no end."""
        if self._current_files + self._current_fields > len(self.items):
            for file in self._files_to_close_on_error:
                file.close()
            raise NotAForm


async def whole_body(stream: AsyncIterator[bytes], extension: str) -> Upload:
    """Raises `FileRefusedError`."""
    file = cast("BinaryIO", SpooledTemporaryFile(MOST_BYTES_IN_MEMORY))  # noqa: SIM115 - closed with the upload
    upload = Upload(file, extension)
    async for chunk in stream:
        if file.tell() + len(chunk) > MOST_BYTES:
            raise too_large()
        file.write(chunk)
    return upload


async def _in_pieces(stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Between two pieces, the process answers others."""
    async for chunk in stream:
        for start in range(0, len(chunk), MOST_BYTES_AT_A_TIME):
            yield chunk[start : start + MOST_BYTES_AT_A_TIME]
            await asyncio.sleep(0)


async def form(headers: Headers, stream: AsyncIterator[bytes], *, fields: int) -> Form:
    """At most one file and so many `fields`. Raises `NotAForm`, `FileRefusedError`."""
    try:
        parser = _Parser(
            headers, _in_pieces(stream), max_files=1, max_fields=fields, max_part_size=MOST_BYTES_OF_A_FIELD
        )
        parsed = await parser.parse()
    except MultiPartException:
        # The message of starlette may quote what was sent.
        raise NotAForm from None
    parser.end()
    received = _form_of(parsed)
    if any(upload.file.seek(0, SEEK_END) > MOST_BYTES for upload in received.files.values()):
        raise too_large()
    return received


def _form_of(parsed: FormData) -> Form:
    """Raises `NotAForm` if a name comes twice."""
    found = Form()
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            found.files[name] = Upload(value.file, extension_of(value.filename))
        else:
            found.fields[name] = value
    if len(found.fields) + len(found.files) < len(parsed.multi_items()):
        raise NotAForm
    return found


def extension_of(name: str | None) -> str:
    suffix = PurePath(name or "").suffix.lower()
    return suffix[1:] if suffix in KNOWN_EXTENSIONS else ""


def too_large() -> FileRefusedError:
    return FileRefusedError(FileTooLarge(megabytes=MOST_BYTES // MEGABYTE))
