"""A subscription by GET, as stock gateways open their streams: the operation stands in the query string.

A URL is written down by proxies and in histories, so no NIK may stand there: a query string with 12 digits in a row is
refused unread. Queries and mutations are not taken by GET. We log no query string.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from app.graphql.engine.requests import NotUnderstood, OperationRequest, request_of
from app.server import json_texts
from app.server.json_texts import NotJson, TooManyValues

NAMES = frozenset({"query", "variables", "operationName", "extensions"})
OF_JSON = ("variables", "extensions")
DIGITS = re.compile(r"\d(?:[\s._+-]*\d){11}")
"""Twelve digits or more, also as a NIK is written with blanks, dots or dashes."""
ESCAPED_DIGIT = re.compile(r"\\u(?:003|\{0*3)([0-9])\}?")
"""A digit as JSON and GraphQL may write it in a text."""


def read_request(query_string: bytes) -> OperationRequest:
    """Raises `NotUnderstood`."""
    given = _parameters(query_string)
    if any(DIGITS.search(ESCAPED_DIGIT.sub(r"\1", text)) for pair in given for text in pair):
        raise _bad(
            "Alamat ini memuat 12 angka atau lebih berturut-turut, seperti sebuah NIK; kirim operasinya dengan POST",
            "12 digits or more stand in a row in this URL, as in a NIK: send the operation by POST",
        )
    body: dict[str, object] = {}
    for name, text in given:
        if name not in NAMES or name in body:
            raise _bad(
                f"Parameter yang ada, masing-masing sekali: {', '.join(sorted(NAMES))}",
                f"The parameters are, each once: {', '.join(sorted(NAMES))}",
            )
        body[name] = _json(text) if name in OF_JSON else text
    return request_of(body)


def _parameters(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=len(NAMES)
        )
    except ValueError:
        raise _bad(
            f"Alamat ini memuat paling banyak {len(NAMES)} parameter dalam UTF-8",
            f"The query string has {len(NAMES)} parameters in UTF-8 at most",
        ) from None


def _json(text: str) -> object:
    try:
        return json_texts.parsed(text.encode())
    except (NotJson, TooManyValues):
        raise _bad(
            "`variables` dan `extensions` dalam alamat adalah JSON", "`variables` and `extensions` in a URL are JSON"
        ) from None


def _bad(indonesian: str, english: str) -> NotUnderstood:
    return NotUnderstood(400, "BAD_REQUEST", indonesian, english)
