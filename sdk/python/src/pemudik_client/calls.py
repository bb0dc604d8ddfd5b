"""What a client says to the registry, without a network and without waiting: `Pemudik` and `AsyncPemudik` do the steps.

A call yields what is to be done next (send this, wait so long, give me a token) and gets back what came of it.
"""

from __future__ import annotations

import json
import random
import re
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote_plus, urlencode
from uuid import uuid4

from pemudik_client import files
from pemudik_client.documents import FIELDS, MUTATIONS, QUERIES
from pemudik_client.errors import (
    BookingRefused,
    CursorLost,
    PemudikError,
    Refused,
    RegistryFailed,
    TryLater,
    Unauthorized,
    Unreachable,
)
from pemudik_client.types import Import, Input, Verdict

T = TypeVar("T")
Steps = Generator[Any, Any, T]
Proof = Callable[[], tuple[dict[str, str], dict[str, str]]]
"""Who the client is: headers and form of a request for a token."""
BATCH = 1000
"""Items a call, at most: the registry's limit."""
PATIENCE_SECONDS = 60.0
TIMEOUT_SECONDS = 40.0
"""For an answer. The registry itself ends an operation after 30 seconds."""
RENEWED_BEFORE_END_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
GOOD = frozenset({200, 202})
BUSY = frozenset({429, 502, 503, 504})
LATER = frozenset({"IDEMPOTENCY_KEY_IN_USE", "TIMEOUT"})
"""Codes of errors after which the same request, under the same key, may succeed."""
OF_NOBODY = "HTTP_"
"""Begins the code of an answer that is none of the registry's, such as HTTP_404 of a proxy."""
_OAUTH_CODE = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Send:
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Authorize:
    """Give me a token: one at a time asks for a new one. `refused` is a token that is not good any more."""

    refused: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


class Calls:
    """What both clients share: who they are, the token that they have, and how patient they are."""

    def __init__(self, proof: Proof, language: str, patience_seconds: float) -> None:
        self._proof = proof
        self._language = language
        self._patience_seconds = patience_seconds
        self._token: tuple[str, float] | None = None

    def token(self) -> Steps[str]:
        def attempt() -> Steps[str]:
            token: str = yield Authorize()
            return token

        return (yield from self._patiently(attempt))

    def query(self, name: str, variables: Mapping[str, Any], fields: str = "") -> Steps[Any]:
        data = yield from self.execute(QUERIES[name].replace(FIELDS, fields), variables)
        return data[name]

    def mutation(self, name: str, variables: Mapping[str, Any], key: str | None = None) -> Steps[Any]:
        data = yield from self.execute(MUTATIONS[name], variables, key)
        return accepted(data[name])

    def execute(self, document: str, variables: Mapping[str, Any], key: str | None = None) -> Steps[Any]:
        """`data`. A mutation goes under one key however often it is sent, so it is done once."""
        # JSON has no way to leave an argument out of a document: a variable that is not sent is left out.
        sent = {name: value for name, value in variables.items() if value is not None}
        content = json.dumps({"query": document, "variables": sent}).encode()
        headers = {**self._headers(), "Content-Type": "application/json"}
        # The registry takes no notice of a key of what is no mutation.
        if key is not None or "mutation" in document:
            headers["Idempotency-Key"] = f'"{key or uuid4()}"'
        answered = yield from self._answered(Send("/graphql", headers, content), lambda one: content_of(one, "data"))
        return answered["data"]

    # --- files --------------------------------------------------------------------------------------------------------

    def import_file(self, file: Path, how: Mapping[str, Any], key: str | None) -> Steps[Import]:
        """The file goes under one key however often it is sent, so it is one import."""
        headers = {**self._headers(), "Content-Type": files.media_of(file), "Idempotency-Key": f'"{key or uuid4()}"'}
        sent = Send(files.path_of(how), headers, file.read_bytes())
        return (yield from self._answered(sent, lambda one: cast(Import, content_of(one, "id"))))

    def import_over(self, id: str, every_seconds: float) -> Steps[Import]:
        asked = Send(f"{files.PATH}/{id}", self._headers(), method="GET")
        while True:
            job = yield from self._answered(asked, lambda one: cast(Import, content_of(one, "id")))
            if files.is_over(job):
                return job
            yield Wait(every_seconds)

    def import_result(self, id: str, format: str) -> Steps[bytes]:
        headers = {**self._headers(), "Accept": "*/*"}
        return (yield from self._answered(Send(files.result_path(id, format), headers, method="GET"), file_of))

    # ------------------------------------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Accept-Language": self._language}

    def _answered(self, sent: Send, read: Callable[[Answer | None], T]) -> Steps[T]:
        def attempt() -> Steps[T]:
            return (yield from self._authorized(sent, read))

        return (yield from self._patiently(attempt))

    def renewed(self, refused: str | None) -> Steps[str]:
        """The token that is there, or a new one. Whoever runs this lets nobody else run it meanwhile."""
        if self._token is not None and self._token[0] != refused and time.monotonic() < self._token[1]:
            return self._token[0]
        headers, form = self._proof()
        asked_at = time.monotonic()
        asking = urlencode({"grant_type": "client_credentials", **form}).encode()
        answer = yield Send(TOKEN_PATH, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, asking)
        content = content_of(answer, "access_token")
        token: str = content["access_token"]
        self._token = token, asked_at + float(content["expires_in"]) - RENEWED_BEFORE_END_SECONDS
        return token

    def _authorized(self, sent: Send, read: Callable[[Answer | None], T]) -> Steps[T]:
        token = yield Authorize()
        try:
            return read((yield _bearing(sent, token)))
        except Unauthorized as error:
            if error.status != 401:
                raise
        return read((yield _bearing(sent, (yield Authorize(token)))))

    def _patiently(self, attempt: Callable[[], Steps[T]]) -> Steps[T]:
        until = time.monotonic() + self._patience_seconds
        for tries in count():
            try:
                return (yield from attempt())
            except TryLater as later:
                seconds = pause_seconds(tries, later.retry_after)
                if time.monotonic() + seconds > until:
                    raise
            yield Wait(seconds)
        raise AssertionError


def _bearing(sent: Send, token: str) -> Send:
    return replace(sent, headers={**sent.headers, "Authorization": f"Bearer {token}"})


def proof_of(client_id: str, client_secret: str | None, private_key: str | bytes | None, audience: str) -> Proof:
    """By its secret in a header, or by a signature in the form, which is another one each time."""
    if (client_secret is None) == (private_key is None):
        raise ValueError("A client has a secret or a private key.")
    if private_key is not None:
        from pemudik_client.assertions import Signer  # noqa: PLC0415 - an extra, which most do not need

        signer = Signer(client_id, private_key, audience)
        return lambda: ({}, signer.form())
    credentials = f"{quote_plus(client_id)}:{quote_plus(client_secret or '')}"
    basic = "Basic " + b64encode(credentials.encode()).decode()
    return lambda: ({"Authorization": basic}, {})


def pause_seconds(tries: int, retry_after: float | None) -> float:
    """As long as the registry says; else longer each time. Spread, so that not everybody comes back at once."""
    if retry_after is not None:
        return retry_after * random.uniform(1, 1.1)  # noqa: S311 - no secret
    longest: float = min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 16), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret


def batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, BATCH)):
        yield batch


# --- what an answer means ---------------------------------------------------------------------------------------------


def content_of(answer: Answer | None, awaited: str) -> Mapping[str, Any]:
    """What was answered, with `awaited` in it. Raises what went wrong."""
    if answer is None:
        raise Unreachable
    content = _read(answer.body)
    if answer.status in GOOD and content.get(awaited) is not None and not content.get("errors"):
        return content
    raise _error_of(answer, content)


def file_of(answer: Answer | None) -> bytes:
    if answer is None:
        raise Unreachable
    if answer.status == 200:
        return answer.body
    raise _error_of(answer, _read(answer.body))


def _read(body: bytes) -> Mapping[str, Any]:
    """Nothing of what is no object of JSON."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _error_of(answer: Answer, content: Mapping[str, Any]) -> PemudikError:
    code, message, told = _told(answer.status, content)
    retry_after = told.get("retryAfter", seconds_of(answer.retry_after))
    if answer.status in {401, 403}:
        return Unauthorized(code, message, answer.status)
    if answer.status in BUSY or code in LATER or (answer.status == 200 and "retryAfter" in told):
        return TryLater(code, message, retry_after)
    if code == "CURSOR_LOST":
        return CursorLost(code, message, told.get("after"))
    if answer.status >= 500 or code == "INTERNAL_ERROR" or code.startswith(OF_NOBODY):
        return RegistryFailed(code, message, told.get("errorId"))
    return Refused(code, message, told)


def _told(status: int, content: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    """Code, message and facts: as GraphQL, the doors of files, the token endpoint, or nobody of us says them."""
    errors, code = content.get("errors"), content.get("error")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        told = errors[0].get("extensions") or {}
        return told.get("code", "GRAPHQL_VALIDATION_FAILED"), errors[0].get("message", ""), told
    if isinstance(code, dict) and isinstance(code.get("code"), str):
        return code["code"], str(code.get("message", "")), code
    if isinstance(code, str) and _OAUTH_CODE.fullmatch(code):
        return code.upper(), str(content.get("error_description", code)), {}
    return f"{OF_NOBODY}{status}", f"Status {status} without an answer of the registry.", {}


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After` of RFC 9110: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def accepted(result: Any) -> Any:
    """What a mutation answered. Raises `Refused`. A list is left as it is: it has a verdict for each item."""
    if isinstance(result, list):
        return result
    if "code" in result:
        raise Refused.of(result)
    if "problems" in result:
        raise BookingRefused(result["problems"])
    return result.get("people", result)


def verdicts(inputs: Sequence[Input], results: Sequence[Any]) -> Iterator[Verdict[Input, Any]]:
    for given, result in zip(inputs, results, strict=True):
        refused = "code" in result
        yield Verdict(given, None if refused else result, result if refused else None)
