"""`POST /webhook/pemudik`: one row of the ministry's 12 columns, or up to 1,000 of them; a verdict for each.

The status is 200 when the request itself was sound, whatever became of its rows. The answer has ids, codes, the
sender's own booking codes, and what differs from what is stored of the sender's own people; never a NIK.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response
from starlette.routing import Route

from app import clock, metrics
from app.auth.callers import Callers
from app.auth.edge import RequestRefused
from app.config import Settings
from app.db import Session
from app.errors import InvalidValue, Language
from app.intake import http, pushing, repeats
from app.intake.http import AdmittedRequest, RestDoor
from app.intake.pushing import Take
from app.intake.signatures import Signatures
from app.models.enums import ImportChanges
from app.process import Process
from app.registry.clients import idempotency, webhook_secrets
from app.registry.clients.idempotency import KeyedRequest
from app.registry.clients.scopes import REGISTRANTS_WRITE
from app.registry.niks import reads, telling
from app.registry.niks.reads import Read
from app.registry.rows import reception
from app.registry.rows.batch import Applying
from app.registry.rows.reception import RESULT_TITLES, Push, Result, Row, Verdict
from app.registry.values import standard
from app.registry.values.texts import not_in_the_future, reference_given

PATH = "/webhook/pemudik"
MOST_RECORDS = 1000
COST_OF_A_ROW = 50
"""What one row adds to the cost of a turn, in units of CPU: 150 to 250 microseconds of a new person."""
PARAMETERS = frozenset({"changes", "asOf"})

ToldVerdict = dict[str, Any]


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    signatures = Signatures(process.database, process.vault)

    async def answer(asked: AdmittedRequest) -> Response:
        http.media_type(asked.request, http.JSON)
        body = await http.body(asked.request, settings)
        came_at = clock.unmoved(asked.now)
        message_id = await signatures.verified(asked.request.headers, body, asked.client, came_at)
        key = asked.request.headers.get(repeats.HEADER)
        # What the rows may change is part of the request: another answer must not be repeated for it.
        keyed = repeats.keyed(process.vault, asked.client, key, body + asked.request.url.query.encode())
        applying = _applying(asked)
        pushes = [Push(asked.caller, reception.row_of(one), applying) for one in _records(http.parsed_json(body))]
        async with http.in_time(settings), process.turns.turn(asked.client, COST_OF_A_ROW * len(pushes)):
            told = await _push(process, asked, pushes, keyed, message_id)
        for one in told:
            result = _RESULTS[one["hasil"]]
            code, refused = one["kode"] or result, result == Result.REFUSED
            metrics.count_verdict("row", asked.caller.organizer, code, refused=refused)
        await _write_down(process, asked, told)
        return http.answered(_answer(told, [push.row for push in pushes]))

    return [http.route(PATH, RestDoor(callers, "webhook", answer, scopes=[REGISTRANTS_WRITE], parameters=PARAMETERS))]


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
        raise RequestRefused(
            400, "NO_RECORDS", "Larik ini kosong; kirim paling sedikit satu data.", "The array is empty; send a record."
        )
    if len(content) > MOST_RECORDS:
        raise RequestRefused(
            400,
            "TOO_MANY_RECORDS",
            f"Paling banyak {MOST_RECORDS} data dalam satu permintaan.",
            f"At most {MOST_RECORDS} records in one request.",
        )
    return content


def _applying(asked: AdmittedRequest) -> Applying | None:
    """From the query string: `changes=APPLY`, and `asOf`, the instant of what is sent. Raises `RequestRefused`."""
    given = asked.request.query_params
    changes = http.value(given, "changes", lambda text: ImportChanges(text.upper()), "REPORT / APPLY")
    as_of = http.value(given, "asOf", http.instant, http.AN_INSTANT)
    if changes != ImportChanges.APPLY:
        if as_of is not None:
            raise http.bad(
                "Waktu daftar hanya untuk kiriman yang mengubah data.", "asOf is for changes=APPLY alone.", "asOf"
            )
        return None
    refused = not_in_the_future(as_of, asked.now, "asOf")
    if isinstance(refused, InvalidValue):
        raise http.bad(refused.message("id"), refused.message("en"), "asOf")
    return Applying(as_of)


# --- what is done -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TakenOnce:
    """Rows that must be taken in only once: their request has a key, or is a signed message."""

    pushes: Sequence[Push]
    keyed: KeyedRequest | None
    message_id: str | None


async def _push(
    process: Process,
    asked: AdmittedRequest,
    pushes: Sequence[Push],
    keyed: KeyedRequest | None,
    message_id: str | None,
) -> list[ToldVerdict]:
    """Single rows of many callers are merged. A request that must be done only once has a transaction of its own."""
    if keyed is not None or message_id is not None:
        return await _push_once(process, asked, _TakenOnce(pushes, keyed, message_id))
    if len(pushes) == 1:
        return _all_told([await process.pushes.ask(pushes[0])], asked)
    return _all_told(await pushing.push_all(process.database, process.vault, pushes, asked.now), asked)


async def _push_once(process: Process, asked: AdmittedRequest, once: _TakenOnce) -> list[ToldVerdict]:
    try:
        return await pushing.push_with(
            process.database,
            process.vault,
            once.pushes,
            asked.now,
            lambda session, take: _take_once(session, take, process, asked, once),
        )
    except repeats.NOT_REPEATED as reason:
        raise repeats.refused(reason) from None


async def _take_once(
    session: Session, take: Take, process: Process, asked: AdmittedRequest, once: _TakenOnce
) -> list[ToldVerdict]:
    """One transaction stores what is done, the answer, and that the message's id has come: all of it or nothing."""
    kept = None if once.keyed is None else await idempotency.take(session, process.vault, once.keyed, asked.now)
    if kept is not None:
        answer: list[ToldVerdict] = orjson.loads(kept)
        return answer
    await _take_message(session, process, asked, once.message_id)
    told = _all_told(await take(), asked)
    if once.keyed is not None:
        await idempotency.keep(session, process.vault, once.keyed, orjson.dumps(told).decode(), asked.now)
    return told


async def _take_message(session: Session, process: Process, asked: AdmittedRequest, message_id: str | None) -> None:
    if message_id is None:
        return
    came_at = clock.unmoved(asked.now)
    if not await webhook_secrets.take(session, process.vault, asked.client, message_id, came_at):
        raise RequestRefused(
            409, "MESSAGE_REPLAYED", "webhook-id ini sudah pernah diterima.", "This webhook-id has come before."
        )


async def _write_down(process: Process, asked: AdmittedRequest, told: Sequence[ToldVerdict]) -> None:
    """Where a row differs, the answer tells what is stored: that is a read of a person."""
    people = {UUID(one["id"]): one["penyelenggara"] for one in told if one["perbedaan"] and one["id"]}
    if people:
        async with process.database.statements() as session:
            await reads.record(session, Read(caller=asked.caller, what=PATH, people=people), asked.now)


# --- what is answered -------------------------------------------------------------------------------------------------


def _all_told(verdicts: Sequence[Verdict], asked: AdmittedRequest) -> list[ToldVerdict]:
    """Raises `Unavailable`."""
    telling.shut_out((one.refusal for one in verdicts), asked.now)
    return [_told(one, asked.language, asked.now) for one in verdicts]


def _told(verdict: Verdict, language: Language, now: datetime) -> ToldVerdict:
    return {
        "hasil": RESULT_TITLES[verdict.result],
        "kode": verdict.code,
        "kolom": verdict.column,
        "pesan": verdict.message(language),
        "coba_lagi_detik": None if verdict.refusal is None else verdict.refusal.retry_after(now),
        "peringatan": [warning.code for warning in verdict.warnings],
        "perbedaan": [
            {"kolom": one.column, "tersimpan": one.stored, "dikirim": one.sent} for one in verdict.differences
        ],
        "id": None if verdict.registrant_id is None else str(verdict.registrant_id),
        "penyelenggara": verdict.organizer,
        "status_pemesanan_code": None if verdict.status is None else standard.STATUS_CODES[verdict.status],
    }


def _answer(told: Sequence[ToldVerdict], records: Sequence[Row]) -> ToldVerdict:
    counts = Counter(one["hasil"] for one in told)
    rows = [
        {"nomor": number, **one, "kode_booking": _echo(record)}
        for number, (one, record) in enumerate(zip(told, records, strict=True), start=1)
    ]
    return {"jumlah": len(rows), "ringkasan": {title: counts[title] for title in _TITLES}, "hasil": rows}


_TITLES = [RESULT_TITLES[result] for result in Result]
_RESULTS = {title: str(result) for result, title in RESULT_TITLES.items()}


def _echo(record: Row) -> str | None:
    """The sender's own booking code. Whatever is no booking code is not repeated: it could be a NIK or a name."""
    reference = reference_given(record.particulars.get("kode_booking"))
    return None if isinstance(reference, InvalidValue) else reference
