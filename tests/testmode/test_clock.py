"""An organizer moves the clock of its test registry, and nobody else's; a reset makes it new."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from app.graphql.doors.connections import CHECK_EVERY_SECONDS
from app.models.enums import RegistrantStatus
from app.registry.halts import DUTIES, RUNNERS
from app.testmode.control import Control
from tests.databases import named
from tests.patience import PATIENCE_SECONDS
from tests.testmode.partner import ROUTES, SUBMIT, Partner, awaited

MOVE = """
    mutation ($at: DateTime) { testNow(at: $at) { ... on TestRegistry { now } ... on Problem { code field } } }
"""
PERSON = "3171031111119001"
SOMEBODY_WAITS = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""


@pytest.fixture(autouse=True)
def reset(dki: Partner, ahm: Partner) -> None:
    for partner in (dki, ahm):
        partner.resets()


def ahead(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def days_ahead(partner: Partner, at: str | None) -> int:
    told = datetime.fromisoformat(partner.ask(MOVE, at=at)["testNow"]["now"])
    return round((told - datetime.now(UTC)) / timedelta(days=1))


def test_whoever_is_not_verified_in_seven_days_is_forfeited_within_the_call(dki: Partner, ahm: Partner) -> None:
    assert dki.submits(PERSON)["registrant"]["status"] == "REGISTERED"
    assert ahm.submits(PERSON)["registrant"]["status"] == "REGISTERED"
    assert days_ahead(dki, ahead(6)) == 6
    assert dki.statuses() == ["REGISTERED"]
    assert days_ahead(dki, ahead(9)) == 9
    assert dki.statuses() == ["FORFEITED"]
    assert dki.submits(PERSON)["code"] == "NIK_BLOCKED"
    assert ahm.statuses() == ["REGISTERED"]


def test_a_stream_goes_on_while_its_token_is_good_by_the_true_time(dki: Partner) -> None:
    days_ahead(dki, ahead(9))
    query = {"query": "subscription { changes { registrant { nik } } }"}
    headers = {**dki.headers, "Accept": "text/event-stream"}
    with httpx.stream("POST", f"{dki.base}/graphql", json=query, headers=headers, timeout=PATIENCE_SECONDS) as stream:
        # Until its rights have been looked at.
        time.sleep(3 * CHECK_EVERY_SECONDS)
        dki.submits(PERSON)
        told = [line for line, _ in zip(stream.iter_lines(), range(4), strict=False)]
    assert PERSON in told[-1], told


def test_more_than_a_sweep_ends_at_once_are_forfeited_too(dki: Partner) -> None:
    """In the live registry that waits for a word of Hubdat."""
    route = dki.route()
    people = [
        {"nik": f"317103111111{serial}", "name": "Warga Uji", "routeId": route, "identityDocument": "KTP"}
        for serial in range(9000, 9150)
    ]
    query = "mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) { __typename } }"
    dki.ask(query, inputs=people)
    days_ahead(dki, ahead(9))
    awaited(lambda: set(dki.statuses()) == {"FORFEITED"})


@pytest.mark.anyio
async def test_the_call_waits_for_another_process_that_sweeps(dki: Partner, list_url: str) -> None:
    """Whoever finds a sweep at work leaves the rest to that sweep, which may go by the clock of before."""
    assert dki.submits(PERSON)["registrant"]["status"] == "REGISTERED"
    control = Control(list_url)
    listed = await control.find(dki.organizer)
    await control.close()
    assert listed is not None
    other = await asyncpg.connect(named(list_url, listed.database))
    try:
        async with other.transaction():
            await other.execute(f"SELECT pg_advisory_xact_lock({RUNNERS}, {DUTIES[RegistrantStatus.FORFEITED]})")
            moving = asyncio.create_task(asyncio.to_thread(days_ahead, dki, ahead(9)))
            while not moving.done() and not await other.fetchval(SOMEBODY_WAITS):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert not moving.done()
        assert await moving == 9
    finally:
        await other.close()
    assert dki.statuses() == ["FORFEITED"]


def test_both_workers_go_by_the_clock(dki: Partner) -> None:
    """A new connection may go to either worker."""
    days_ahead(dki, ahead(15))
    for _ in range(12):
        other = Partner(dki.base, dki.organizer, dki.client_id, dki.secret, dki.token)
        told = other.ask(SUBMIT, input=given(other, ahead(14.99)))["submitRegistrant"]
        assert "registrant" in told, told


def given(partner: Partner, registered_at: str) -> dict[str, object]:
    return {
        "nik": PERSON,
        "name": "Warga Uji",
        "routeId": partner.route(),
        "identityDocument": "KTP",
        "registeredAt": registered_at,
    }


def test_the_clock_goes_back_to_the_true_time_and_only_so_far(dki: Partner) -> None:
    assert days_ahead(dki, ahead(-20)) == -20
    assert days_ahead(dki, None) == 0
    for at in (ahead(-31), ahead(121)):
        assert dki.ask(MOVE, at=at)["testNow"] == {"code": "INVALID_VALUE", "field": "at"}


def test_a_reset_keeps_clients_and_nothing_else(dki: Partner) -> None:
    cursor = dki.ask("{ routes(first: 1) { pageInfo { endCursor } } }")["routes"]["pageInfo"]["endCursor"]
    dki.submits(PERSON)
    days_ahead(dki, ahead(3))
    dki.resets()
    assert dki.statuses() == []
    assert dki.signs_in().submits(PERSON)["registrant"]["status"] == "REGISTERED"
    told = dki.post("query ($after: String) { routes(after: $after) { nodes { id } } }", after=cursor).json()
    assert told["errors"][0]["extensions"]["code"] == "INVALID_CURSOR"
    nodes = dki.ask(ROUTES, organizer=dki.organizer)["routes"]["nodes"]
    assert timedelta(days=20) < datetime.fromisoformat(nodes[0]["departsAt"]) - datetime.now(UTC) < timedelta(days=22)
