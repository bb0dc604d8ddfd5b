"""Invalid documents and variables: they are somebody's words, and often somebody's data."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from app.graphql.paging import cursor_of
from tests.privacy.silence.asking import CHECK, FIND, SUBMIT, codes, person
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


async def test_documents(caller: Caller) -> None:
    one = caller.another("documents")
    nik, name, family = one.nik, one.name, one.family
    documents = [
        # Literals that do not fit, or stand in the wrong place.
        f"{{ checkNik(nik: {nik}) {{ outcome }} }}",
        f"{{ checkNik(nik: {nik}.5) {{ outcome }} }}",
        f'{{ checkNik(nik: ["{nik}", "{nik}"]) {{ outcome }} }}',
        f'{{ checkNik(nik: {{digits: "{nik}"}}) {{ outcome }} }}',
        f'{{ checkNik(nik: {{n{nik}: "{name}"}}) {{ outcome }} }}',
        f'{{ checkNik(nik: "{nik * 10}") {{ outcome }} }}',
        f'{{ checkNik(nik: "{nik}", direction: "{name}") {{ outcome }} }}',
        f'{{ checkNik(nik: "{nik}", direction: {family}) {{ outcome }} }}',
        f'{{ checkNik(nik: "{nik}", direction: {nik}) {{ outcome }} }}',
        f'{{ checkNiks(niks: ["{nik}", {nik}, null]) {{ outcome }} }}',
        f'{{ registrants(first: "{nik}") {{ nodes {{ id }} }} }}',
        f"{{ registrants(first: {nik}) {{ nodes {{ id }} }} }}",
        f'{{ registrants(where: {{registeredFrom: "{name}", season: {nik}}}) {{ nodes {{ id }} }} }}',
        f'{{ registrants(where: {{n{nik}: "{name}", {family}: 1}}) {{ nodes {{ id }} }} }}',
        f'{{ registrant(ref: {{nik: "{nik}"}}) {{ id }} }}',
        f'{{ registrant(ref: {{nik: {{nik: "{nik}"}}, reference: "{name}"}}) {{ id }} }}',
        f'{{ registrant(ref: "{nik}") {{ id }} }}',
        f'mutation {{ submitRegistrant(input: {{nik: {nik}, name: {family}, x: "{name}"}}) {{ __typename }} }}',
        f'mutation {{ submitRegistrant(input: "{nik} {name}") {{ __typename }} }}',
        # What is named after somebody.
        f"{{ n{nik} }}",
        f"{{ n_{nik} {{ id }} }}",
        f"{{ me {{ nik{nik} }} }}",
        f"{{ me(n{nik}: 1) {{ id }} }}",
        f'{{ checkNik(nik{nik}: "{name}") {{ outcome }} }}',
        f"{{ me @n{nik} {{ id }} }}",
        f'{{ me @skip(if: "{nik}") {{ id }} }}',
        f"{{ ...N{nik} }}",
        f"{{ me {{ ... on N{nik} {{ id }} }} }}",
        f"fragment N{nik} on Client {{ id }} {{ me {{ id }} }}",
        f"query N{nik} {{ me {{ id }} }} query N{nik} {{ me {{ id }} }}",
        f"query ($n{nik}: NIK!) {{ me {{ id }} }}",
        f"query ($n{nik}: N{nik}!) {{ checkNik(nik: $n{nik}) {{ outcome }} }}",
        f"{{ checkNik(nik: $n{nik}) {{ outcome }} }}",
        f"query ($nik: NIK! = {nik}) {{ checkNik(nik: $nik) {{ outcome }} }}",
        f'query ($nik: Int = "{name}") {{ registrants(first: $nik) {{ nodes {{ id }} }} }}',
        f'{{ a: checkNik(nik: "1") {{ outcome }} a: checkNik(nik: "{nik}") {{ outcome }} }}',
        # What is no document.
        nik,
        name,
        f"{{ checkNik({nik}) }}",
        f'{{ checkNik("{nik}") }}',
        f"{{ checkNik(nik: {nik}{family}) }}",
        f"{{ checkNik(nik: '{nik}') }}",
        f'{{ checkNik(nik: "{nik}) {{ outcome }} }}',
        f'{{ checkNik(nik: "{nik}\n") {{ outcome }} }}',
        f'{{ checkNik(nik: "\\q{nik}") {{ outcome }} }}',
        f'{{ checkNik(nik: "\\u{{{nik}}}") {{ outcome }} }}',
        f'{{ checkNik(nik: "\\u0000{nik}") {{ outcome }} }}',
        f'{{ checkNik(nik: """{nik} {name}) {{ outcome }} }}',
        f'{{ me {{ id }} }} "{nik} {name}"',
        f'{{ me {{ id }} }} """{nik} {name}"""',
        f"{{ me {{ id }} }} {family} {nik}",
        f"{{ me {{ id }} # {nik} {name}",
        f"{nik} {{ me {{ id }} }}",
        f"query {nik} {{ me {{ id }} }}",
        f'mutation {{ submitRegistrant(input: {{nik: "{nik}", name: {name}}}) {{ __typename }} }}',
        # What is too much.
        "{ " + " ".join(f'a{i}: checkNik(nik: "{nik}") {{ outcome }}' for i in range(150)) + " }",
        f"{{ checkNiks(niks: [{', '.join([json.dumps(nik)] * 1001)}]) {{ outcome }} }}",
        "{ a" + "{ a" * 30 + f' checkNik(nik: "{nik}")' + " }" * 31,
        f'{{ checkNik(nik: "{"9" * 100_001}{nik}") {{ outcome }} }}'[:99_000] + f'{nik}") {{ outcome }} }}',
    ]
    for document in documents:
        answer = await caller.ask(document)
        assert answer.json().keys() == {"errors"}, (document, answer.text)


async def test_names_of_operations(caller: Caller) -> None:
    """They are the caller's words as well."""
    one = caller.another("operation names")
    for name in (f"N{one.nik}", one.family, f"Check_{one.nik[:8]}_{one.nik[8:]}", f"n{one.nik.encode().hex()}"):
        query = CHECK.replace("Check", name, 1)
        for sent in (name, None):
            answer = await caller.ask(query, {"nik": "1"}, body={"operationName": sent})
            assert answer.status_code == 200
        answer = await caller.ask(query, {"nik": one.nik}, body={"operationName": one.nik})
        assert codes(answer) == ["OPERATION_UNKNOWN"]
        answer = await caller.ask(f"{query} query Other {{ me {{ id }} }}", {"nik": one.nik})
        assert codes(answer) == ["OPERATION_NAME_MISSING"]


async def test_variables(caller: Caller) -> None:
    one = caller.another("variables")
    nik, name = one.nik, one.name
    shapes: list[object] = [int(nik), float(nik), [nik], [[nik, name]], {"nik": nik}, {nik: name}, True, None, nik * 5]
    for shape in shapes:
        assert set(codes(await caller.ask(CHECK, {"nik": shape}))) == {"BAD_USER_INPUT"}
        assert set(codes(await caller.ask(SUBMIT, {"input": shape}))) == {"BAD_USER_INPUT"}
        assert set(codes(await caller.ask(FIND, {"ref": shape}))) == {"BAD_USER_INPUT"}
    for changes in (
        {"nik": int(nik)},
        {"name": int(nik)},
        {"name": [name]},
        {"identityDocument": nik},
        {"identityDocument": name},
        {"identityDocument": {nik: name}},
        {"registeredAt": nik},
        {"registeredAt": int(nik)},
        {"motorcycle": nik},
        {"motorcycle": {"plate": int(nik), "nomor": name}},
        {nik: name},
        {name: nik},
        {"routeId": {"nik": nik}},
    ):
        answer = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes, **changes)})
        assert set(codes(answer)) == {"BAD_USER_INPUT"}, changes
    for ref in (
        {"nik": nik},
        {"nik": {"nik": int(nik)}},
        {"nik": {"nik": nik, "direction": name}},
        {nik: name},
        {"id": nik, "reference": name},
        {"nik": {"nik": nik}, "id": None},
    ):
        assert set(codes(await caller.ask(FIND, {"ref": ref}))) == {"BAD_USER_INPUT"}
    answer = await caller.ask(CHECK, {"nik": f"{nik}\x00"})
    assert codes(answer) == ["BAD_USER_INPUT"]
    many = "query ($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }"
    assert codes(await caller.ask(many, {"niks": [nik] * 1001})) == ["TOO_MANY_ITEMS"]


async def test_keys_and_cursors(caller: Caller) -> None:
    one = caller.another("keys and cursors")
    pages = "query ($after: String) { registrants(after: $after) { nodes { id } } }"
    for cursor in (one.nik, one.name, one.encoded, f"{cursor_of(uuid4())}{one.nik}"):
        assert codes(await caller.ask(pages, {"after": cursor})) == ["INVALID_CURSOR"]
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }"
    representations = [
        {"__typename": one.nik, "id": one.name},
        {"__typename": one.name},
        {"__typename": "Registrant", "nik": one.nik, "name": one.name},
        {"__typename": "Registrant", "id": {"nik": one.nik}},
        {"__typename": "Registrant", "id": one.nik * 10},
        {"__typename": "Organizer", "code": [one.nik]},
        one.nik,
        [one.name],
    ]
    answer = await caller.ask(query, {"of": representations})
    assert len(codes(answer)) == len(representations)
    for found in (
        await caller.ask(
            query, {"of": [{"__typename": "Registrant", "id": one.nik}, {"__typename": "Organizer", "code": one.nik}]}
        ),
        await caller.ask("query ($id: ID!) { route(id: $id) { id } }", {"id": one.nik}),
        await caller.ask(
            "query ($code: ID!) { organizer(code: $code) { name } terminal(code: $code) { name } }", {"code": one.name}
        ),
        await caller.ask("query ($city: String) { terminals(city: $city) { name } }", {"city": one.name}),
        await caller.ask(FIND, {"ref": {"reference": one.nik}}),
    ):
        assert "errors" not in found.json()
