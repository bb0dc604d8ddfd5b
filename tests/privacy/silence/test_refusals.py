"""Refusals are data; none repeats what was sent."""

from __future__ import annotations

import pytest

from tests.privacy.silence.asking import SUBMIT, codes, person
from tests.privacy.silence.conftest import SCOPES
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("language", ["id", "en"])
async def test_refusals(caller: Caller, language: str) -> None:
    """Each is data; none repeats what was sent."""
    one = caller.another("refusals")
    headers = {"Accept-Language": language}
    holder = caller.another("somebody who is registered")
    accepted = await caller.ask(SUBMIT, {"input": person(holder, caller.house.routes)}, headers=headers)
    assert codes(accepted) == []
    papers = {"plate": one.nik, "registrationNumber": one.dashed}
    for changes, code in (
        ({"nik": one.nik[:15]}, "NIK_INVALID"),
        ({"nik": f"{one.nik[:6]}99{one.nik[8:]}"}, "NIK_INVALID"),
        ({"nik": f"{one.nik[:12]}0000"}, "NIK_INVALID"),
        ({"nik": f"99{one.nik[2:]}"}, "NIK_INVALID"),
        ({"nik": f"{one.nik}.0"}, "NIK_INVALID"),
        ({"nik": one.name}, "NIK_INVALID"),
        ({"name": one.name * 20}, "INVALID_VALUE"),
        ({"name": f"{one.name}\u0007"}, "INVALID_VALUE"),
        ({"name": one.nik}, "INVALID_VALUE"),
        ({"reference": one.nik}, "INVALID_VALUE"),
        ({"reference": f"PNR-{one.dashed}"}, "INVALID_VALUE"),
        ({"reference": one.name * 10}, "INVALID_VALUE"),
        ({"reference": f"{one.name}; DROP"}, "INVALID_VALUE"),
        ({"registeredAt": "2199-01-01T00:00:00Z"}, "INVALID_VALUE"),
        ({"registeredAt": "2000-01-01T00:00:00Z"}, "INVALID_VALUE"),
        ({"routeId": one.nik}, "ROUTE_UNKNOWN"),
        ({"routeId": caller.house.routes["full"]}, "QUOTA_FULL"),
        ({"routeId": caller.house.routes["foreign"]}, "NOT_YOURS"),
        ({"returnRouteId": one.nik}, "ROUTE_UNKNOWN"),
        ({"member": one.nik}, "NOT_YOURS"),
        ({"member": one.name}, "NOT_YOURS"),
        ({"routeId": caller.house.routes["truck"]}, "MOTORCYCLE_REQUIRED"),
        ({"routeId": caller.house.routes["truck"], "motorcycle": papers}, "INVALID_VALUE"),
        ({"motorcycle": papers}, "INVALID_VALUE"),
    ):
        answer = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes, **changes)}, headers=headers)
        assert codes(answer) == [code], changes

    ref, reason = {"nik": {"nik": holder.nik}}, "Salah ketik"
    problem = "{ ... on Problem { code message field } }"
    for field, declared, variables, code in (
        (
            "cancelRegistrant(ref: $ref, reason: $s)",
            "$s: String!",
            {"ref": ref, "s": f"NIK {one.nik}"},
            "INVALID_VALUE",
        ),
        ("cancelRegistrant(ref: $ref, reason: $s)", "$s: String!", {"ref": ref, "s": one.name * 99}, "INVALID_VALUE"),
        (
            "cancelRegistrant(ref: $ref, reason: $s)",
            "$s: String!",
            {"ref": {"reference": one.nik}, "s": "-"},
            "NOT_FOUND",
        ),
        (
            "verifyRegistrant(ref: $ref, posko: $s)",
            "$s: String",
            {"ref": ref, "s": f"Posko {one.spaced}"},
            "INVALID_VALUE",
        ),
        ("verifyRegistrant(ref: $ref, posko: $s)", "$s: String", {"ref": ref, "s": one.name * 99}, "INVALID_VALUE"),
        ("verifyRegistrant(ref: $ref)", "", {"ref": {"nik": {"nik": one.nik}}}, "NOT_FOUND"),
        ("verifyRegistrant(ref: $ref)", "", {"ref": {"nik": {"nik": one.name}}}, "NIK_INVALID"),
        ("departRegistrant(ref: $ref, healthy: true)", "", {"ref": ref}, "TRANSITION_NOT_ALLOWED"),
        ("handOverMotorcycle(ref: $ref)", "", {"ref": ref}, "INVALID_VALUE"),
        *(
            (
                "correctRegistrant(ref: $ref, input: $s)",
                "$s: Correction!",
                {"ref": ref, "s": {"reason": reason, **put}},
                code,
            )
            for put, code in (
                ({"nik": one.name}, "NIK_INVALID"),
                ({"nik": one.nik, "name": one.name * 20}, "INVALID_VALUE"),
                ({"reference": one.nik}, "INVALID_VALUE"),
                ({"reason": one.nik}, "INVALID_VALUE"),
                ({"motorcycle": papers}, "INVALID_VALUE"),
            )
        ),
    ):
        query = f"mutation ($ref: RegistrantRef! {declared}) {{ {field} {problem} }}"
        assert codes(await caller.ask(query, variables, headers=headers)) == [code], (field, variables)

    bulk = f"mutation ($inputs: [SubmitRegistrant!]!) {{ submitRegistrants(inputs: $inputs) {problem} }}"
    spoilt = [
        person(one, caller.house.routes, nik=one.nik[:15]),
        person(one, caller.house.routes, name=""),
        person(one, caller.house.routes, member=one.name),
    ]
    assert codes(await caller.ask(bulk, {"inputs": spoilt}, headers=headers)) == [
        "NIK_INVALID",
        "INVALID_VALUE",
        "NOT_YOURS",
    ]


async def test_duplicates_and_blocks(caller: Caller) -> None:
    one, blocked = caller.another("duplicates"), caller.another("blocks")
    hubdat = await Caller.of(caller.house, caller.name, caller.http, "hubdat", ("hubdat:admin",))
    dki = await Caller.of(caller.house, caller.name, caller.http, "dishub-dki", SCOPES)
    foreign = person(one, caller.house.routes, routeId=caller.house.routes["foreign"])
    assert codes(await dki.ask(SUBMIT, {"input": foreign})) == []
    assert codes(await caller.ask(SUBMIT, {"input": person(one, caller.house.routes)})) == ["NIK_ALREADY_REGISTERED"]
    block = """mutation ($nik: NIK!, $reason: String!) { blockNik(nik: $nik, reason: $reason) {
        ... on Problem { code message } } }"""
    lift = block.replace("blockNik", "liftNikBlock")
    assert codes(await hubdat.ask(block, {"nik": blocked.nik, "reason": "Uji"})) == []
    assert codes(await caller.ask(SUBMIT, {"input": person(blocked, caller.house.routes)})) == ["NIK_BLOCKED"]
    for query in (block, lift):
        assert codes(await hubdat.ask(query, {"nik": one.name, "reason": "Uji"})) == ["NIK_INVALID"]
        assert codes(await hubdat.ask(query, {"nik": blocked.nik, "reason": f"{one.nik}"})) == ["INVALID_VALUE"]
    assert codes(await hubdat.ask(lift, {"nik": one.nik, "reason": "Uji"})) == ["NOT_FOUND"]
    accesses = "query ($nik: NIK!) { nikAccesses(nik: $nik) { at } }"
    assert codes(await hubdat.ask(accesses, {"nik": one.name})) == ["NIK_INVALID"]
    assert (await caller.ask(accesses, {"nik": one.nik})).status_code == 403
