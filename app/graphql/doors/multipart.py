"""Files beside an operation: the GraphQL multipart request specification (`operations`, `map`, then the file).

Such a request needs a header that makes a browser ask first (a CORS preflight). Without it, a page of another site
could send a form here in the name of whoever looks at the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from app.auth.edge import RequestRefused
from app.config import Settings
from app.graphql.engine.requests import TOO_MANY_VALUES, NotUnderstood, OperationRequest, parse_request
from app.intake import http
from app.intake.files import uploads
from app.intake.files.file_refusals import FileRefusedError
from app.intake.files.uploads import AROUND, MULTIPART, Form, NotAForm, Upload
from app.intake.files.workbooks import MOST_BYTES
from app.server import json_texts
from app.server.json_texts import NotJson, TooManyValues

PREFLIGHT_HEADERS = (b"graphql-preflight", b"apollo-require-preflight", b"x-requested-with")
MOST_PLACES_OF_A_FILE = 10
"""The variables that one file may fill."""


def is_form(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == MULTIPART.encode()


async def read_request(headers: Mapping[bytes, bytes], receive: Receive, settings: Settings) -> OperationRequest:
    """What a multipart request asks for, with its file among the variables. Raises `NotUnderstood`."""
    if not any(headers.get(name, b"").strip() for name in PREFLIGHT_HEADERS):
        raise NotUnderstood(
            400,
            "PREFLIGHT_REQUIRED",
            "Permintaan multipart memuat header `GraphQL-Preflight: 1` (atau Apollo-Require-Preflight, atau"
            " X-Requested-With), yang tidak dapat dikirim oleh halaman situs lain",
            "Multipart requests carry the header `GraphQL-Preflight: 1` (or Apollo-Require-Preflight,"
            " or X-Requested-With), which a page of another site cannot send",
        )
    form = await _form(headers, receive, settings)
    if "operations" not in form.fields or "map" not in form.fields:
        raise _bad(
            "Permintaan multipart memuat bidang `operations` dan `map`, lalu berkasnya",
            "A multipart request has the fields `operations` and `map`, then its file",
        )
    request = parse_request(form.fields["operations"].encode())
    _put(form.files, _places(form.fields["map"]), request.variables)
    return request


async def _form(headers: Mapping[bytes, bytes], receive: Receive, settings: Settings) -> Form:
    http_request = Request({"type": "http", "headers": list(headers.items())}, receive)
    try:
        http.media_type(http_request, MULTIPART)
        stream = http.chunks(http_request, limit=MOST_BYTES + AROUND, within_seconds=settings.upload_timeout)
        return await uploads.form(http_request.headers, stream, fields=2)
    except RequestRefused as refused:
        raise NotUnderstood(
            refused.status, refused.code, refused.message("id"), refused.message("en"), refused.headers
        ) from None
    except FileRefusedError as error:
        refusal = error.refusal
        raise NotUnderstood(413, refusal.code, refusal.message("id"), refusal.message("en")) from None
    except NotAForm:
        raise _bad(
            "Isi permintaan bukan formulir multipart dengan `operations`, `map`, dan paling banyak satu berkas",
            "The body is no multipart form of `operations`, `map` and at most one file",
        ) from None


def _places(written: str) -> dict[str, list[str]]:
    """The places of each file in the operation, which `map` lists."""
    try:
        places = json_texts.parsed(written.encode())
    except NotJson:
        raise _bad(
            "`map` bukan JSON, atau bertingkat terlalu dalam", "`map` is not JSON, or is nested too deeply"
        ) from None
    except TooManyValues:
        raise NotUnderstood(413, "CONTENT_TOO_LARGE", *TOO_MANY_VALUES) from None
    if not isinstance(places, dict) or not all(isinstance(paths, list) for paths in places.values()):
        raise _bad(
            "`map` adalah objek berisi daftar: untuk setiap berkas, tempat variabelnya",
            "`map` is an object of lists: for each file the places of its variables",
        )
    if any(not isinstance(path, str) for paths in places.values() for path in paths):
        raise _bad(
            "Tempat dalam `map` adalah teks seperti `variables.file`",
            "A place in `map` is a string such as `variables.file`",
        )
    if any(not 1 <= len(paths) <= MOST_PLACES_OF_A_FILE for paths in places.values()):
        raise _bad(
            f"Setiap berkas dalam `map` mempunyai 1 sampai {MOST_PLACES_OF_A_FILE} tempat",
            f"Each file in `map` has 1 to {MOST_PLACES_OF_A_FILE} places",
        )
    return places


def _put(files: Mapping[str, Upload], places: Mapping[str, Sequence[str]], variables: dict[str, Any]) -> None:
    """Put each file where its variables have `null`."""
    if files.keys() != places.keys():
        raise _bad(
            "`map` dan formulir tidak menyebut berkas yang sama",
            "`map` and the files of the form do not name the same files",
        )
    for name, paths in places.items():
        for path in paths:
            _put_one(files[name], path.split("."), variables)


def _put_one(upload: Upload, path: Sequence[str], variables: dict[str, Any]) -> None:
    root, *steps = path
    inside: Any = variables
    for step in steps[:-1]:
        inside = inside.get(step) if isinstance(inside, dict) else _item(inside, step)
    last = steps[-1] if steps else ""
    if root != "variables" or not isinstance(inside, dict) or inside.get(last, upload) is not None:
        raise _bad(
            "Tempat dalam `map` menyebut variabel yang null dalam `operations`, seperti `variables.file`",
            "A place in `map` names a variable that is null in `operations`, such as `variables.file`",
        )
    inside[last] = upload


def _item(inside: Any, step: str) -> Any:
    if isinstance(inside, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(inside):
        return inside[int(step[:6])]
    return None


def _bad(indonesian: str, english: str) -> NotUnderstood:
    return NotUnderstood(400, "BAD_REQUEST", indonesian, english)
