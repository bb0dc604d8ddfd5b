"""What a client reads when a request or a field fails. An error that was not written for clients is masked, with an id.

No message repeats a value that the client sent: the value may be a NIK or a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError, Node, Source

from app import telemetry
from app.auth import edge
from app.errors import Language, RefusalError, Unavailable

MASKED = "Internal error"
MASKED_INDONESIAN = "Terjadi kesalahan di registri"
_LIKE_A_NIK = re.compile(r"\d(?:_?\d){15,}")
"""Sixteen digits or more, as they can stand in the name of a field, an argument or a variable."""

logger = structlog.get_logger(__name__)


class RequestError(GraphQLError):
    """An error that is written for clients: its message is shown as it stands."""

    def __init__(
        self,
        message: str,
        code: str,
        indonesian: str | None = None,
        *,
        nodes: Collection[Node] | None = None,
        source: Source | None = None,
        positions: Collection[int] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(message, nodes, source, positions, extensions={"code": code, **facts})
        self.indonesian = indonesian or message

    def told(self, language: Language) -> str:
        return self.message if language == "en" else self.indonesian


def unavailable(error: Unavailable, language: Language) -> RequestError:
    """The registry cannot answer now; `retryAfter` is in seconds."""
    return RequestError(error.message(language), edge.refused(error).code, retryAfter=error.retry_after)


def shown(errors: Sequence[GraphQLError], language: Language) -> list[dict[str, Any]]:
    """The errors as the client reads them. One failure behind several fields has one id."""
    ids: dict[int, str] = {}
    return [_formatted(error, _for_the_client(error, language, ids), language) for error in errors]


def cause(error: GraphQLError) -> BaseException:
    """The exception that was raised, without what graphql-core wrapped around it."""
    found: BaseException = error
    while isinstance(found, GraphQLError) and not isinstance(found, RequestError) and found.original_error:
        found = found.original_error
    return found


def _for_the_client(error: GraphQLError, language: Language, ids: dict[int, str]) -> RequestError:
    raised = cause(error)
    if isinstance(raised, RequestError):
        return raised
    if isinstance(raised, RefusalError):
        return RequestError(raised.refusal.message(language), raised.refusal.code)
    if isinstance(raised, Unavailable):
        return unavailable(raised, language)
    if isinstance(raised, GraphQLError):
        # graphql-core raises it when a variable is null or missing where an argument needs a value.
        return RequestError(
            "An argument is null or missing where a value is required",
            "BAD_USER_INPUT",
            "Sebuah argumen kosong atau tidak ada, padahal wajib diisi",
        )
    if id(raised) not in ids:
        ids[id(raised)] = report(raised)
    return RequestError(MASKED, "INTERNAL_ERROR", MASKED_INDONESIAN, errorId=ids[id(raised)])


def report(error: BaseException) -> str:
    """Log a bug by its type and frames, never by its message or values. Returns the id that the client is told."""
    error_id = str(uuid4())  # With dashes: the log masks long runs of digits.
    logger.error("graphql field failed", error_id=error_id, exception="\n".join(telemetry.lines_of(error)))
    return error_id


def _formatted(error: GraphQLError, told: RequestError, language: Language) -> dict[str, Any]:
    # graphql-core names fields, arguments and variables of the document. A client may have called them by a NIK.
    message = _LIKE_A_NIK.sub(telemetry.MASKED, told.told(language))
    formatted: dict[str, Any] = {"message": message, "extensions": told.extensions}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    return formatted
