"""What goes in and comes out, as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.intake.doors import legacy, webhook
from app.intake.files import template
from app.models.enums import Direction, ImportChanges, ImportMode, ImportState, RegistrantStatus
from app.registry.rows.reception import RESULT_TITLES, Result
from app.registry.statistics import public_files
from app.registry.values import calendar, standard

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
INSTANT: Schema = {"type": "string", "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
ID: Schema = {"type": "string", "format": "uuid"}
SEASON: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
CODE: Schema = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 40}
"""Of an organizer."""


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": schema, **bounds}


def answer(**members: Schema) -> Schema:
    """An object of ours: it has each of these members, and no other."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def counts_by(names: list[str]) -> Schema:
    return answer(**dict.fromkeys(names, COUNT))


_TITLES = list(RESULT_TITLES.values())
_ROW: Schema = {
    "type": "object",
    "description": "The ministry's 12 columns, and columns of ours. A column that is not known is left aside.",
    "properties": {column: {"description": told} for column, told in template.MEANINGS.items()},
    "examples": [template.EXAMPLE],
}
_VERDICT = answer(
    nomor={"type": "integer", "minimum": 1, "description": "Which of the rows."},
    hasil={"enum": _TITLES},
    kode=nullable({"type": "string", "description": "A stable code of a refusal: docs/refusals.md."}),
    kolom=nullable(TEXT),
    pesan=nullable({"type": "string", "description": "In the language that Accept-Language asks for."}),
    coba_lagi_detik=nullable(COUNT),
    peringatan=list_of(TEXT),
    perbedaan=list_of(ref("Difference")),
    id=nullable(ID),
    penyelenggara=nullable(TEXT),
    status_pemesanan_code=nullable({"enum": list(standard.STATUS_CODES.values())}),
    kode_booking=nullable(TEXT),
)
_IMPORT = answer(
    id=ID,
    state={"enum": [str(one) for one in ImportState]},
    mode={"enum": [str(one) for one in ImportMode]},
    changes={"enum": [str(one) for one in ImportChanges]},
    asOf=nullable(INSTANT),
    dryRun=BOOLEAN,
    standard={"const": standard.VERSION},
    season=nullable(SEASON),
    day=nullable(DAY),
    rowsRead=nullable(COUNT),
    rowsDone=COUNT,
    **{result.lower(): COUNT for result in Result},
    codes={"type": "object", "additionalProperties": COUNT},
    unreadSheets=list_of(answer(name=TEXT, rows=COUNT)),
    unreadRows=nullable(COUNT),
    missing=nullable(COUNT),
    failure=nullable(answer(code=TEXT, message=TEXT)),
    createdAt=INSTANT,
    startedAt=nullable(INSTANT),
    finishedAt=nullable(INSTANT),
    waitsUntil=nullable(INSTANT),
    resultPath=nullable(TEXT),
)
SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "Error": answer(error=answer(code=TEXT, message=TEXT, field=nullable(TEXT))),
        "OAuthError": {
            "type": "object",
            "properties": {"error": TEXT, "error_description": TEXT},
            "required": ["error"],
        },
        "Token": answer(access_token=TEXT, token_type={"const": "Bearer"}, expires_in=COUNT, scope=TEXT),
        "Row": _ROW,
        "Rows": {"oneOf": [ref("Row"), list_of(ref("Row"), minItems=1, maxItems=webhook.MOST_RECORDS)]},
        "Difference": answer(kolom=TEXT, tersimpan=nullable(TEXT), dikirim=nullable(TEXT)),
        "Verdict": _VERDICT,
        "Verdicts": answer(jumlah=COUNT, ringkasan=counts_by(_TITLES), hasil=list_of(ref("Verdict"))),
        "Check": {
            "type": "object",
            "properties": {name: {"type": "string", "description": "16 digits."} for name in legacy.NAMES},
            "anyOf": [{"required": [name]} for name in legacy.NAMES],
        },
        "LegacyAnswer": answer(
            status_code={"enum": list(legacy.STATUS_CODES)}, status_message=TEXT, data=list_of(ref("LegacyRow"))
        ),
        "LegacyRow": answer(**{column: nullable({"type": ["string", "integer"]}) for column in standard.COLUMNS}),
        "Day": answer(
            organizer=TEXT,
            season=SEASON,
            date=DAY,
            counts=counts_by([str(one) for one in RegistrantStatus]),
            standing=COUNT,
            checksum=nullable({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        ),
        "Import": _IMPORT,
        "TestClient": answer(clientId=TEXT, clientSecret=TEXT, scopes=list_of(TEXT), issuer=TEXT),
        "Alive": answer(alive={"const": True}),
        "Ready": answer(ready={"const": True}),
        "NotReady": answer(ready={"const": False}, reason=TEXT),
    }
)

_YES_OR_NO: Schema = {"type": "string", "enum": ["true", "false"]}
PARAMETERS: Mapping[str, tuple[str, Schema]] = MappingProxyType(
    {
        "changes": (
            "REPORT tells what differs of people who are known; APPLY changes it.",
            {"type": "string", "enum": [str(one) for one in ImportChanges], "default": str(ImportChanges.REPORT)},
        ),
        "asOf": ("The instant of the list, with its zone. For `changes=APPLY`.", INSTANT),
        "mode": (
            "UPSERT takes in what the file has. SNAPSHOT also counts who is missing in it.",
            {"type": "string", "enum": [str(one) for one in ImportMode], "default": str(ImportMode.UPSERT)},
        ),
        "evenThough": ("Go on although it changes more than a fifth.", _YES_OR_NO),
        "dryRun": ("Judge the rows, and change nothing.", _YES_OR_NO),
        "season": (
            "A year. Left out: the current season.",
            {"type": "integer", "minimum": calendar.FIRST_SEASON, "maximum": calendar.LAST_YEAR},
        ),
        "day": ("A day, as 2026-03-05.", DAY),
        "covers": ("Codes of the organizers whose whole list the file is; several, or with commas.", list_of(TEXT)),
        "file": (
            "Such as `registrations.csv`; `metadata.json` lists all.",
            {"type": "string", "enum": [*public_files.NAMES]},
        ),
        "organizer": ("Code of an organizer. Left out of a query string: your own.", CODE),
        "direction": ("Only one direction.", {"type": "string", "enum": [str(one) for one in Direction]}),
        "all": ("Also those whose registration has ended.", _YES_OR_NO),
        "date": ("A day, as 2026-03-05.", DAY),
        "id": ("As the import was answered.", ID),
        "format": ("Of the file.", {"type": "string", "enum": ["xlsx", "csv"]}),
    }
)
"""Each parameter, in paths and query strings: what it means, and what it may be."""
