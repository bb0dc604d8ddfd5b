"""The database goes away, statements end, clients leave, and bugs: whatever happens in the middle of the work."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.privacy.silence.asking import (
    CHECK,
    FIND,
    IMPOSSIBLE,
    RAISING,
    SUBMIT,
    UNREADABLE,
    codes,
    operations,
    person,
    renamed,
)
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


async def test_the_database_goes_away_in_the_middle(caller: Caller) -> None:
    one = caller.another("connections that end")
    async with caller.house.held():
        submitting = asyncio.create_task(caller.ask(SUBMIT, {"input": person(one, caller.house.routes)}))
        checking = asyncio.create_task(caller.ask(CHECK, {"nik": one.nik}))
        await caller.house.waiting(2)
        await caller.house.cut()
        answers = [await submitting, await checking]
        await caller.settle()
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [codes(answer) for answer in answers] == [["UNAVAILABLE"]] * 2


async def test_a_statement_is_cancelled(caller: Caller) -> None:
    one = caller.another("statements that are cancelled")
    async with caller.house.held() as operator:
        submitting = asyncio.create_task(caller.ask(SUBMIT, {"input": person(one, caller.house.routes)}))
        await caller.house.waiting()
        await operator.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pemudik' AND state = 'active'"
        )
        answer = await submitting
    assert codes(answer) == ["UNAVAILABLE"]
    assert "canceling statement" in caller.house.written()["postgres"]


async def test_an_operation_takes_too_long(caller: Caller) -> None:
    one = caller.another("timeouts")
    async with caller.house.held():
        answers = await asyncio.gather(
            caller.ask(SUBMIT, {"input": person(one, caller.house.routes)}),
            caller.ask(FIND, {"ref": {"nik": {"nik": one.nik}}}),
        )
    assert [(answer.status_code, codes(answer)) for answer in answers] == [(504, ["TIMEOUT"])] * 2


async def test_clients_that_leave_or_dawdle(caller: Caller) -> None:
    one = caller.another("clients that leave")
    body = json.dumps({"query": SUBMIT, "variables": {"input": person(one, caller.house.routes)}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: registry\r\nAuthorization: Bearer {caller.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = caller.http.base_url.host, caller.http.base_url.port
    # In the middle of the body.
    _, writer = await asyncio.open_connection(host, port)
    writer.write((head + body[:-20]).encode())
    await writer.drain()
    writer.transport.abort()
    # In the middle of the work.
    async with caller.house.held():
        _, writer = await asyncio.open_connection(host, port)
        writer.write((head + body).encode())
        await caller.house.waiting()
        writer.transport.abort()
    # Never.
    reader, writer = await asyncio.open_connection(host, port)
    writer.write((head + body[:-20]).encode())
    answered = await reader.read()
    assert b" 408 " in answered
    assert caller.house.everybody.told_by(answered.decode()) == []
    writer.close()
    found = await caller.ask(FIND, {"ref": {"nik": {"nik": one.nik}}})
    assert found.json()["data"]["registrant"] is not None


BUGS = {
    "a column is gone": (
        renamed("registrant", "nik_sealed"),
        ["submit", "find", "page", "verify", "correct", "hand over", "entities"],
    ),
    "the access log is gone": (renamed("nik_access"), ["check", "checks", "find"]),
    "the log is gone": (renamed("change"), ["submit", "verify", "cancel", "correct"]),
    "a constraint is violated": (IMPOSSIBLE, ["submit", "verify", "correct"]),
    "a trigger raises": (RAISING, ["submit", "verify", "cancel", "correct"]),
    "what is sealed cannot be opened": (UNREADABLE, ["replay", "find", "page", "verify", "correct", "entities"]),
}


@pytest.mark.parametrize("bug", BUGS)
async def test_bugs(caller: Caller, bug: str) -> None:
    """Something that nobody expects is raised in the middle of a resolver: an id for the caller, frames in the log."""
    one, other = caller.another(f"registered before: {bug}"), caller.another(bug)
    registered = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes)})
    key = registered.json()["data"]["submitRegistrant"]["registrant"]["id"]
    breaking, failing = BUGS[bug]
    asked = operations(caller, one, other, key)
    before = len(await caller.logged())
    async with caller.house.broken(*breaking):
        answers = [await caller.ask(*asked[name]) for name in failing]
    logged = (await caller.logged())[before:]
    for name, answer in zip(failing, answers, strict=True):
        [error] = answer.json()["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("INTERNAL_ERROR", "Terjadi kesalahan di registri"), (
            name
        )
        assert error["extensions"]["errorId"] in logged
    assert logged.count("graphql field failed") == len(failing)
    assert logged.count("app/registry/") >= len(failing)
    assert "ERROR:  " in caller.house.written()["postgres"]


async def test_the_database_tells_all_it_can_of_a_failure(caller: Caller) -> None:
    """Its row and its statement, in which a NIK and a name are sealed, and placeholders stand for values."""
    one = caller.another("a row that fails")
    async with caller.house.broken(*IMPOSSIBLE):
        answer = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes, reference="PNR-FAILS")})
    assert codes(answer) == ["INTERNAL_ERROR"]
    written = caller.house.written()["postgres"]
    assert re.search(r"DETAIL:  Failing row contains \(.*PNR-FAILS", written)
    assert re.search(r"STATEMENT:\s+WITH|STATEMENT:\s+INSERT INTO registrant", written)


async def test_an_endpoint_breaks(caller: Caller) -> None:
    one = caller.another("an endpoint that breaks")
    form = {"grant_type": "client_credentials", "client_id": one.family.lower(), "client_secret": one.name}
    async with caller.house.broken(*renamed("client")):
        answer = await caller.http.post("/oauth/token", data=form, headers={"X-Request-ID": one.family})
    caller.looked_through(answer)
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal_error", "id": answer.headers["X-Request-ID"]}
    assert "request failed" in await caller.logged()
