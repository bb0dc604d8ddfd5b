"""`POST /webhook/pemudik`: one record of the ministry's 12 columns or an array of up to 1,000; a verdict for each.

The answer is 200 when the request itself was sound, whatever became of its records. It tells ids, codes and the
sender's own booking codes, and never a NIK or a name.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from starlette.responses import Response
from starlette.routing import Route

from app import metrics
from app.auth.bearer import Bearer
from app.config import Settings
from app.db import Session
from app.errors import InvalidValue, Language
from app.intake import http, pushing
from app.intake.http import Asked, Door, Refused
from app.intake.signatures import Signatures
from app.process import Registry
from app.registry.clients import idempotency, webhook_secrets
from app.registry.clients.idempotency import InUse, Keyed, Reused
from app.registry.rows import reception
from app.registry.rows.reception import RESULT_TITLES, Push, Record, Result, Verdict
from app.registry.values import standard
from app.registry.values.texts import reference_given

PATH = "/webhook/pemudik"
MOST_RECORDS = 1000
LONGEST_KEY = 255

Told = dict[str, Any]

log = structlog.get_logger(__name__)


def routes(registry: Registry, bearer: Bearer, settings: Settings) -> list[Route]:
    signatures = Signatures(registry.database, registry.vault)

    async def answer(asked: Asked) -> Response:
        http.media_type(asked.request, http.JSON)
        body = await http.body(asked.request, settings)
        client_id = asked.caller.client_id or ""
        message_id = await signatures.verified(asked.request.headers, body, client_id, asked.now)
        keyed = _keyed(asked, registry, body)
        records = [reception.row_of(one) for one in _records(http.parsed_json(body))]
        try:
            async with asyncio.timeout(settings.request_timeout):
                told = await _push(registry, asked, records, keyed, message_id)
        except TimeoutError:
            raise Refused(504, "TIMEOUT", "Terlalu lama; kirim ulang.", "It took too long; send it again.") from None
        for one in told:
            code = one["kode"] or _RESULTS[one["hasil"]]
            metrics.VERDICTS.labels("feed", code, asked.caller.organizer).inc()
        return http.answered(_answer(told, records))

    return [http.route(PATH, Door(bearer, "webhook", answer, scopes=["registrants:write"]))]


# --- what is asked ----------------------------------------------------------------------------------------------------


def _records(content: object) -> Sequence[object]:
    if isinstance(content, dict):
        return [content]
    if not isinstance(content, list):
        raise http.bad(
            "Isi permintaan harus satu objek, atau larik objek, dengan 12 kolom standar.",
            "The body is one object, or an array of objects, with the standard's 12 columns.",
        )
    if not content:
        raise Refused(400, "NO_RECORDS", "Larik ini kosong.", "The array is empty.")
    if len(content) > MOST_RECORDS:
        raise Refused(
            400,
            "TOO_MANY_RECORDS",
            f"Paling banyak {MOST_RECORDS} data dalam satu permintaan.",
            f"At most {MOST_RECORDS} records in one request.",
        )
    return content


def _keyed(asked: Asked, registry: Registry, body: bytes) -> Keyed | None:
    """The key is a string of RFC 8941, `"..."`; without the quotes it will do."""
    given = asked.request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Refused(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            f"Idempotency-Key: 1 sampai {LONGEST_KEY} karakter ASCII.",
            f"Idempotency-Key has 1 to {LONGEST_KEY} characters of ASCII.",
        )
    return idempotency.keyed(registry.vault, asked.caller.client_id or "", key, body)


# --- what is done -----------------------------------------------------------------------------------------------------


async def _push(
    registry: Registry, asked: Asked, records: Sequence[Record], keyed: Keyed | None, message_id: str | None
) -> list[Told]:
    """Single records of many callers are merged; what must be done once is done in a transaction of its own."""
    pushes = [Push(asked.caller, record) for record in records]
    if keyed is not None or message_id is not None:
        return await _push_once(registry, asked, pushes, keyed, message_id)
    if len(pushes) == 1:
        verdicts = [await registry.pushes.submit(pushes[0])]
    else:
        verdicts = await pushing.push_all(registry.database, registry.vault, pushes, asked.now)
    return [_told(verdict, asked.language) for verdict in verdicts]


async def _push_once(
    registry: Registry, asked: Asked, pushes: Sequence[Push], keyed: Keyed | None, message_id: str | None
) -> list[Told]:
    """What is done, what it is answered and that its id has come are stored together or not at all."""

    async def work(session: Session, done: Sequence[Verdict] | None = None) -> list[Told]:
        kept = None if keyed is None else await idempotency.take(session, keyed, asked.now)
        if kept is not None:
            answer: list[Told] = orjson.loads(kept)
            return answer
        await _take_message(session, registry, asked, message_id)
        verdicts = done or await reception.push(session, registry.vault, pushes, asked.now)
        told = [_told(verdict, asked.language) for verdict in verdicts]
        if keyed is not None:
            await idempotency.keep(session, keyed, orjson.dumps(told).decode(), asked.now)
        return told

    try:
        return await registry.database.attempt(work)
    except InUse:
        raise _in_use() from None
    except Reused:
        raise _reused() from None
    except Exception as error:
        if isinstance(error, Refused) or pushing.is_everybodys(error):
            raise
        log.exception("request failed, its records go one by one", records=len(pushes))
    done = await pushing.push_each(registry.database, registry.vault, pushes, asked.now)
    return await registry.database.attempt(lambda session: work(session, done))


async def _take_message(session: Session, registry: Registry, asked: Asked, message_id: str | None) -> None:
    if message_id is None:
        return
    client_id = asked.caller.client_id or ""
    if not await webhook_secrets.take(session, registry.vault, client_id, message_id, asked.now):
        raise Refused(
            409, "MESSAGE_REPLAYED", "webhook-id ini sudah pernah diterima.", "This webhook-id has come before."
        )


# --- what is answered -------------------------------------------------------------------------------------------------


def _told(verdict: Verdict, language: Language) -> Told:
    return {
        "hasil": RESULT_TITLES[verdict.result],
        "kode": verdict.code,
        "kolom": verdict.column,
        "pesan": verdict.message(language),
        "peringatan": [warning.code for warning in verdict.warnings],
        "id": None if verdict.registrant_id is None else str(verdict.registrant_id),
        "penyelenggara": verdict.organizer,
        "status_pemesanan_code": None if verdict.status is None else standard.STATUS_CODES[verdict.status],
    }


def _answer(told: Sequence[Told], records: Sequence[Record]) -> Told:
    counts = Counter(one["hasil"] for one in told)
    rows = [
        {"nomor": number, **one, "kode_booking": _echo(record)}
        for number, (one, record) in enumerate(zip(told, records, strict=True), start=1)
    ]
    return {"jumlah": len(rows), "ringkasan": {title: counts[title] for title in _TITLES}, "hasil": rows}


_TITLES = [RESULT_TITLES[result] for result in Result]
_RESULTS = {title: str(result) for result, title in RESULT_TITLES.items()}


def _echo(record: Record) -> str | None:
    """The sender's own booking code, if it is one: something else could be anything."""
    reference = reference_given(record.kode_booking)
    return None if isinstance(reference, InvalidValue) else reference


def _in_use() -> Refused:
    return Refused(
        409,
        "IDEMPOTENCY_KEY_IN_USE",
        "Permintaan dengan Idempotency-Key ini masih diproses.",
        "The request with this Idempotency-Key is still being worked on.",
        headers={"Retry-After": "1"},
    )


def _reused() -> Refused:
    return Refused(
        422,
        "IDEMPOTENCY_KEY_REUSED",
        "Idempotency-Key ini sudah dipakai untuk isi yang lain.",
        "This Idempotency-Key came with another body before.",
    )
