"""`POST /legacy/cek-nik`: last year's scheme (S1). A NIK goes in; `status_code`, `status_message` and `data` come out.

`data` has the standard's columns for every registration that stands against the NIK. The check is today's, with the
same access log and budget. The name and the itinerary of another organizer's passenger are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route

from app.auth.callers import Callers
from app.config import Settings
from app.errors import Language, NikInvalid, Standing, TooManyChecks
from app.intake import http
from app.intake.http import FORM, JSON, AdmittedRequest, RestDoor
from app.models.enums import Direction, NikOutcome, RegistrantStatus
from app.process import Process
from app.registry.clients.scopes import NIK_CHECK, OWN_REGISTRANTS
from app.registry.niks import sentences
from app.registry.niks.check import Answer, Check
from app.registry.registrants import lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.view import View
from app.registry.routes import route
from app.registry.routes.route import Route as Itinerary
from app.registry.values import nik, standard

PATH = "/legacy/cek-nik"
NAMES = ("nik", "data_nik")
"""What a NIK may be called: as last year's scheme has it, or as the standard does in a whole row."""
COST_OF_A_CHECK = 300
"""What a turn costs, in units of CPU: the rows of a NIK that is registered are read with their routes and terminals."""
MOST_BYTES = 16 * 1024
"""A body is at most this long. Last year's clients send the whole row, of which only the NIK is read."""
REGISTERED, BLOCKED, AVAILABLE, INVALID, UNDECIDED = 200, 403, 404, 422, 429
STATUS_CODES = REGISTERED, BLOCKED, AVAILABLE, INVALID, UNDECIDED
"""`status_code` of the body. The HTTP status of all five is 200."""
MESSAGES: dict[int, dict[Language, str]] = {
    REGISTERED: {"id": "NIK sudah terdaftar.", "en": "The NIK is registered."},
    BLOCKED: {"id": "NIK diblokir.", "en": "The NIK is blocked."},
    AVAILABLE: {"id": "NIK belum terdaftar.", "en": "The NIK is not registered."},
}
ITINERARY = standard.COLUMNS[2:7]

LegacyRow = dict[str, str | int | None]


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    async def answer(asked: AdmittedRequest) -> Response:
        sent = await _nik(asked, settings)
        async with http.in_time(settings), process.turns.turn(asked.client, COST_OF_A_CHECK):
            return http.answered(await _answered(process, asked, sent))

    return [http.route(PATH, RestDoor(callers, "legacy", answer, scopes=[NIK_CHECK]))]


async def _answered(process: Process, asked: AdmittedRequest, sent: object) -> dict[str, object]:
    answer = await _check(process, asked, sent)
    if isinstance(answer, NikInvalid):
        return _answer(INVALID, answer.message(asked.language), [])
    if answer.outcome is NikOutcome.UNDECIDED:
        return _answer(UNDECIDED, sentences.sentence(answer, asked.language), [])
    rows = await _rows(process, asked, answer.nik, answer.standing)
    return _verdict(answer, rows, asked.language)


async def _nik(asked: AdmittedRequest, settings: Settings) -> object:
    media = http.media_type(asked.request, JSON, FORM)
    body = await http.body(asked.request, settings, limit=MOST_BYTES)
    given = http.parsed_json(body) if media == JSON else _form(body)
    named = [given[name] for name in NAMES if given.get(name) is not None] if isinstance(given, Mapping) else []
    if not named:
        raise http.bad('Kirim {"nik": "…"} atau isian formulir nik.', 'Send {"nik": "…"} or a form field nik.', "nik")
    if named.count(named[0]) < len(named):
        raise http.bad(
            "nik dan data_nik berbeda; kirim satu saja.", "nik and data_nik differ; send one of them.", "nik"
        )
    return named[0]


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError:
        raise http.bad("Isi permintaan bukan formulir dalam UTF-8.", "The body is not a form in UTF-8.") from None


async def _check(process: Process, asked: AdmittedRequest, sent: object) -> Answer | NikInvalid:
    """In every direction and service, since last year's scheme asked for a NIK alone.

    Raises `TooManyChecks`, and `NotFound` when no season is open.
    """
    digits = nik.sixteen_digits(sent)
    if isinstance(digits, NikInvalid):
        return digits
    answer = await process.checks.ask(Check(asked.caller, digits))
    if isinstance(answer, TooManyChecks):
        raise answer
    return answer


async def _rows(process: Process, asked: AdmittedRequest, digits: str, standing: Sequence[Standing]) -> list[LegacyRow]:
    """A row for each registration. The caller's own has all columns, if its token may read them."""
    readable = [one for one in standing if one.own and OWN_REGISTRANTS & asked.principal.scopes]
    refs = [Ref(nik=digits, direction=one.direction, service=one.service) for one in readable]
    own = await _own(process, asked, refs) if refs else {}
    return [_row(one, digits, *own.get((one.direction, one.service), (None, None))) for one in standing]


async def _own(
    process: Process, asked: AdmittedRequest, refs: Sequence[Ref]
) -> dict[tuple[str, str], tuple[View, Itinerary | None]]:
    async with process.database.transaction() as session:
        found = await lookup.find(session, process.vault, asked.caller, refs, everyone=False, now=asked.now)
        records = [one for one in found if isinstance(one, View)]
        itineraries = await route.by_ids(session, [one.route_id for one in records], asked.now)
    return {(one.direction, one.service): (one, way) for one, way in zip(records, itineraries, strict=True)}


def _row(one: Standing, digits: str, record: View | None, itinerary: Itinerary | None) -> LegacyRow:
    status = RegistrantStatus(one.status)
    return {
        "data_nik": digits,
        "data_pemesan": None if record is None else record.name,
        **_itinerary(itinerary),
        "tipe_keberangkatan": standard.DIRECTION_TITLES[Direction(one.direction)],
        "tanggal_pendaftaran": one.registered_on.isoformat(),
        "status_pemesanan_tittle": standard.title(status),
        "status_pemesanan_code": standard.STATUS_CODES[status],
        "source": one.organizer_name,
    }


def _itinerary(itinerary: Itinerary | None) -> LegacyRow:
    if itinerary is None:
        return dict.fromkeys(ITINERARY)
    origin, destination = itinerary.origin, itinerary.destination
    values = (itinerary.name, origin.name, destination.name, origin.city, destination.city)
    return dict(zip(ITINERARY, values, strict=True))


def _verdict(answer: Answer, rows: Sequence[LegacyRow], language: Language) -> dict[str, object]:
    status_code = BLOCKED if answer.outcome is NikOutcome.BLOCKED else REGISTERED if rows else AVAILABLE
    return _answer(status_code, MESSAGES[status_code][language], rows)


def _answer(status_code: int, message: str, rows: Sequence[LegacyRow]) -> dict[str, object]:
    return {"status_code": status_code, "status_message": message, "data": rows}
