"""Signing in and out: links that are good once, sessions that end, and requests that a foreign page makes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from app import clock
from app.auth.bearer import RECHECK_AFTER_SECONDS
from app.errors import Refusal
from app.registry.clients import sign_in, staff
from app.registry.clients.sign_in import Token
from app.registry.clients.staff import StaffPerson
from tests import queries
from tests.concurrency.crowd import one_waits
from tests.web.conftest import COOKIE, FROM_OUR_PAGE, Link, Watch
from tests.world import DJKA, HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio
SignedIn = Callable[[str], Awaitable[httpx.AsyncClient]]
ME = {"query": "{ me { id scopes organizer { code } } }"}


async def me(browser: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await browser.post("/graphql", json=ME, headers={**FROM_OUR_PAGE, **headers})


async def test_a_link_is_shown_and_then_used_once(
    world: World, browser: httpx.AsyncClient, link: Link, people: dict[str, StaffPerson]
) -> None:
    token = await link("posko")
    for _ in range(2):
        shown = await browser.post("/masuk/tautan", json={"token": token}, headers=FROM_OUR_PAGE)
        assert shown.status_code == 200
        assert {key: shown.json()[key] for key in ("email", "role", "organizer", "organizer_name")} == {
            "email": "posko@contoh.example",
            "role": "posko",
            "organizer": "djka",
            "organizer_name": "DJKA",
        }
        assert shown.headers["cache-control"] == "no-store"
        assert "set-cookie" not in shown.headers
    assert await world.count("staff_session") == 0

    signed = await browser.post("/masuk", json={"token": token}, headers=FROM_OUR_PAGE)
    assert signed.status_code == 200
    cookie, *attributes = signed.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"{COOKIE}=")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=28800", "Path=/", "SameSite=lax", "Secure"]
    assert signed.headers["cache-control"] == "no-store"
    answer = await me(browser)
    assert answer.json()["data"]["me"] == {
        "id": people["posko"].id,
        "scopes": ["posko:act"],
        "organizer": {"code": "djka"},
    }
    for path in ("/masuk/tautan", "/masuk"):
        again = await browser.post(path, json={"token": token}, headers=FROM_OUR_PAGE)
        assert (again.status_code, again.json()["error"]["code"]) == (410, "LINK_ENDED")
    assert await world.count("staff_session") == 1


async def test_of_two_who_use_a_link_at_once_one_is_signed_in(
    world: World, browser: httpx.AsyncClient, link: Link
) -> None:
    token = await link("viewer")
    answers = await asyncio.gather(
        *(browser.post("/masuk", json={"token": token}, headers=FROM_OUR_PAGE) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
    assert await world.count("staff_session") == 1


async def test_who_signs_in_while_being_removed_is_not_signed_in(
    world: World, browser: httpx.AsyncClient, link: Link, people: dict[str, StaffPerson]
) -> None:
    token = await link("viewer")

    async def remove() -> StaffPerson | Refusal:
        async with world.database.transaction() as session:
            return await staff.remove(session, HUBDAT, people["viewer"].email, clock.now())

    async with world.database.transaction() as other:
        await queries.run(other, "SELECT FROM staff FOR UPDATE")
        removing = asyncio.create_task(remove())
        await one_waits(world)
        redeeming = asyncio.create_task(browser.post("/masuk", json={"token": token}, headers=FROM_OUR_PAGE))
        await one_waits(world, many=2)
    assert isinstance(await removing, StaffPerson)
    answer = await redeeming
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "LINK_ENDED")
    assert await world.count("staff_session") == await world.count("sign_in_link") == 0


async def test_whoever_a_provider_knows_by_e_mail_begins_a_session(
    world: World, people: dict[str, StaffPerson]
) -> None:
    async with world.database.transaction() as session:
        begun = await sign_in.begin_for(session, " Viewer@Contoh.example ", clock.now())
        for stranger in ("orang.lain@contoh.example", "tanpa-alamat"):
            assert await sign_in.begin_for(session, stranger, clock.now()) is None
    assert isinstance(begun, Token)
    assert await world.run("SELECT staff_id FROM staff_session") == [(people["viewer"].id,)]


async def test_of_links_that_are_made_at_once_one_is_good(world: World, link: Link) -> None:
    async with world.database.transaction() as other:
        await queries.run(other, "SELECT FROM staff FOR UPDATE")
        making = asyncio.gather(*(link("viewer") for _ in range(3)))
        await one_waits(world, many=3)
    await making
    assert await world.count("sign_in_link") == 1


async def test_a_link_is_late_after_fifteen_minutes_and_ended_by_the_next(
    world: World, browser: httpx.AsyncClient, people: dict[str, StaffPerson], link: Link
) -> None:
    async with world.database.transaction() as session:
        late = await sign_in.make_link(session, people["viewer"].email, clock.now() - timedelta(minutes=15))
        assert isinstance(late, Token)
    first = await link("organizer")
    second = await link("organizer")
    for token, status in ((late.text, 410), (first, 410), ("none of ours", 410), (second, 200)):
        answer = await browser.post("/masuk", json={"token": token}, headers=FROM_OUR_PAGE)
        assert answer.status_code == status
    assert await world.count("sign_in_link") == 0


async def test_neither_link_nor_session_is_kept_in_the_clear(world: World, link: Link, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    token = await link("viewer")
    kept = str(await world.rows("sign_in_link", "staff_session", "staff", "change"))
    assert browser.cookies[COOKIE] not in kept
    assert token not in kept


async def test_a_session_is_begun_under_a_new_token(world: World, browser: httpx.AsyncClient, link: Link) -> None:
    """Session fixation: a cookie that somebody put there before does not become the session."""
    browser.cookies.set(COOKIE, "chosen-by-somebody-else")
    await browser.post("/masuk", json={"token": await link("viewer")}, headers=FROM_OUR_PAGE)
    tokens = [cookie.value for cookie in browser.cookies.jar]
    assert len([token for token in tokens if token != "chosen-by-somebody-else"]) == 1
    browser.cookies.clear()
    browser.cookies.set(COOKIE, "chosen-by-somebody-else")
    assert (await me(browser)).status_code == 401


async def test_signing_in_again_ends_the_session_before(world: World, link: Link, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    first = browser.cookies[COOKIE]
    assert (await me(browser)).status_code == 200
    await signed_in("operator")
    assert browser.cookies[COOKIE] != first
    assert await world.count("staff_session") == 1
    browser.cookies.clear()
    assert (await me(browser, Cookie=f"{COOKIE}={first}")).status_code == 401


@pytest.mark.parametrize("path", ["/graphql", "/masuk", "/masuk/tautan", "/keluar"])
@pytest.mark.parametrize(
    "origin", [None, "https://jahat.example", "http://pemudik.test", "null", "https://pemudik.test.jahat.example"]
)
async def test_a_request_of_a_foreign_page_is_refused(
    world: World, link: Link, signed_in: SignedIn, path: str, origin: str | None
) -> None:
    browser = await signed_in("operator")
    headers = {} if origin is None else {"Origin": origin}
    body = {"token": await link("viewer"), **ME}
    async with world.unchanged("staff_session", "sign_in_link", "change"):
        answer = await browser.post(path, json=body, headers=headers)
    assert answer.status_code == 403
    error = answer.json()["error"] if path != "/graphql" else answer.json()["errors"][0]["extensions"]
    assert error["code"] == "FOREIGN_ORIGIN"
    assert (await me(browser)).status_code == 200


@pytest.mark.parametrize("path", ["/masuk", "/masuk/tautan", "/keluar"])
async def test_a_form_of_a_page_is_refused(world: World, link: Link, signed_in: SignedIn, path: str) -> None:
    """A form may be sent by any page, without asking first; JSON may not."""
    browser = await signed_in("viewer")
    async with world.unchanged("staff_session"):
        answer = await browser.post(path, data={"token": await link("viewer")}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 415


async def test_a_get_never_acts_for_a_person(world: World, signed_in: SignedIn) -> None:
    browser = await signed_in("organizer")
    for path in ("/export.csv", "/consolidation/2026-03-05"):
        answer = await browser.get(path, headers=FROM_OUR_PAGE)
        assert answer.status_code == 401, path
    answer = await browser.get("/graphql", headers={**FROM_OUR_PAGE, "Accept": "text/event-stream"})
    assert answer.status_code in {401, 405}


async def test_a_cookie_that_is_there_twice_is_none(signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    token = browser.cookies[COOKIE]
    browser.cookies.clear()
    twice = await me(browser, Cookie=f"{COOKIE}={token}; {COOKIE}=another")
    assert twice.status_code == 401
    assert (await me(browser, Cookie=f"other=1; {COOKIE}={token}")).status_code == 200
    assert (await me(browser, Cookie=f"pemudik={token}")).status_code == 401
    assert (await me(browser, Authorization=f"Session {token}")).status_code == 401
    assert (await me(browser, Authorization=f"Bearer {token}")).status_code == 401


async def test_signing_out_ends_the_session(world: World, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    token = browser.cookies[COOKIE]
    answer = await browser.post("/keluar", json={}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 200
    assert COOKIE not in browser.cookies
    assert await world.count("staff_session") == 0
    answer = await me(browser, Cookie=f"{COOKIE}={token}")
    assert answer.status_code == 401
    assert answer.json()["errors"][0] == {
        "message": "Sesi ini sudah berakhir; masuk lagi",
        "extensions": {"code": "SESSION_ENDED"},
    }
    english = await me(browser, Cookie=f"{COOKIE}={token}", **{"Accept-Language": "en"})
    assert (english.status_code, english.json()["errors"][0]["message"]) == (
        401,
        "This session has ended; sign in again",
    )
    assert (await browser.post("/keluar", json={}, headers=FROM_OUR_PAGE)).status_code == 200


async def test_removing_somebody_ends_the_sessions_at_the_next_look(
    world: World, link: Link, signed_in: SignedIn, watch: Watch
) -> None:
    browser = await signed_in("operator")
    unused = await link("operator")
    assert (await me(browser)).status_code == 200
    async with world.database.transaction() as session:
        removed = await staff.remove(session, HUBDAT, "Operator@Contoh.example", clock.now())
    assert isinstance(removed, StaffPerson)
    watch.seconds += RECHECK_AFTER_SECONDS - 0.01
    assert (await me(browser)).status_code == 200
    watch.seconds += 0.01
    assert (await me(browser)).status_code == 401
    assert (await browser.post("/masuk", json={"token": unused}, headers=FROM_OUR_PAGE)).status_code == 410
    assert await world.count("staff_session") == await world.count("sign_in_link") == 0


async def test_a_session_lasts_eight_hours(world: World, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    assert await world.one("SELECT ends_at - began_at FROM staff_session") == timedelta(hours=8)
    await world.run("UPDATE staff_session SET ends_at = began_at")
    assert (await me(browser)).status_code == 401


async def test_a_posko_acts_on_one_booking_and_reads_no_list(
    world: World, signed_in: SignedIn, people: dict[str, StaffPerson]
) -> None:
    one = await world.registered(someone(DJKA, await world.route(organizer="djka"), 1, reference="BK-1"))
    browser = await signed_in("posko")

    async def asked(query: str) -> httpx.Response:
        return await browser.post("/graphql", json={"query": query}, headers=FROM_OUR_PAGE)

    for query in (
        "{ registrants { nodes { id } } }",
        "{ statistics { season } }",
        "{ cases { nodes { id } } }",
        "{ changes { pageInfo { endCursor } } }",
        'mutation { cancelBooking(reference: "BK-1", reason: "Tidak jadi") { __typename } }',
        f'mutation {{ verifyRegistrants(refs: [{{id: "{one.id}"}}]) {{ __typename }} }}',
        f'mutation {{ departRegistrants(refs: [{{id: "{one.id}"}}], healthy: true) {{ __typename }} }}',
        f'{{ checkNik(nik: "{nik_of(1)}") {{ outcome }} }}',
    ):
        async with world.unchanged("registrant", "nik_access"):
            assert (await asked(query)).status_code == 403, query
    found = (await asked('{ booking(reference: "BK-1") { registrants { id nik } } }')).json()["data"]["booking"][
        "registrants"
    ]
    assert found == [{"id": str(one.id), "nik": nik_of(1)}]
    verified = await asked(
        'mutation { verifyBooking(reference: "BK-1") { ... on BookingVerdicts { people { registrants { status } } } } }'
    )
    assert verified.json()["data"]["verifyBooking"] == {"people": [{"registrants": [{"status": "VERIFIED"}]}]}
    changes = await world.changes("kind, client_id")
    assert changes[-1] == ("REGISTRANT_MOVED", people["posko"].id)


async def test_a_person_checks_niks_within_a_small_budget(world: World, signed_in: SignedIn) -> None:
    """A look of a person is in the access log under the person's own name."""
    browser = await signed_in("organizer")
    query = {"query": f'{{ checkNik(nik: "{nik_of(1)}") {{ outcome }} me {{ id budget {{ capacity }} }} }}'}
    data = (await browser.post("/graphql", json=query, headers=FROM_OUR_PAGE)).json()["data"]
    assert data["checkNik"] == {"outcome": "AVAILABLE"}
    assert data["me"]["budget"] == {"capacity": 100}
    assert await world.one("SELECT client_id FROM nik_access") == data["me"]["id"]
