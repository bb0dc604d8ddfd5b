"""What each method of each address does, takes and answers: the part of the description that no code knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.auth import endpoints
from app.auth.server import REVOCATION_PATH, TOKEN_PATH
from app.intake.doors import consolidation, export, figures, legacy, metrics_page, webhook
from app.intake.files import template
from app.intake.files.encoding import Csv, JsonLines
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.uploads import MULTIPART
from app.intake.http import FORM, JSON
from app.intake.imports import imports
from app.openapi.schemas import TEXT, Schema, ref
from app.testmode import clients as test_clients

FILE: Schema = {"type": "string", "format": "binary"}
ANYTHING: Schema = {}
FILES: Mapping[str, Schema] = MappingProxyType(
    {
        MULTIPART: {"type": "object", "properties": {imports.FIELD: FILE}, "required": [imports.FIELD]},
        **dict.fromkeys(imports.EXTENSIONS, FILE),
    }
)
"""What an import is sent as."""
KEY = "Idempotency-Key"
GRANT: Schema = {
    "type": "object",
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "scope": {"type": "string", "description": "Scopes with blanks between them. Left out: all of the client's."},
        "client_id": TEXT,
        "client_secret": TEXT,
        "client_assertion_type": TEXT,
        "client_assertion": TEXT,
    },
    "required": ["grant_type"],
}
REVOCATION: Schema = {"type": "object", "properties": {"token": TEXT, "token_type_hint": TEXT}, "required": ["token"]}


@dataclass(frozen=True, slots=True)
class ToldOperation:
    """`answers` are the media types of a good answer. `more` are statuses that no other table knows."""

    summary: str
    answers: Mapping[str, Schema]
    status: int = 200
    takes: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    more: Mapping[int, str] = field(default_factory=dict)
    error: str = "Error"
    """The schema of its errors."""


TIMED_OUT, KEY_IN_USE, KEY_REUSED, ERASED = (
    "It took too long: send it again.",
    "The request with this key is still being worked on, or this message has come before.",
    "The key came with another body before.",
    "It was done; its answer was erased together with the data of a person.",
)
FINISHED, GONE = "The import is not finished: its result comes later.", "There is no result, or not any more."
OF_OAUTH: Mapping[int, str] = MappingProxyType({400: "See `error`.", 401: "The client is not known.", 503: "Later."})

OPERATIONS: Mapping[str, ToldOperation] = MappingProxyType(
    {
        "GET /": ToldOperation("What this is, and where the doors are.", {JSON: {"type": "object"}}),
        "GET /openapi.json": ToldOperation("This description.", {JSON: {"type": "object"}}),
        "GET /healthz": ToldOperation("Whether the process lives.", {JSON: ref("Alive")}),
        "GET /readyz": ToldOperation(
            "Whether requests may be sent here.",
            {JSON: ref("Ready")},
            more={503: "Not now: see `reason`."},
            error="NotReady",
        ),
        f"POST {TOKEN_PATH}": ToldOperation(
            "An access token for 15 minutes (RFC 6749 §4.4).",
            {JSON: ref("Token")},
            takes={FORM: GRANT},
            more=OF_OAUTH,
            error="OAuthError",
        ),
        f"POST {REVOCATION_PATH}": ToldOperation(
            "Ends a token of one's own (RFC 7009).",
            {JSON: ANYTHING},
            takes={FORM: REVOCATION},
            more=OF_OAUTH,
            error="OAuthError",
        ),
        f"GET {endpoints.JWKS_PATH}": ToldOperation(
            "The keys that sign tokens (RFC 7517).", {JSON: {"type": "object"}}
        ),
        f"GET {endpoints.METADATA_PATH}": ToldOperation("Where tokens are had (RFC 8414).", {JSON: {"type": "object"}}),
        f"POST {webhook.PATH}": ToldOperation(
            "One row of the standard, or up to 1,000; a verdict for each, in their order.",
            {JSON: ref("Verdicts")},
            takes={JSON: ref("Rows")},
            headers=(KEY, "webhook-id", "webhook-timestamp", "webhook-signature"),
            more={409: KEY_IN_USE, 410: ERASED, 422: KEY_REUSED, 504: TIMED_OUT},
        ),
        f"POST {legacy.PATH}": ToldOperation(
            "Whether a NIK is registered, as last year's scheme asked. `status_code` stands in the body.",
            {JSON: ref("LegacyAnswer")},
            takes={JSON: ref("Check"), FORM: ref("Check")},
            more={504: TIMED_OUT},
        ),
        f"POST {imports.PATH}": ToldOperation(
            "Takes a file of rows, as the body or as the one file of a form. It is read as a job.",
            {JSON: ref("Import")},
            status=202,
            takes=FILES,
            headers=(KEY,),
            more={409: KEY_IN_USE, 410: ERASED, 422: KEY_REUSED},
        ),
        f"GET {imports.PATH}/{{id}}": ToldOperation("How far an import is.", {JSON: ref("Import")}),
        f"GET {imports.PATH}/{{id}}/result.{{format}}": ToldOperation(
            "The file of an import with the verdict of each row.",
            {Xlsx.media: FILE, Csv.media: FILE},
            more={409: FINISHED, 410: GONE},
        ),
        f"POST {imports.PATH}/{{id}}/result.{{format}}": ToldOperation(
            "The same, for the pages of the registry: who is signed in there is known in a POST alone.",
            {Xlsx.media: FILE, Csv.media: FILE},
            more={409: FINISHED, 410: GONE},
        ),
        f"POST {imports.PATH}/{{id}}/cancel-missing": ToldOperation(
            "Cancels whom the registry holds and a snapshot does not name.", {JSON: ref("Import")}
        ),
        f"GET {consolidation.PATH}": ToldOperation(
            "A day of an organizer, to compare with its own list.", {JSON: ref("Day")}, more={504: TIMED_OUT}
        ),
        f"GET {export.PATH}.xlsx": ToldOperation("Your registrants as rows of the standard.", {Xlsx.media: FILE}),
        f"GET {export.PATH}.csv": ToldOperation("Your registrants as rows of the standard.", {Csv.media: FILE}),
        f"GET {export.PATH}.jsonl": ToldOperation(
            "Your registrants, a row of the standard a line.", {JsonLines.media: FILE}
        ),
        f"GET {template.PATH}": ToldOperation(
            "The empty standard, with an example and explanations.", {Xlsx.media: FILE}
        ),
        f"GET {figures.PATH}": ToldOperation(
            "Figures for everybody, of a season that Hubdat shows: a table as CSV or JSON, or what the files mean.",
            {figures.CSV: TEXT, JSON: {"type": "object"}},
            headers=("If-None-Match",),
            more={
                304: "The file is still the one that If-None-Match names.",
                404: "No such file, or Hubdat does not show this season.",
                503: "The registry cannot answer now: wait for the seconds in Retry-After.",
            },
        ),
        f"POST {test_clients.PATH}": ToldOperation(
            "A client of the organizer's test registry, which its first client makes. Where there is test mode.",
            {JSON: ref("TestClient")},
            more={504: TIMED_OUT},
        ),
        f"GET {metrics_page.PATH}": ToldOperation("Figures for Prometheus.", {"text/plain": TEXT}),
    }
)
