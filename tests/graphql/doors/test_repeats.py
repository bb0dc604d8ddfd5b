"""`Idempotency-Key` over GraphQL: a mutation is done once, and its repeat gets the answer of then for a day."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.errors import Raced, Unavailable
from app.models.enums import ImportMode
from app.registry.routes import quota_releases
from app.sql import statement
from tests.graphql.conftest import Api
from tests.graphql.topics.files import test_imports as imports
from tests.intake.lists import imported, row
from tests.patience import patience
from tests.world import HUBDAT, NOW, World, nik_of

pytestmark = pytest.mark.anyio

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
TABLES = ("registrant", "change", "route", "quota_release", "keyed_request")
RELEASE = """mutation ($routeId: ID!, $seats: Int! = 5) { releaseQuota(routeId: $routeId, seats: $seats) {
    ... on Route { id quota remaining returnRoutes { id } organizer { name members { code } } }
    ... on Problem { code message field } } }"""
SUBMIT = """mutation ($routeId: ID!, $nik: NIK!) {
    submitRegistrant(input: {nik: $nik, name: "Siti Rahasia", routeId: $routeId, identityDocument: KTP}) {
        ... on Submission { replayed registrant { id nik name status history { to } } }
        ... on Problem { code } } }"""
BOOKED = """mutation ($routeId: ID!, $nik: NIK!, $by: NIK!) {
    submitRegistrant(input: {nik: $nik, name: "Budi", routeId: $routeId, identityDocument: KTP,
                             bookedBy: {nik: $by, name: "Siti Rahasia"}}) {
        ... on Submission { registrant { name bookedBy { name } } } ... on Problem { code } } }"""
ERASE = """mutation ($id: ID!) { eraseRegistrant(ref: {id: $id}, reason: "Diminta") {
    ... on Erasure { registrants { name } } } }"""
QUOTA = "SELECT quota FROM route WHERE id = :id"


async def keyed(api: Api, query: str, variables: object = None, key: str = KEY, **how: Any) -> httpx.Response:
    return await api.post(query, variables, headers={"Idempotency-Key": key, **how.pop("headers", {})}, **how)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


async def test_a_release_that_is_sent_twice_adds_its_seats_once(api: Api, world: World) -> None:
    route = {"routeId": str(await world.route())}
    first = await keyed(api, RELEASE, route)
    assert (first.status_code, first.json()["data"]["releaseQuota"]["quota"]) == (200, 5)
    async with world.unchanged(*TABLES):
        # Quotes are the standard's; without them it is the same key. A body may be written in another way.
        again = await keyed(api, RELEASE, route, key=KEY.strip('"'))
        content = json.dumps({"variables": route, "operationName": None, "query": RELEASE}, indent=2)
        other_way = await keyed(api, RELEASE, content=content, headers={"Content-Type": "application/json"})
    assert first.json() == again.json() == other_way.json()
    assert (await api.data(RELEASE, route))["releaseQuota"]["quota"] == 10


async def test_the_answer_is_of_then(api: Api, world: World) -> None:
    route = {"routeId": str(await world.route())}
    first = await keyed(api, RELEASE, route)
    await api.data(RELEASE, route)
    assert (await keyed(api, RELEASE, route)).json() == first.json()
    assert await world.one(QUOTA, id=world.routes["Jakarta - Solo"]) == 10


async def test_another_body_is_refused(api: Api, world: World) -> None:
    route = {"routeId": str(await world.route())}
    await keyed(api, RELEASE, route)
    async with world.unchanged(*TABLES):
        for query, variables in ((RELEASE, {**route, "seats": 6}), (f"{RELEASE} ", route)):
            assert error_of(await keyed(api, query, variables)) == (422, "IDEMPOTENCY_KEY_REUSED")
    told = await keyed(api, RELEASE, {**route, "seats": 6}, headers={"Accept-Language": "en"})
    assert told.json()["errors"][0]["message"] == "This Idempotency-Key came with another body before"


async def test_a_key_is_its_clients(api: Api, world: World) -> None:
    for code in ("hubdat", "djka"):
        route = {"routeId": str(await world.route(organizer=code))}
        assert (await keyed(api, RELEASE, route, organizer=code)).json()["data"]["releaseQuota"]["quota"] == 5


async def test_a_key_is_good_for_a_day(api: Api, world: World) -> None:
    route = {"routeId": str(await world.route())}
    for passed, quota in (("0", 5), ("23:59:59", 5), ("00:00:01", 10)):
        await world.run(f"UPDATE keyed_request SET at = at - interval '{passed}'")
        assert (await keyed(api, RELEASE, route)).json()["data"]["releaseQuota"]["quota"] == quota


async def test_a_refused_mutation_is_answered_alike(api: Api, world: World) -> None:
    """A `Problem` is an answer: with the same key it is not judged again."""
    route = {"routeId": str(await world.route(organizer="djka"))}
    first = await keyed(api, RELEASE, route)
    assert first.json()["data"]["releaseQuota"]["code"] == "NOT_YOURS"
    async with world.unchanged(*TABLES):
        assert (await keyed(api, RELEASE, route)).json() == first.json()


async def test_racing_repeats_do_the_work_once(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes while the first one is at work is told so, and later gets its answer."""
    route = {"routeId": str(await world.route())}
    await api.token()
    release, calls = quota_releases.release, []

    async def slow(*what: Any, **how: Any) -> Any:
        calls.append(1)
        while sum(one.done() for one in asked) < 7:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return await release(*what, **how)

    monkeypatch.setattr(quota_releases, "release", slow)
    asked = [asyncio.create_task(keyed(api, RELEASE, route)) for _ in range(8)]
    async with patience():
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert (error_of(refused), refused.headers["retry-after"]) == ((409, "IDEMPOTENCY_KEY_IN_USE"), "1")
    [first] = [answer for answer in answers if answer.status_code == 200]
    assert (await keyed(api, RELEASE, route)).json() == first.json()
    assert (len(calls), await world.count("quota_release")) == (1, 1)


async def test_a_single_submission_is_done_once(api: Api, world: World) -> None:
    """Also below the root the answer is of the same transaction. Without the key a repeat says `replayed`."""
    given = {"routeId": str(await world.route(quota=5)), "nik": nik_of(1)}
    first = await keyed(api, SUBMIT, given)
    submitted = first.json()["data"]["submitRegistrant"]
    assert (submitted["replayed"], submitted["registrant"]["name"]) == (False, "Siti Rahasia")
    assert submitted["registrant"]["history"] == [{"to": "REGISTERED"}]
    async with world.unchanged(*TABLES):
        assert (await keyed(api, SUBMIT, given)).json() == first.json()
    assert (await api.data(SUBMIT, given))["submitRegistrant"]["replayed"] is True
    assert await world.taken() == 1


async def test_what_failed_keeps_no_key(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done, nothing is kept, and the same request may come again."""
    route = {"routeId": str(await world.route())}
    release = quota_releases.release

    async def fails(*what: Any, **how: Any) -> Any:
        await release(*what, **how)
        raise ZeroDivisionError

    async def away(*what: Any, **how: Any) -> Any:
        await release(*what, **how)
        raise Unavailable(3)

    await api.token()
    async with world.unchanged(*TABLES):
        monkeypatch.setattr(quota_releases, "release", fails)
        answer = await keyed(api, RELEASE, route)
        assert (answer.json()["data"], error_of(answer)) == (None, (200, "INTERNAL_ERROR"))
        monkeypatch.setattr(quota_releases, "release", away)
        answer = await keyed(api, RELEASE, route)
        assert (error_of(answer), answer.headers["retry-after"]) == ((503, "UNAVAILABLE"), "3")
    monkeypatch.undo()
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    assert (await keyed(api, RELEASE, route)).json()["data"]["releaseQuota"]["quota"] == 5


async def test_what_the_database_refuses_is_answered_like_any_failure(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads an error of GraphQL with an id, also where all of the request was one transaction."""
    route = {"routeId": str(await world.route())}
    divided = statement("SELECT 1 / 0", int)
    monkeypatch.setattr(quota_releases, "release", lambda session, *_: session.one(divided))
    await api.token()
    async with world.unchanged(*TABLES):
        for accept in ("application/json", "text/event-stream"):
            answer = await keyed(api, RELEASE, route, accept=accept)
            assert (answer.status_code, "INTERNAL_ERROR" in answer.text) == (200, True)
            assert "division" not in answer.text


async def test_variables_that_nobody_declared_do_not_count(api: Api, world: World) -> None:
    route = {"routeId": str(await world.route())}
    nested = json.loads("[" * 300 + "]" * 300)
    first = await keyed(api, RELEASE, {**route, "unused": nested})
    assert first.json()["data"]["releaseQuota"]["quota"] == 5
    assert (await keyed(api, RELEASE, route)).json() == first.json()


async def test_a_lost_race_runs_all_of_it_again(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    route = {"routeId": str(await world.route())}
    release, calls = quota_releases.release, []

    async def raced(*what: Any, **how: Any) -> Any:
        calls.append(1)
        verdict = await release(*what, **how)
        if len(calls) == 1:
            raise Raced
        return verdict

    monkeypatch.setattr(quota_releases, "release", raced)
    assert (await keyed(api, RELEASE, route)).json()["data"]["releaseQuota"]["quota"] == 5
    assert (len(calls), await world.count("quota_release")) == (2, 1)


async def test_a_refusal_below_the_root_leaves_the_mutation_done(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure there that nobody foresaw does not: who reads it cannot know what was done."""
    route_id = await world.route()
    query = """mutation ($routeId: ID!) { releaseQuota(routeId: $routeId, seats: 5) { ... on Route {
        quota organizer { routes(first: 0) { nodes { id } } } } } }"""
    answer = await keyed(api, query, {"routeId": str(route_id)})
    assert error_of(answer) == (200, "INVALID_PAGE_SIZE")
    async with world.unchanged(*TABLES):
        assert (await keyed(api, query, {"routeId": str(route_id)})).json() == answer.json()
    assert await world.one(QUOTA, id=route_id) == 5
    monkeypatch.setattr("app.registry.routes.finding.return_routes", lambda *_: 1 / 0)
    async with world.unchanged(*TABLES):
        answer = await keyed(api, RELEASE, {"routeId": str(route_id)}, key="k2")
    assert (answer.json()["data"], error_of(answer)) == (None, (200, "INTERNAL_ERROR"))


async def test_a_key_goes_with_one_mutation(api: Api, world: World) -> None:
    route_id, _ = await world.route(), await api.token()
    two = f'a: releaseQuota(routeId: "{route_id}", seats: 1) {{ __typename }}'
    async with world.unchanged(*TABLES):
        answer = await keyed(api, f"mutation {{ {two} {two.replace('a:', 'b:')} }}")
        assert error_of(answer) == (400, "IDEMPOTENCY_KEY_INVALID")
        for key in ("", "x" * 256, "\x7f"):
            answer = await keyed(api, RELEASE, {"routeId": str(route_id)}, headers={"Idempotency-Key": key})
            assert error_of(answer) == (400, "IDEMPOTENCY_KEY_INVALID")


async def test_a_query_needs_no_key(api: Api, world: World) -> None:
    """A gateway passes headers on; reading twice does no harm, and is answered as of now."""
    route_id, query = await world.route(), "query ($id: ID!) { route(id: $id) { quota } }"
    for quota in (None, 5):
        answer = await keyed(api, query, {"id": str(route_id)})
        assert answer.json()["data"] == {"route": {"quota": quota}}
        await api.data(RELEASE, {"routeId": str(route_id)})
    assert await world.count("keyed_request") == 0


async def test_variables_that_do_not_fit_keep_no_key(api: Api, world: World) -> None:
    await api.token()
    async with world.unchanged(*TABLES):
        assert error_of(await keyed(api, RELEASE, {"routeId": [1]}))[1] == "BAD_USER_INPUT"


async def test_a_file_is_taken_once(api: Api, world: World) -> None:
    """Each form has a boundary of its own, and the same file is the same request."""
    await world.route()
    token = {"Idempotency-Key": KEY, **imports.PREFLIGHT}
    answers = [await imports.send(api, imports.asked(), imports.PLACES, headers=token) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["data"]["importRegistrants"]["state"] == "QUEUED"
    other = {"0": ("Peserta.csv", b"another", "text/csv")}
    refused = await imports.send(api, imports.asked(), imports.PLACES, other, headers=token)
    assert error_of(refused) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await world.count("import_job") == 1


async def test_who_is_missing_is_cancelled_once(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes back with the key learns what was found then."""
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2)])
    monkeypatch.setattr("app.clock.now", lambda: NOW + timedelta(minutes=1))
    job = await imported(world, HUBDAT, [row(1)], mode=ImportMode.SNAPSHOT)
    query = "mutation ($id: ID!) { cancelMissing(jobId: $id) { missing missingRegistrants { nodes { cancelledAt } } } }"
    first = await keyed(api, query, {"id": str(job.id)})
    assert first.json()["data"]["cancelMissing"]["missing"] == 1
    assert await world.one("SELECT count(*) FROM registrant WHERE status = 'CANCELLED'") == 1
    async with world.unchanged(*TABLES):
        assert (await keyed(api, query, {"id": str(job.id)})).json() == first.json()


async def test_many_who_cancel_at_once_do_not_wait_for_each_others_connections(api: Api, world: World) -> None:
    await world.route()
    job = await imported(world, HUBDAT, [row(1)], mode=ImportMode.SNAPSHOT)
    query = f'mutation {{ cancelMissing(jobId: "{job.id}") {{ missing }} }}'
    await api.token()
    async with patience():
        answers = await asyncio.gather(*(keyed(api, query, key=f"k{number}") for number in range(20)))
    assert [answer.json()["data"] for answer in answers] == [{"cancelMissing": {"missing": 0}}] * 20


async def test_a_stream_of_one_answer_holds_it_too(api: Api, world: World) -> None:
    """Whoever accepts events alone gets the answer of a mutation as an event."""
    route = {"routeId": str(await world.route())}
    texts = []
    for _ in range(2):
        answer = await keyed(api, RELEASE, route, accept="text/event-stream")
        texts.append(answer.text)
    assert texts[0] == texts[1]
    assert '"quota":5' in texts[0]
    assert await world.count("quota_release") == 1
    reused = await keyed(api, RELEASE, {**route, "seats": 9}, accept="text/event-stream")
    assert "IDEMPOTENCY_KEY_REUSED" in reused.text


async def test_nothing_of_a_person_is_kept_in_the_clear(api: Api, world: World) -> None:
    given = {"routeId": str(await world.route(quota=5)), "nik": nik_of(1)}
    await keyed(api, SUBMIT, given, key=f"{nik_of(1)}-rahasia")
    kept = str(await world.rows("keyed_request"))
    assert not [word for word in (nik_of(1), "ahasia", "Siti", "submitRegistrant") if word in kept]
    sealed = await world.one("SELECT answer_sealed FROM keyed_request")
    assert "Siti Rahasia" in world.vault.open_bytes(sealed).decode()


async def test_who_is_erased_stands_in_no_kept_answer(api: Api, world: World) -> None:
    """A repeat still does nothing: it is told that its answer is gone. Others keep theirs."""
    given = {"routeId": str(await world.route(quota=5)), "nik": nik_of(1)}
    submitted = (await keyed(api, SUBMIT, given)).json()["data"]["submitRegistrant"]
    others = {"routeId": str(await world.route(organizer="djka"))}
    kept = await keyed(api, RELEASE, others, organizer="djka")
    erased = await keyed(api, ERASE, {"id": submitted["registrant"]["id"]}, key="erase")
    async with world.unchanged(*TABLES):
        assert error_of(await keyed(api, SUBMIT, given)) == (410, "IDEMPOTENCY_ANSWER_ERASED")
        assert (await keyed(api, RELEASE, others, organizer="djka")).json() == kept.json()
        again = await keyed(api, ERASE, {"id": submitted["registrant"]["id"]}, key="erase")
    assert again.json() == erased.json()


async def test_an_applicant_who_is_erased_stands_in_no_kept_answer(api: Api, world: World) -> None:
    """Also with the other organizer, where the person registered somebody else."""
    given = {"routeId": str(await world.route(quota=5)), "nik": nik_of(1)}
    submitted = (await keyed(api, SUBMIT, given)).json()["data"]["submitRegistrant"]
    booked = {"routeId": str(await world.route(organizer="djka")), "nik": nik_of(2), "by": nik_of(1)}
    kept = await keyed(api, BOOKED, booked, organizer="djka")
    assert kept.json()["data"]["submitRegistrant"]["registrant"]["bookedBy"] == {"name": "Siti Rahasia"}
    await api.data(ERASE, {"id": submitted["registrant"]["id"]})
    again = await keyed(api, BOOKED, booked, organizer="djka")
    assert error_of(again) == (410, "IDEMPOTENCY_ANSWER_ERASED")
