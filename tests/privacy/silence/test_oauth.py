"""The token endpoint and bearer tokens, given what they never should be."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from tests.privacy.silence.asking import CHECK
from tests.privacy.silence.conftest import SCOPES
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


async def test_oauth(caller: Caller) -> None:
    one = caller.another("oauth")
    nik, name = one.nik, one.name
    grant = {"grant_type": "client_credentials"}
    basic = "Basic " + b64encode(f"{nik}:{name}".encode()).decode()
    assertion = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": nik,
    }
    forms: list[tuple[dict[str, str], dict[str, str]]] = [
        ({**grant, "client_id": nik, "client_secret": name}, {}),
        ({**grant, "client_id": name, "client_secret": nik, "scope": nik}, {}),
        ({**grant, "scope": nik}, {"Authorization": basic}),
        (grant, {"Authorization": f"Basic {nik}"}),
        (grant, {"Authorization": f"Bearer {nik}"}),
        (grant, {"Authorization": nik}),
        ({"grant_type": nik}, {"Authorization": basic}),
        ({"grant_type": name, "client_id": nik, "client_secret": name}, {}),
        ({nik: name}, {}),
        ({**grant, **assertion}, {}),
        ({**grant, **assertion, "client_assertion": f"{b64encode(nik.encode()).decode()}.e30.AA"}, {}),
        ({**grant, **assertion, "client_assertion_type": nik}, {}),
    ]
    for form, headers in forms:
        answer = await caller.http.post("/oauth/token", data=form, headers=headers)
        caller.looked_through(answer)
        assert answer.status_code in {400, 401}, form
    for content, status in (
        (f"grant_type=client_credentials&grant_type={nik}", 400),
        (f"{nik}={name}&" * 30, 400),
        (f"nik=%ff{nik}", 400),
        (f"nik={nik}" * 2000, 400),
        (json.dumps({"nik": nik}), 400),
    ):
        answer = await caller.http.post(
            "/oauth/token", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        caller.looked_through(answer)
        assert answer.status_code == status
    for authorization in (
        f"Bearer {nik}",
        f"Bearer {nik} {name}",
        f"Bearer {caller.token}{nik}",
        nik,
        basic,
        f"Bearer {name}",
    ):
        answer = await caller.ask(CHECK, {"nik": nik}, headers={"Authorization": authorization})
        assert answer.status_code in {400, 401}


async def test_scopes_known_to_nobody(caller: Caller) -> None:
    """Of a client that is known: there the token endpoint gets as far as the scope and the grant."""
    one = caller.another("scopes")
    auth = await caller.house.issue("djka", SCOPES)
    for form in (
        {"grant_type": "client_credentials", "scope": one.nik},
        {"grant_type": "client_credentials", "scope": f"nik:check {one.name}"},
        {"grant_type": one.nik},
        {"grant_type": one.name},
    ):
        answer = await caller.http.post("/oauth/token", data=form, auth=auth)
        caller.looked_through(answer)
        assert answer.status_code == 400
