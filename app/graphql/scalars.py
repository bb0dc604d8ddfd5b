"""Scalars: a NIK is a string and never a number; an instant on input names its zone. No refusal repeats the value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NewType, TypeVar
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app.graphql.failures import RequestError
from app.intake.files.uploads import Upload
from app.registry.values import calendar

NIK = NewType("NIK", str)

LONGEST_NIK = 64
"""In characters: far more than 16 digits with blanks, dots or dashes between them."""
ID_OF_NOTHING = UUID(int=0)
"""No row has it: what is asked for by this id is not found."""

Given = TypeVar("Given")


def given(value: Given | None) -> Given | None:
    """None for an argument that was left out: to the registry, left out and null are the same."""
    return None if value is strawberry.UNSET else value


def identifier(text: str) -> UUID:
    """The id that a text is. A text that is no id becomes the id of nothing, so nothing is found and nothing fails."""
    try:
        return UUID(text)
    except ValueError:
        return ID_OF_NOTHING


def parse_nik(value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(
            "A NIK is a string of 16 digits, never a number: numbers lose digits",
            "BAD_USER_INPUT",
            "NIK adalah teks 16 angka, bukan bilangan: bilangan kehilangan angka",
        )
    if len(value) > LONGEST_NIK:
        raise RequestError("A NIK is a string of 16 digits", "BAD_USER_INPUT", "NIK adalah teks 16 angka")
    return value


def parse_instant(value: object) -> datetime:
    try:
        if isinstance(value, str):
            return calendar.instant(value)
    except ValueError:
        pass
    raise RequestError(
        f"A DateTime is an ISO 8601 string with a zone, such as 2026-03-05T08:00:00+07:00, in {calendar.YEARS}",
        "BAD_USER_INPUT",
        f"DateTime adalah teks ISO 8601 dengan zona waktu, misalnya 2026-03-05T08:00:00+07:00, tahun {calendar.YEARS}",
    )


def parse_day(value: object) -> date:
    try:
        if isinstance(value, str):
            return calendar.day(value)
    except ValueError:
        pass
    raise RequestError(
        f"A Date is an ISO 8601 string, such as 2026-03-05, in {calendar.YEARS}",
        "BAD_USER_INPUT",
        f"Date adalah teks ISO 8601, misalnya 2026-03-05, tahun {calendar.YEARS}",
    )


def parse_upload(value: object) -> Upload:
    if not isinstance(value, Upload):
        raise RequestError(
            "An Upload is null in `operations` and comes as a file of a multipart request",
            "BAD_USER_INPUT",
            "Upload bernilai null dalam `operations` dan dikirim sebagai berkas permintaan multipart",
        )
    return value


def write_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    NIK: strawberry.scalar(
        name="NIK",
        description=(
            "Nomor Induk Kependudukan: 16 digits `PPKKCC DDMMYY SSSS` as a string. On input blanks, dots, dashes and"
            " a leading apostrophe are removed; a JSON number is refused, since numbers lose digits. On output in full"
            " to the organizer whose registrant it is, `************0001` to anyone else who may see the record, and"
            " `(dihapus)` once erased. Never put it into a URL or a log."
        ),
        parse_value=parse_nik,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description=(
            "A file, by a multipart request: `operations`, `map`, then the file, with the header"
            " `GraphQL-Preflight: 1`. At most one in a request."
        ),
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=lambda _: None,
        parse_value=parse_upload,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day in Jakarta (WIB), ISO 8601: `2026-03-05`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_day,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant, ISO 8601 with a zone: `2026-03-05T08:00:00+07:00`. Output is in UTC (`…Z`). Input without a"
            " zone is refused."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=write_instant,
        parse_value=parse_instant,
    ),
}
