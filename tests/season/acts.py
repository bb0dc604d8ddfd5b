"""What people and organizers do, each at its hour: by GraphQL, by the webhook, or by a list that is sent once a day."""

from __future__ import annotations

import calendar
import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any

from app.clock import WIB
from tests.season.cast import COMES_BACK, LEAVES_HOME, WINDOWS, Party, Person
from tests.season.stage import SCHEMES, SECOND_BUS, Stage, route_name, row_of

Act = Callable[[], Awaitable[None]]
LISTS: dict[str, time] = {
    "dishub-kota-tangerang": time(20),
    "dishub-tangsel": time(6),
    "jasa-raharja": time(9, 30),
    "bumn-contoh-1": time(9, 30),
}
"""When an organizer sends the whole list of its people. A list of the morning tells of the day before."""
SNAPSHOTS = {"dishub-tangsel"}
APPLIED = {"dishub-kota-tangerang"}
"""Whose lists, sent as xlsx in a form, move and correct people."""
TRIED_ON = calendar.WEDNESDAY
"""On which day of the week such a list is tried first: the window of dishub-kota-tangerang begins on a Wednesday."""
WHOLE_BOOKINGS = {"dishub-dki"}
"""Who registers a family whole or not at all."""
CHECKS_FIRST = {"djka", "dishub-jabar"}
"""Whose clerk checks each NIK before the people are registered."""
BY_BOOKING_CODE = {"hubdat", "dishub-dki"}
"""At whose posko a family shows its booking code."""
REPORTS_ABOARD = timedelta(minutes=-30)
"""To the departure."""

_CHECK = """query ($niks: [NIK!]!) {
    checkNiks(niks: $niks, direction: MUDIK, service: PASSENGER) { outcome } }"""
_SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
    ... on Submission { replayed registrant { id } return { id } } ... on Problem { code } } }"""
_VERIFY = "mutation ($refs: [RegistrantRef!]!) { verifyRegistrants(refs: $refs) { ... on Problem { code } } }"
_DEPART = """mutation ($refs: [RegistrantRef!]!) { departRegistrants(refs: $refs, healthy: true) {
    ... on Registrant { id } ... on Problem { code } } }"""
_CANCEL = """mutation ($ref: RegistrantRef!) {
    cancelRegistrant(ref: $ref, reason: "Permintaan peserta") { ... on Problem { code } } }"""
_CORRECT = """mutation ($ref: RegistrantRef!, $nik: NIK!) {
    correctRegistrant(ref: $ref, input: {nik: $nik, reason: "Salah ketik petugas"}) { ... on Problem { code } } }"""
_SUBMIT_BOOKING = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) {
    ... on SubmittedBooking { submissions { registrant { id } return { id } } }
    ... on RefusedBooking { problems { code } } ... on Problem { code } } }"""
_OF_A_BOOKING = "... on BookingVerdicts { people { registrants { id } problem { code } } } ... on Problem { code }"
_VERIFY_BOOKING = f"mutation ($reference: String!) {{ verifyBooking(reference: $reference) {{ {_OF_A_BOOKING} }} }}"
_DEPART_BOOKING = f"""mutation ($reference: String!, $direction: Direction!) {{
    departBooking(reference: $reference, direction: $direction, healthy: true) {{ {_OF_A_BOOKING} }} }}"""
_CANCEL_BOOKING = f"""mutation ($reference: String!) {{
    cancelBooking(reference: $reference, reason: "Permintaan peserta") {{ {_OF_A_BOOKING} }} }}"""
_REOPEN = """mutation ($ref: RegistrantRef!) {
    reopenRegistrant(ref: $ref, reason: "Dibatalkan karena salah paham") { ... on Problem { code } } }"""
_MOVE = """mutation ($inputs: [MoveRegistrant!]!) { moveRegistrants(inputs: $inputs) { ... on Problem { code } } }"""
_HAND_OVER = "mutation ($ref: RegistrantRef!) { handOverMotorcycle(ref: $ref) { ... on Problem { code } } }"


@dataclass
class Script:
    """What is to be done, the earliest first."""

    stage: Stage
    parties: Sequence[Party]
    _acts: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    """Acts of one instant keep the order in which they were written."""

    def at(self, when: datetime, act: Act) -> None:
        heapq.heappush(self._acts, (when, next(self._numbers), act))

    async def until(self, end: datetime) -> None:
        """Everything that is due before `end`, each act at its own time."""
        while self._acts and self._acts[0][0] < end:
            when, _, act = heapq.heappop(self._acts)
            self.stage.now = when
            await act()


def script(stage: Stage, parties: Sequence[Party]) -> Script:
    written = Script(stage, parties)
    for party in parties:
        _of(written, stage, party)
    for organizer, hour in LISTS.items():
        own = [party for party in parties if party.organizer == organizer]
        first = WINDOWS[organizer][0]
        for day in range((COMES_BACK.date() - first).days + 2):
            sent_at = datetime.combine(first + timedelta(days=day), hour, WIB)
            written.at(sent_at, _list(stage, organizer, own, sent_at))
    return written


def _of(written: Script, stage: Stage, party: Party) -> None:
    moments: list[tuple[datetime | None, Callable[[Stage, Party], Awaitable[None]]]] = [
        (party.registers_at, _register),
        (party.registers_at + timedelta(hours=20), _correct),
        (party.verifies_at, _verify),
        (party.cancels_at, _cancel),
        (party.reopened_at, _reopen),
        (party.moves_at, _move),
        (LEAVES_HOME - timedelta(days=1), _hand_over),
        (LEAVES_HOME + REPORTS_ABOARD if party.boards else None, _board),
        (COMES_BACK + REPORTS_ABOARD if party.boards_back else None, _board_back),
    ]
    for when, act in moments:
        if when is not None:
            written.at(when, lambda act=act: act(stage, party))  # type: ignore[misc]
    if party.rival is not None:
        written.at(party.registers_at + timedelta(hours=3), lambda: _register_with_the_rival(stage, party))


# --- what a party does ------------------------------------------------------------------------------------------------


async def _register(stage: Stage, party: Party) -> None:
    party.told = dict.fromkeys(_directions(party), 1)
    if party.organizer in SCHEMES:
        await _tell(stage, party)
        return
    inputs = [_input(stage, party, one) for one in party.people]
    if party.organizer in WHOLE_BOOKINGS:
        booked = await stage.ask(
            party.organizer, _SUBMIT_BOOKING, input={"reference": party.reference, "registrants": inputs}
        )
        stage.refused_each(booked.get("problems", ()))
        answers = booked.get("submissions", [{}] * len(inputs))
    elif party.organizer in CHECKS_FIRST:
        answers = await _checked_and_submitted(stage, party.organizer, inputs)
    else:
        answers = await stage.ask(party.organizer, _SUBMIT, inputs=inputs)
    for person, answer in zip(party.people, answers, strict=True):
        if "registrant" in answer:
            party.ids[person.number] = answer["registrant"]["id"]
        if answer.get("return"):
            party.back[person.number] = answer["return"]["id"]


OUTCOMES = {"NIK_ALREADY_REGISTERED": "REGISTERED", "NIK_BLOCKED": "BLOCKED"}
"""What a check says of a NIK that a submission refuses. Of one that is accepted anew it says `AVAILABLE`."""


async def _checked_and_submitted(stage: Stage, organizer: str, inputs: list[dict[str, Any]]) -> Any:
    niks = [one["nik"] for one in inputs]
    checks = await stage.ask(organizer, _CHECK, niks=niks)
    answers = await stage.ask(organizer, _SUBMIT, inputs=inputs)
    for nik, check, answer in zip(niks, checks, answers, strict=True):
        code = answer.get("code")
        # A full route refuses before the NIK is looked at, and a check does not know that a NIK is to be sent twice.
        if niks.count(nik) == 1 and (code is None or code in OUTCOMES):
            expected = "REGISTERED" if answer.get("replayed") else OUTCOMES.get(code, "AVAILABLE")
            assert check["outcome"] == expected, code
            stage.checked[check["outcome"]] += 1
    return answers


async def _register_with_the_rival(stage: Stage, party: Party) -> None:
    """One and the same person twice: whoever came first keeps the seat."""
    rival, reference = party.rival or "", f"R-{party.reference}"
    if SCHEMES.get(rival) == "WEBHOOK":
        as_its_own = {"source": rival, "rute_perjalanan": route_name(rival, "MUDIK"), "kode_booking": reference}
        await stage.push(rival, [row_of(party, one, "MUDIK", 1, **as_its_own) for one in party.people])
        return
    inputs = [_input(stage, party, one, rival) for one in party.people]
    await _checked_and_submitted(stage, rival, [{**one, "reference": reference} for one in inputs])


async def _correct(stage: Stage, party: Party) -> None:
    """Whoever sends rows ends the wrong registration, or overwrites the cell of a list."""
    mistyped = [one for one in party.people if one.first_written != one.nik]
    if mistyped and party.told and SCHEMES.get(party.organizer) == "WEBHOOK":
        wrong = [row_of(party, one, direction, 5) for one in mistyped for direction in party.told]
        await stage.push(party.organizer, wrong)
    party.corrected = True
    if mistyped and party.told:
        await _tell(stage, party)
    for person in party.people:
        if person.first_written != person.nik and person.number in party.ids:
            await stage.ask(party.organizer, _CORRECT, ref={"id": party.ids[person.number]}, nik=person.nik)


async def _verify(stage: Stage, party: Party) -> None:
    if party.ended:
        return
    party.told |= dict.fromkeys(party.told, 2)
    await _tell(stage, party)
    if party.ids and party.organizer in BY_BOOKING_CODE:
        await _by_booking_code(stage, party, _VERIFY_BOOKING)
    elif party.ids:
        await stage.ask(party.organizer, _VERIFY, refs=_refs(party.ids))


async def _cancel(stage: Stage, party: Party) -> None:
    if stage.now >= LEAVES_HOME - timedelta(hours=2) or not party.told:
        return
    party.ended = True
    party.told |= dict.fromkeys(party.told, 5)
    await _tell(stage, party)
    if party.ids and party.organizer in BY_BOOKING_CODE:
        await _by_booking_code(stage, party, _CANCEL_BOOKING)
        return
    for one in party.ids.values():
        await stage.ask(party.organizer, _CANCEL, ref={"id": one})


async def _reopen(stage: Stage, party: Party) -> None:
    """It was cancelled by mistake. Hubdat takes it back: both legs of a trip come back together."""
    if not party.ended or not party.ids:
        return
    for one in party.ids.values():
        await stage.ask("hubdat", _REOPEN, ref={"id": one})
    party.ended = False


async def _move(stage: Stage, party: Party) -> None:
    """Another bus of the same organizer."""
    party.bus = SECOND_BUS
    route = str(stage.world.routes[route_name(party.organizer, "MUDIK", SECOND_BUS)])
    inputs = [{"ref": {"id": one}, "routeId": route} for one in party.ids.values()]
    if inputs and not party.ended:
        await stage.ask(party.organizer, _MOVE, inputs=inputs)


async def _by_booking_code(stage: Stage, party: Party, document: str, **more: str) -> list[str]:
    """Whom it concerned: ids."""
    answer = await stage.ask(party.organizer, document, reference=party.reference, **more)
    people = answer.get("people", ())
    stage.refused_each([one["problem"] for one in people])
    return [one["id"] for person in people if person["problem"] is None for one in person["registrants"]]


async def _hand_over(stage: Stage, party: Party) -> None:
    if party.with_motorcycle and not party.ended:
        for one in party.ids.values():
            await stage.ask(party.organizer, _HAND_OVER, ref={"id": one})


async def _board(stage: Stage, party: Party) -> None:
    await _depart(stage, party, "MUDIK", party.ids)


async def _board_back(stage: Stage, party: Party) -> None:
    await _depart(stage, party, "BALIK", party.back)


async def _depart(stage: Stage, party: Party, direction: str, ids: dict[int, str]) -> None:
    """Only those are let in who were verified in time, as far as the organizer knows."""
    if party.ended or party.told.get(direction) != 2:
        return
    party.told[direction] = 3
    await _tell(stage, party)
    if not ids:
        return
    if party.organizer in BY_BOOKING_CODE and not party.with_motorcycle:
        aboard = set(await _by_booking_code(stage, party, _DEPART_BOOKING, direction=direction))
    else:
        answers = await stage.ask(party.organizer, _DEPART, refs=_refs(ids))
        aboard = {answer["id"] for answer in answers if "id" in answer}
    for number, one_id in ids.items():
        if one_id in aboard:
            [person] = [one for one in party.people if one.number == number]
            stage.aboard.add((party.organizer, person.nik, direction, _service(party)))


# --- how an organizer tells of it -------------------------------------------------------------------------------------


async def _tell(stage: Stage, party: Party) -> None:
    """At once by the webhook. Whoever sends lists waits for the list."""
    if SCHEMES.get(party.organizer) == "WEBHOOK":
        rows = list(_rows([party]))
        _note_aboard(stage, rows)
        await stage.push(party.organizer, [row for _, _, row in rows])


def _list(stage: Stage, organizer: str, parties: Sequence[Party], sent_at: datetime) -> Act:
    async def send() -> None:
        # A list of the morning was closed at midnight: what happened since stands in the next one.
        rows = list(_rows(party for party in parties if party.told and party.registers_at < _closed(sent_at)))
        if rows:
            _note_aboard(stage, rows)
            listed = [row for _, _, row in rows]
            if organizer in APPLIED:
                applied = {"changes": "APPLY", "asOf": _closed(sent_at).isoformat()}
                await stage.send_a_form(organizer, listed, is_tried=sent_at.weekday() == TRIED_ON, **applied)
            else:
                await stage.send(organizer, listed, **{"mode": "SNAPSHOT"} if organizer in SNAPSHOTS else {})

    return send


def _closed(sent_at: datetime) -> datetime:
    return sent_at if sent_at.hour > 12 else datetime.combine(sent_at.date(), time.min, WIB)


def _rows(parties: Iterable[Party]) -> Iterable[tuple[Party, Person, dict[str, str]]]:
    for party in parties:
        for person in party.people:
            for direction, code in party.told.items():
                yield party, person, row_of(party, person, direction, code)


def _note_aboard(stage: Stage, rows: Sequence[tuple[Party, Person, dict[str, str]]]) -> None:
    for party, _, row in rows:
        if row["status_pemesanan_code"] == "3":
            direction = row["tipe_keberangkatan"].removeprefix("Arus ").upper()
            stage.aboard.add((party.organizer, row["data_nik"], direction, "PASSENGER"))


def _directions(party: Party) -> Sequence[str]:
    return ("MUDIK", "BALIK") if party.with_return else ("MUDIK",)


def _service(party: Party) -> str:
    return "MOTORCYCLE" if party.with_motorcycle else "PASSENGER"


def _refs(ids: dict[int, str]) -> list[dict[str, str]]:
    return [{"id": one} for one in ids.values()]


def _input(stage: Stage, party: Party, person: Person, organizer: str | None = None) -> dict[str, Any]:
    organizer = organizer or party.organizer
    service = _service(party) if organizer == "hubdat" else "PASSENGER"
    given: dict[str, Any] = {
        "nik": person.first_written,
        "name": person.name,
        "routeId": str(stage.world.routes[route_name(organizer, "MUDIK", service)]),
        "identityDocument": "KTP",
        "reference": party.reference,
    }
    if person.lap_infant:
        given |= {"identityDocument": "KIA", "lapInfant": True}
    if party.with_return and organizer == party.organizer:
        given["returnRouteId"] = str(stage.world.routes[route_name(organizer, "BALIK", service)])
    if service == "MOTORCYCLE":
        given["motorcycle"] = {"plate": f"B {person.number} UJI", "registrationNumber": f"UJI-{person.number:07}"}
    return given
