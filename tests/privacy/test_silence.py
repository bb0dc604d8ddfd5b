"""No NIK and no name reaches a log, an error, a header or the database's own log, whatever fails.

Every kind of failure is driven on real server processes, with NIKs and names of known people; then everything that was
written is searched for them, in plain, with separators, in base64 and in hexadecimal digits.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlmodel import SQLModel
from typer.testing import CliRunner

from app import cli, embedded
from app.config import Settings
from app.graphql.paging import cursor_of
from app.vault import open_vault
from tests import world as worlds
from tests.conftest import migrate
from tests.privacy.house import Caller, House
from tests.privacy.known import Known
from tests.servers import place_in
from tests.world import someone

pytestmark = pytest.mark.anyio

FORMATS = ("json", "console")
BODY_LIMIT = 100_000
SCOPES = ("nik:check", "registrants:write", "registrants:read", "routes:write")
ROUTES: dict[str, dict[str, Any]] = {
    "home": {},
    "full": {"quota": 0},
    "truck": {"service": "MOTORCYCLE"},
    "foreign": {"organizer": "dishub-dki"},
}
SUBMIT = """mutation Submit($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    ... on Problem { code message field } ... on Submission { registrant { id } warnings { message } } } }"""
CHECK = "query Check($nik: NIK!) { checkNik(nik: $nik) { outcome problem { message } } }"
FIND = "query Find($ref: RegistrantRef!) { registrant(ref: $ref) { id } }"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    home = tmp_path_factory.mktemp("silence")
    open_vault(Settings().model_copy(update={"home": home}), create=True)
    with place_in(home) as place, embedded.running(home / "postgres", durable=False) as url:
        await asyncio.to_thread(lambda: asyncio.run(migrate(url)))
        house = House(place, url)
        await house.loud()
        await build(house)
        for form in FORMATS:
            house.servers[form] = await asyncio.to_thread(
                place.serve,
                PEMUDIK_LOG_FORMAT=form,
                PEMUDIK_LOG_LEVEL="debug",
                PEMUDIK_BODY_LIMIT=str(BODY_LIMIT),
                PEMUDIK_BODY_TIMEOUT="0.5",
                PEMUDIK_REQUEST_TIMEOUT="2",
                PEMUDIK_SWEEP="false",
            )
        yield house
        for server in house.servers.values():
            assert server.end() == 0
        assert house.told() == []


async def build(house: House) -> None:
    async with house.database() as database:
        world = await worlds.build(database, open_vault(Settings().model_copy(update={"home": house.place.home})))
        await world.run("UPDATE season SET ends_on = current_date + 60")
        for name, values in ROUTES.items():
            await world.route(name, **{"organizer": "djka", "departs_at": None} | values)
        house.routes = {name: str(route) for name, route in world.routes.items()}


@pytest.fixture(scope="module", params=FORMATS)
async def caller(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Caller]:
    """An organizer's client of a server that logs in this form."""
    async with httpx.AsyncClient(base_url=house.servers[request.param].url, timeout=20) as http:
        caller = await Caller.of(house, request.param, http, "djka", SCOPES)
        await caller.settle()
        yield caller


@pytest.fixture(autouse=True)
def silence(house: House) -> Any:
    yield
    assert house.told() == []


def person(one: Known, routes: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {"nik": one.nik, "name": one.name, "routeId": routes["home"], "identityDocument": "KTP"} | changes


def codes(answer: httpx.Response) -> list[str]:
    """Of the errors, or of the problems in the data."""
    content = answer.json()
    if "errors" in content:
        return [error["extensions"]["code"] for error in content["errors"]]
    return re.findall(r'"code":"(\w+)"', answer.text)


# --- requests ---------------------------------------------------------------------------------------------------------


async def test_bodies_that_ask_nothing(caller: Caller) -> None:
    one = caller.another("bodies")
    said = f'{{"query": "{{me{{id}}}}", "variables": {{"nik": "{one.nik}", "name": "{one.name}"'
    whole = json.dumps({"query": CHECK, "variables": {"nik": one.nik, "name": one.name}})
    as_json = {"Content-Type": "application/json"}
    bodies: list[tuple[int, object, dict[str, str]]] = [
        (400, said, as_json),
        (400, f"{one.nik} {one.name}", as_json),
        (400, f'{said}\xff"}}}}'.encode("latin-1"), as_json),
        (400, f'"{one.nik}"', as_json),
        (400, one.nik, as_json),
        (400, f"[{whole}]", as_json),
        (400, '{"variables":' + '{"n":' * 5000 + one.nik, as_json),
        (400, json.dumps({"query": {"nik": one.nik}}), as_json),
        (400, json.dumps({"query": CHECK, "variables": one.nik}), as_json),
        (400, json.dumps({"query": CHECK, "variables": [one.name]}), as_json),
        (400, json.dumps({"query": CHECK, "operationName": int(one.nik)}), as_json),
        (400, json.dumps({"query": CHECK, "extensions": one.nik}), as_json),
        (415, gzip.compress(whole.encode()), {**as_json, "Content-Encoding": "gzip"}),
        (415, f"query={one.nik}", {"Content-Type": "application/x-www-form-urlencoded"}),
        (415, whole, {"Content-Type": f"application/{one.nik}"}),
        (413, whole + " " * BODY_LIMIT + one.nik, as_json),
    ]
    answers = [await caller.send(content=body, headers=headers) for _, body, headers in bodies]
    assert [answer.status_code for answer in answers] == [status for status, _, _ in bodies]


async def test_urls(caller: Caller) -> None:
    """A NIK never belongs there; whoever puts it there shall not find it in our log, or in a redirection."""
    one = caller.another("urls")
    paths = [
        f"/{one.nik}",
        f"/{one.name}",
        f"/graphql/{one.nik}",
        f"/graphql?nik={one.nik}&name={one.name}",
        f"/graphql/?nik={one.nik}",
        f"/healthz/?nik={one.spaced}",
        f"/oauth/token/?client_id={one.nik}",
        f"/oauth/{one.dashed}",
        f"/.well-known/{one.nik}?{one.name}",
    ]
    for path in paths:
        for method in ("GET", "POST", "DELETE", one.family.upper()):
            answer = await caller.send(method, path)
            assert answer.status_code in {400, 404, 405, 415}, (method, path)


async def test_headers(caller: Caller) -> None:
    one = caller.another("headers")
    values = [
        one.nik,
        one.dashed,
        one.nik[:8] + "." + one.nik[8:],
        one.name,
        one.family,
        one.encoded,
        one.nik.encode().hex(),
    ]
    for value in values:
        for name in ("X-Request-ID", "User-Agent", "Referer", "Cookie", "Traceparent", "Accept-Language", "X-Nik"):
            answer = await caller.send(headers={name: value}, json={"query": "{ me { id } }"})
            assert answer.status_code == 200
        assert (await caller.send(headers={"Accept": f"text/{value}"}, json={})).status_code == 406
        assert (await caller.send(headers={"Host": value}, json={})).status_code == 400


async def test_an_honest_request_id_is_kept(caller: Caller) -> None:
    for sent in (str(uuid4()), uuid4().hex.translate(str.maketrans("0123456789", "abcdefabcd"))):
        answer = await caller.send("GET", "/", headers={"X-Request-ID": sent})
        assert answer.headers["X-Request-ID"] == sent


async def test_what_is_no_http(caller: Caller) -> None:
    one = caller.another("no HTTP")
    host, port = caller.http.base_url.host, caller.http.base_url.port
    for sent in (
        f"{one.nik} {one.name}\r\n\r\n",
        f"GET /{one.nik} HTTP/9.9\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\n{one.name}\r\n\r\n",
        f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: {one.nik}0000\r\n\r\n",
        f"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{one.nik}{one.name}\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {one.nik * 10_000}\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent.encode())
        with suppress(ConnectionError):
            await writer.drain()
            writer.write_eof()
            answered = await reader.read()
            assert caller.house.everybody.told_by(answered.decode("latin-1")) == []
        writer.close()


# --- documents and variables ------------------------------------------------------------------------------------------


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


# --- refusals ---------------------------------------------------------------------------------------------------------


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
        ({"registeredAt": "2000-01-01T00:00:00Z"}, "REGISTRATION_CLOSED"),
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


# --- failures of the machine ------------------------------------------------------------------------------------------


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


UNREADABLE = (
    """
    CREATE TABLE kept AS SELECT id, name_sealed FROM registrant;
    UPDATE registrant SET name_sealed = '\\x0102' WHERE erased_at IS NULL
    """,
    """
    UPDATE registrant r SET name_sealed = kept.name_sealed FROM kept WHERE kept.id = r.id;
    DROP TABLE kept
    """,
)
RAISING = (
    """
    CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'row %', NEW; END $$;
    CREATE TRIGGER raises BEFORE INSERT OR UPDATE ON registrant FOR EACH ROW EXECUTE FUNCTION raises()
    """,
    "DROP FUNCTION raises() CASCADE",
)
IMPOSSIBLE = (
    "ALTER TABLE registrant ADD CONSTRAINT impossible CHECK (status = 'DEPARTED') NOT VALID",
    "ALTER TABLE registrant DROP CONSTRAINT impossible",
)


def renamed(table: str, column: str | None = None) -> tuple[str, str]:
    if column is None:
        return f"ALTER TABLE {table} RENAME TO gone", f"ALTER TABLE gone RENAME TO {table}"
    renaming = f"ALTER TABLE {table} RENAME COLUMN"
    return f"{renaming} {column} TO gone", f"{renaming} gone TO {column}"


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


def operations(caller: Caller, one: Known, other: Known, key: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is asked about `one`, who is registered, and `other`, who is not."""
    ref = {"ref": {"nik": {"nik": one.nik}}}
    moved = "(ref: $ref) { __typename } }"
    on_ref = "mutation ($ref: RegistrantRef!) { "
    return {
        "submit": (SUBMIT, {"input": person(other, caller.house.routes)}),
        "replay": (SUBMIT, {"input": person(one, caller.house.routes)}),
        "check": (CHECK, {"nik": one.nik}),
        "checks": ("query ($niks: [NIK!]!) { checkNiks(niks: $niks) { nik } }", {"niks": [one.nik, other.nik]}),
        "find": ("query ($ref: RegistrantRef!) { registrant(ref: $ref) { nik name } }", ref),
        "page": ("{ registrants { nodes { nik name } } }", {}),
        "verify": (f"{on_ref}verifyRegistrant{moved}", ref),
        "cancel": (f'{on_ref}cancelRegistrant(ref: $ref, reason: "Uji") {{ __typename }} }}', ref),
        "hand over": (f"{on_ref}handOverMotorcycle{moved}", ref),
        "correct": (
            """mutation ($ref: RegistrantRef!, $to: Correction!) {
                correctRegistrant(ref: $ref, input: $to) { __typename } }""",
            {**ref, "to": {"reason": "Salah ketik", "nik": other.nik, "name": other.name}},
        ),
        "entities": (
            "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Registrant { nik name } } }",
            {"of": [{"__typename": "Registrant", "id": key}]},
        ),
    }


@pytest.mark.parametrize("bug", BUGS)
async def test_bugs(caller: Caller, bug: str) -> None:
    """Something that nobody expects is raised in the middle of a resolver: an id for the caller, frames in the log."""
    one, other = caller.another(f"registered before: {bug}"), caller.another(bug)
    registered = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes)})
    key = registered.json()["data"]["submitRegistrant"]["registrant"]["id"]
    breaking, failing = BUGS[bug]
    asked = operations(caller, one, other, key)
    before = len(caller.house.servers[caller.name].said)
    async with caller.house.broken(*breaking):
        answers = [await caller.ask(*asked[name]) for name in failing]
    logged = caller.house.servers[caller.name].said[before:]
    for name, answer in zip(failing, answers, strict=True):
        [error] = answer.json()["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("INTERNAL_ERROR", "Internal error"), name
        assert error["extensions"]["errorId"] in logged
    assert logged.count("graphql field failed") == len(failing)
    assert logged.count("app/registry/") >= len(failing)


async def test_an_endpoint_breaks(caller: Caller) -> None:
    one = caller.another("an endpoint that breaks")
    form = {"grant_type": "client_credentials", "client_id": one.family.lower(), "client_secret": one.name}
    async with caller.house.broken(*renamed("client")):
        answer = await caller.http.post("/oauth/token", data=form, headers={"X-Request-ID": one.family})
    caller.looked_through(answer)
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal_error", "id": answer.headers["X-Request-ID"]}
    assert "request failed" in caller.house.servers[caller.name].said


# --- the command line -------------------------------------------------------------------------------------------------


class Pemudik:
    """Commands on the house's database, and all that they say."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(self, *words: str, given: str | None = None, code: int = 1) -> str:
        result = CliRunner().invoke(cli.app, list(words), input=given)
        assert result.exit_code == code, result.output
        assert self.house.everybody.told_by(result.output) == []
        return result.output


@pytest.fixture
def pemudik(house: House, monkeypatch: pytest.MonkeyPatch) -> Pemudik:
    monkeypatch.setenv("DATABASE_URL", house.url)
    monkeypatch.setenv("PEMUDIK_HOME", str(house.place.home))
    return Pemudik(house)


def test_commands_that_are_given_a_nik_where_none_belongs(house: House, pemudik: Pemudik, tmp_path: Path) -> None:
    nik = house.everybody.another("commands").nik
    for words, code in (
        ((nik,), 2),
        (("privacy", "export", nik), 2),
        (("privacy", "reads", nik, "--since", nik, "--until", "2026-01-01"), 2),
        (("season", "load", str(tmp_path / nik)), 1),
        (("season", "close", nik), 1),
        (("organizer", "save", nik), 1),
        (("organizer", "save", "djka", "--coordinator", nik), 1),
        (("organizer", "save", "djka", "--verify-within", nik), 1),
        (("organizer", "list", "--season", nik), 1),
        (("client", "issue", nik, "--scope", "nik:check"), 1),
        (("client", "issue", "djka", "--scope", nik), 1),
        (("client", "issue", "djka", "--scope", "nik:check", "--checks", nik), 1),
        (("client", "issue", "djka", "--scope", "nik:check", "--public-keys", str(tmp_path / nik)), 1),
        (("client", "rotate", nik), 1),
        (("client", "revoke", nik), 1),
        (("keys", "rotate", nik), 2),
        (("serve", "--port", nik), 2),
    ):
        assert pemudik(*words, code=code), words


def test_commands_that_read_what_is_no_nik(house: House, pemudik: Pemudik, tmp_path: Path) -> None:
    one = house.everybody.another("what commands read")
    for given in (one.nik[:15], f"{one.nik}1", one.name, f"{one.nik} {one.name}"):
        assert "NIK_INVALID" in pemudik("privacy", "export", given=f"{given}\n")
    columns = "code,name,registration_opens,registration_closes,verification_opens,verification_closes"
    table = tmp_path / "season.csv"
    for row in (
        f"{one.name},{one.nik},2026-01-01,,,",
        f"djka,DJKA,{one.nik},{one.name},,",
        f"djka,DJKA,2026-01-01,2026-02-01,{one.dashed},{one.name}",
        f"data_nik,data_pemesan\n{one.nik},{one.name}",
        f'djka,"{one.name},2026-01-01\n{one.nik}',
    ):
        table.write_text(f"{columns}\n{row}\n" if "data_nik" not in row else row)
        assert pemudik("season", "load", str(table), "--json")
        assert pemudik("season", "load", str(table))


COMMANDS = {
    "sweep": (IMPOSSIBLE, ["sweep"]),
    "keys rotate": (UNREADABLE, ["keys", "rotate"]),
    "privacy export": (renamed("nik_access"), ["privacy", "export"]),
    "privacy export of what cannot be opened": (UNREADABLE, ["privacy", "export"]),
    "privacy reads": (
        renamed("registrant", "nik_sealed"),
        ["privacy", "reads", "djka", "--since", "2020-01-01", "--until", "2099-01-01"],
    ),
    "doctor": (
        (
            "UPDATE registrant SET nik_sealed = '\\x09' || nik_sealed",
            "UPDATE registrant SET nik_sealed = substr(nik_sealed, 2)",
        ),
        ["doctor"],
    ),
    "demo": (RAISING, ["demo"]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_whose_database_is_broken(house: House, pemudik: Pemudik, command: str) -> None:
    """The way home is forfeited now, if only it could be."""
    one = house.everybody.another(command)
    (breaking, mending), words = COMMANDS[command]

    async def prepare() -> None:
        async with house.database() as database:
            world = worlds.World(database, open_vault(Settings().model_copy(update={"home": house.place.home})))
            route = UUID(house.routes["home"])
            record = await world.registered(someone(worlds.DJKA, route, nik=one.nik, name=one.name))
            await world.run("UPDATE registrant SET verify_by = now() WHERE id = :id", id=record.id)

    async def execute(statements: str) -> None:
        async with house.operator() as operator:
            await operator.execute(statements)

    asyncio.run(prepare())
    asyncio.run(execute(breaking))
    try:
        assert pemudik(*words, given=f"{one.nik}\n")
    finally:
        asyncio.run(execute(mending))


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_not_even_a_database_that_logs_every_statement_learns_of_anybody(caller: Caller) -> None:
    """NIKs go there as blind indexes, and NIKs and names sealed: nothing else does, so nothing else can be logged."""
    one, other = caller.another("statements"), caller.another("statements of corrections")
    await caller.house.loud(log_statement="all", log_min_duration_statement="0")
    try:
        await caller.settle()
        registered = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes)})
        key = registered.json()["data"]["submitRegistrant"]["registrant"]["id"]
        asked = operations(caller, one, other, key)
        for name in ("replay", "check", "checks", "find", "page", "entities", "verify", "correct", "cancel", "submit"):
            assert (await caller.read(*asked[name])).keys() == {"data"}, name
    finally:
        await caller.house.loud()
        await caller.settle()
    written = caller.house.written()["postgres"]
    assert written.count("INSERT INTO registrant") >= 2
    assert re.search(r"(?i)parameters: .*\\x[0-9a-f]{64}", written)


async def test_everything_was_listened_to(house: House) -> None:
    """Else the silence would prove nothing."""
    written = house.written()
    for form in FORMATS:
        assert all(f"{status}" in written[form] for status in (400, 401, 403, 404, 408, 413, 415, 499, 503, 504))
        for event in ("graphql field failed", "request failed", "Invalid HTTP request received."):
            assert event in written[form], event
    assert "ERROR:  23514" in written["postgres"]
    assert "Failing row contains" in written["postgres"]
    assert written["postgres"].count("STATEMENT:") > 20
    assert len(house.everybody.known) > 60


async def test_nothing_at_rest_tells_of_anybody(house: House) -> None:
    async with house.operator() as operator:
        for table in SQLModel.metadata.sorted_tables:
            rows = await operator.fetch(f'SELECT t::text AS row FROM "{table.name}" t')
            assert house.everybody.told_by("\n".join(row["row"] for row in rows)) == [], table.name
        assert await operator.fetchval("SELECT count(*) FROM registrant WHERE name_sealed IS NOT NULL") > 20
