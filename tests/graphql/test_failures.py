"""Bugs are masked with an id; nothing that was sent is repeated, neither in an answer nor in the log."""

from __future__ import annotations

from typing import Any

import pytest

from app import telemetry
from app.registry.routes import route as registry_route
from app.registry.routes import terminals
from tests import queries
from tests.graphql.conftest import Api
from tests.world import World, nik_of

pytestmark = pytest.mark.anyio

NIK, NAME = nik_of(77), "Budi Rahasia"


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], logging_as_before: None) -> Any:
    """What was written, formatted as the server does."""
    telemetry.configure("json", "debug")
    return lambda: "".join(capsys.readouterr())


async def test_a_bug_is_masked_and_logged_with_its_id(api: Api, log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> list[Any]:
        raise KeyError(NIK, NAME)

    monkeypatch.setattr(terminals, "all_of", broken)
    answer = await api.post("{ terminals { code } }", headers={"Accept-Language": "en"})
    [error] = answer.json()["errors"]
    error_id = error["extensions"].pop("errorId")
    assert answer.status_code == 200
    assert error == {
        "message": "Internal error",
        "locations": [{"line": 1, "column": 3}],
        "path": ["terminals"],
        "extensions": {"code": "INTERNAL_ERROR"},
    }
    written = log()
    assert error_id in written
    assert "KeyError" in written
    assert "find_terminals" in written
    assert NIK not in written
    assert NAME not in written


async def test_one_failure_behind_many_fields_has_one_id(
    api: Api, world: World, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> list[Any]:
        raise KeyError

    for number in range(3):
        await world.route(f"Rute {number}")
    monkeypatch.setattr("app.registry.routes.finding.return_routes", broken)
    errors = await api.errors("{ routes { nodes { returnRoutes { id } } } }")
    assert len({error["extensions"]["errorId"] for error in errors}) == 1
    assert log().count("graphql field failed") == 1


async def test_an_unexpected_null_is_a_bug_too(api: Api, log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def incomplete(*_: object) -> list[Any]:
        return [
            terminals.Terminal(
                code="x",
                name=None,  # type: ignore[arg-type]
                city="Solo",
                kind="TERMINAL",
                region_code=None,
                organizer=None,
            )
        ]

    monkeypatch.setattr(terminals, "by_codes", incomplete)
    answer = await api.post('{ terminal(code: "x") { code name } }', headers={"Accept-Language": "en"})
    assert answer.json()["data"] == {"terminal": None}
    [error] = answer.json()["errors"]
    assert (error["message"], error["path"]) == ("Internal error", ["terminal", "name"])
    assert "TypeError" in log()


SUBMIT = "mutation($i: SubmitRegistrant!) { submitRegistrant(input: $i) { __typename } }"
SENT = [
    ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": int(NIK)}),
    ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": [NIK]}),
    ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": NIK * 10}),
    ("query($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }", {"niks": [NIK, float(NIK)]}),
    ("query($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }", {"niks": {NIK: NAME}}),
    ("query($n: Int!) { registrants(first: $n) { nodes { id } } }", {"n": NIK}),
    ("query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }", {"ref": {"nik": NIK}}),
    ("query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }", {"ref": {NIK: NAME}}),
    ("query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }", {"ref": {"id": NIK, "reference": NAME}}),
    ("query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }", {"ref": NAME}),
    ('query($d: Direction!) { checkNik(nik: "x", direction: $d) { outcome } }', {"d": NIK}),
    ("query($w: RegistrantFilter) { registrants(where: $w) { nodes { id } } }", {"w": {"registeredFrom": NIK}}),
    ("query($w: RegistrantFilter) { registrants(where: $w) { nodes { id } } }", {"w": {"status": [NIK]}}),
    ("query($a: String) { registrants(after: $a) { nodes { id } } }", {"a": NIK}),
    (SUBMIT, {"i": {"nik": NIK, "name": NAME}}),
    (f'{{ checkNik(nik: "{NIK}") {{ nothing }} }}', None),
    (f"{{ checkNik(nik: {NIK}) {{ outcome }} }}", None),
    (f'{{ checkNik(nik: "{NIK}" {{ outcome }} }}', None),
    (f'{{ checkNik(nik: "{NIK}", direction: "{NAME}") {{ outcome }} }}', None),
    (f'query($d: Direction) {{ checkNik(nik: "{NIK}", direction: $d) {{ outcome }} }}', {"d": NAME}),
    (f'query($d: Direction = "{NAME}") {{ checkNik(nik: "{NIK}", direction: $d) {{ outcome }} }}', None),
    (f'{{ registrants(after: "{NIK}") {{ nodes {{ id }} }} }}', None),
]


@pytest.mark.parametrize(("query", "variables"), SENT)
async def test_nothing_that_was_sent_is_repeated(api: Api, log: Any, query: str, variables: Any) -> None:
    answer = await api.post(query, variables)
    errors = answer.json()["errors"]
    assert errors
    assert {error["extensions"]["code"] for error in errors} <= {
        "BAD_USER_INPUT",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "INVALID_CURSOR",
    }
    for told in (answer.text, log()):
        assert NIK not in told
        assert NAME not in told


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Variable `$i`: expected SubmitRegistrant!"),
        ({"i": None}, "Variable `$i`: expected SubmitRegistrant!"),
        ({"i": 5}, "Variable `$i`: expected SubmitRegistrant!"),
        (
            {"i": {"nik": 5}},
            "Variable `$i` at `nik`: A NIK is a string of 16 digits, never a number: numbers lose digits",
        ),
        ({"i": {"nik": None}}, "Variable `$i` at `nik`: expected NIK!"),
        (
            {"i": {"motorcycle": {"plate": "x"}}},
            "Variable `$i` at `motorcycle`: MotorcycleInput needs the field `registrationNumber`",
        ),
        ({"i": {"budi": 1}}, "Variable `$i`: SubmitRegistrant has no such field"),
    ],
)
async def test_a_variable_that_does_not_fit_is_said_by_its_place(api: Api, variables: Any, message: str) -> None:
    answer = await api.post(SUBMIT, variables, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert message in [error["message"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("ref", [{}, {"id": None}, {"id": "x", "reference": "y"}])
async def test_exactly_one_field_of_a_reference(api: Api, ref: Any) -> None:
    query = "query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }"
    [error, *_] = await api.errors(query, {"ref": ref})
    assert error["message"].endswith("exactly one field of RegistrantRef is given, and it is not null")


async def test_a_variable_with_a_default_may_be_left_out(api: Api) -> None:
    query = """query($first: Int! = 5, $after: String, $season: Int!) {
        registrants(first: $first, after: $after, where: { season: $season }) { nodes { id } } }"""
    [error] = await api.errors(query, {"season": "x"})
    assert error["message"] == "Variable `$season`: expected Int!"


async def test_a_null_character_is_refused(api: Api) -> None:
    assert await api.code("query($c: String) { terminals(city: $c) { code } }", {"c": "a\x00b"}) == "BAD_USER_INPUT"
    deep = {"where": {"reference": "a\x00"}}
    query = "query($where: RegistrantFilter) { registrants(where: $where) { nodes { id } } }"
    assert await api.code(query, deep) == "BAD_USER_INPUT"


async def test_lists_are_bounded(api: Api) -> None:
    query = "query($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }"
    assert await api.code(query, {"niks": [NIK] * 1_001}) == "TOO_MANY_ITEMS"
    assert len((await api.data(query, {"niks": [nik_of(n) for n in range(1_000)]}))["checkNiks"]) == 1_000


async def test_what_would_cost_too_much_is_refused_by_its_variables(api: Api) -> None:
    query = """query($m: Int!) { organizers { routes(first: $m) { nodes {
        id name direction service mode quota origin { name } } } } }"""
    assert await api.code(query, {"m": 200}) == "TOO_COSTLY"
    assert (await api.post(query, {"m": 2})).status_code == 200


@pytest.mark.parametrize(
    ("levels", "language", "message"),
    [
        (2, "id", "Jawabannya berbiaya hingga 1.010.121 satuan; batasnya 100.000. Minta halaman yang lebih kecil"),
        (2, "en", "The answer would cost up to 1,010,121 units; 100,000 are allowed. Ask for smaller pages"),
        (
            9,
            "id",
            "Jawabannya berbiaya lebih dari 1.000.000.000 satuan; batasnya 100.000. Minta halaman yang lebih kecil",
        ),
        (9, "en", "The answer would cost more than 1,000,000,000 units; 100,000 are allowed. Ask for smaller pages"),
    ],
)
async def test_what_an_operation_would_cost_is_not_masked_like_a_nik(
    api: Api, levels: int, language: str, message: str
) -> None:
    query = f"{{ organizers {{ {'members { ' * levels} name {'} ' * levels} }} }}"
    answer = await api.post(query, headers={"Accept-Language": language})
    [error] = answer.json()["errors"]
    assert error["message"] == message


async def test_refusals_of_a_query_have_their_code(api: Api) -> None:
    query = "query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }"
    assert await api.code(query, {"ref": {"nik": {"nik": "123"}}}) == "NIK_INVALID"
    assert await api.code('mutation { rotateClientSecret(id: "x") { secret } }') == "NOT_FOUND"


async def test_a_page_has_its_size(api: Api) -> None:
    for first in (0, -1, 201):
        assert await api.code(f"{{ registrants(first: {first}) {{ nodes {{ id }} }} }}") == "INVALID_PAGE_SIZE"


async def test_nothing_below_leaks_when_the_database_refuses(
    api: Api, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: Any, *_: object) -> list[Any]:
        await queries.run(session, "SELECT CAST(:name AS int)", {"name": NAME})
        return []

    monkeypatch.setattr(registry_route, "by_ids", broken)
    answer = await api.post("{ route(id: 1) { id } }", headers={"Accept-Language": "en"})
    assert answer.json()["errors"][0]["message"] == "Internal error"
    assert NAME not in log()
