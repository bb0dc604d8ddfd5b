"""Variables, bodies and headers of GraphQL over HTTP, and allowed requests of the largest kind."""

from __future__ import annotations

from typing import Any

from tests.hostile.documents import aliases
from tests.hostile.sending import Hostile, always, graphql, raw_graphql
from tests.world import nik_of

SUBMIT = "mutation($i: SubmitRegistrant!) { submitRegistrant(input: $i) { __typename } }"
SUBMITS = """mutation($i: [SubmitRegistrant!]!) { submitRegistrants(inputs: $i) {
    __typename ... on Problem { code } } }"""
CHECKS = "query($n: [NIK!]!) { checkNiks(niks: $n) { outcome } }"
TERMINALS = "query($c: String) { terminals(city: $c) { code } }"
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
VERIFIES = """mutation($r: [RegistrantRef!]!) { verifyRegistrants(refs: $r) {
    __typename ... on Problem { code } } }"""
ME = "{ me { id } }"
NOBODY = "00000000-0000-0000-0000-000000000000"


def foreign(count: int) -> dict[str, str]:
    return {f"kolom{number}": "isi" for number in range(count)}


def people(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"nik": nik_of(number), "name": "Warga Contoh", "routeId": NOBODY, "identityDocument": "KTP"} | changes
        for number in range(count)
    ]


def nested(count: int, opening: str = "[", closing: str = "]") -> bytes:
    return b'{"query":"{ me { id } }","variables":{"x":' + f"{opening * count}{closing * count}".encode() + b"}}"


def pages(field: str, selected: str, count: int) -> str:
    return f"{{ {aliases(count, f'{field}(first: 50) {{ nodes {{ {selected} }} }}')} }}"


VALUES = (
    Hostile(
        "unknown keys of one object",
        lambda n: graphql(SUBMIT, {"i": foreign(n)}),
        50,
        ("200 BAD_USER_INPUT", "200 BAD_USER_INPUT", "200 TOO_MANY_ITEMS"),
    ),
    Hostile(
        "records with foreign columns",
        lambda n: graphql(SUBMITS, {"i": [foreign(50)] * n}),
        125,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile("records without anything", lambda n: graphql(SUBMITS, {"i": [{}] * n}), 125, always("200 BAD_USER_INPUT")),
    Hostile("records of people on no route", lambda n: graphql(SUBMITS, {"i": people(n)}), 125, always("200")),
    Hostile(
        "records with long names", lambda n: graphql(SUBMITS, {"i": people(10, name="x" * n)}), 2_000, always("200")
    ),
    Hostile("one person again and again", lambda n: graphql(SUBMITS, {"i": people(1) * n}), 125, always("200")),
    Hostile("wrong items of a list", lambda n: graphql(CHECKS, {"n": [1] * n}), 125, always("200 BAD_USER_INPUT")),
    Hostile("one NIK again and again", lambda n: graphql(CHECKS, {"n": [nik_of(1)] * n}), 125, always("200")),
    Hostile("many NIKs", lambda n: graphql(CHECKS, {"n": [nik_of(one) for one in range(n)]}), 125, always("200")),
    Hostile("NIKs of blanks", lambda n: graphql(CHECKS, {"n": [" " * n]}), 1_000, always("200 BAD_USER_INPUT")),
    Hostile(
        "more items than a list may have",
        lambda n: graphql(CHECKS, {"n": ["1"] * n}),
        600,
        ("200", "200 TOO_MANY_ITEMS", "200 TOO_MANY_ITEMS"),
    ),
    Hostile("refs of nobody", lambda n: graphql(VERIFIES, {"r": [{"id": NOBODY}] * n}), 125, always("200")),
    Hostile(
        "refs with two fields",
        lambda n: graphql(VERIFIES, {"r": [{"id": "1", "nik": "2"}] * n}),
        125,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile(
        "a long text of a variable",
        lambda n: graphql(TERMINALS, {"c": "x" * n}),
        5_000,
        ("200", "200", "200 BAD_USER_INPUT"),
    ),
    Hostile("a text of combining marks", lambda n: graphql(TERMINALS, {"c": "a" + "\u0301" * n}), 2_000, always("200")),
    Hostile("a text that unfolds", lambda n: graphql(TERMINALS, {"c": "\ufdfa" * n}), 2_000, always("200")),
    Hostile(
        "a text of wildcards",
        lambda n: graphql(TERMINALS, {"c": "%_" * n}),
        2_000,
        ("200", "200", "200 BAD_USER_INPUT"),
    ),
    Hostile("variables of no use", lambda n: graphql(ME, {"x": [{}] * n}), 12_000, always("200")),
    Hostile("long variables of no use", lambda n: graphql(ME, {"x": "x" * n}), 400_000, always("200")),
    Hostile("variables within variables", lambda n: raw_graphql(nested(n)), 200, ("200", "200", "400 BAD_REQUEST")),
    Hostile("objects within objects", lambda n: raw_graphql(nested(n, '{"a":', "}")), 200, always("400 BAD_REQUEST")),
    Hostile(
        "numbers of many digits",
        lambda n: raw_graphql(b'{"query":"{ me { id } }","variables":{"x":' + b"9" * n + b"}}"),
        10_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "one key again and again",
        lambda n: raw_graphql(b'{"query":"{ me { id } }",' + b'"x":1,' * n + b'"y":2}'),
        10_000,
        always("200"),
    ),
    Hostile("extensions", lambda n: graphql(ME, extensions=foreign(n)), 5_000, always("200")),
    Hostile(
        "a long name of an operation",
        lambda n: graphql("query Q { me { id } }", operationName="x" * n),
        50_000,
        always("200 OPERATION_UNKNOWN"),
    ),
    Hostile(
        "a batch",
        lambda n: raw_graphql(b"[" + b'{"query":"{ me { id } }"},' * n + b"1]"),
        1_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a query that is a list",
        lambda n: raw_graphql(b'{"query":[' + b'"x",' * n + b"1]}"),
        10_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile("a body of blanks", lambda n: raw_graphql(b" " * n), 500_000, always("400 BAD_REQUEST")),
    Hostile(
        "a body that is no UTF-8",
        lambda n: raw_graphql(b'{"query":"' + b"\xff" * n + b'"}'),
        400_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a body of separators",
        lambda n: raw_graphql(b'{"query":"' + b"{" * n + b'"}'),
        90_000,
        ("200 GRAPHQL_PARSE_FAILED", "200 DOCUMENT_TOO_LARGE", "413 CONTENT_TOO_LARGE"),
    ),
    Hostile(
        "a body beyond the bound",
        lambda n: raw_graphql(b"x" * n),
        1_000_000,
        ("400 BAD_REQUEST", "400 BAD_REQUEST", "413 CONTENT_TOO_LARGE"),
    ),
    Hostile(
        "wrong dates",
        lambda n: graphql("{ " + aliases(n, 'consolidation(organizer: "hubdat", date: "2026-02-30") { day }') + " }"),
        5,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile(
        "entities of nobody",
        lambda n: graphql(ENTITIES, {"r": [{"__typename": "Registrant", "id": NOBODY}] * n}),
        125,
        always("200"),
    ),
    Hostile(
        "entities without keys",
        lambda n: graphql(ENTITIES, {"r": [{"__typename": "Route"}] * n}),
        125,
        always("200 INVALID_ENTITY_KEY"),
    ),
    Hostile(
        "entities of no type",
        lambda n: graphql(ENTITIES, {"r": [{"__typename": "x" * 100}] * n}),
        125,
        always("200 UNKNOWN_ENTITY"),
    ),
    Hostile(
        "entities with long keys",
        lambda n: graphql(ENTITIES, {"r": [{"__typename": "Organizer", "code": "x" * n}]}),
        2_000,
        always("200 INVALID_ENTITY_KEY"),
    ),
    Hostile(
        "entities with foreign keys",
        lambda n: graphql(ENTITIES, {"r": [{"__typename": "Organizer", "code": "hubdat"} | foreign(50)] * n}),
        100,
        always("200"),
    ),
    Hostile(
        "pages of registrants", lambda n: graphql(pages("registrants", "id name route { name }", n)), 2, always("200")
    ),
    Hostile("pages of routes", lambda n: graphql(pages("routes", "id name origin { name }", n)), 4, always("200")),
    Hostile(
        "pages of changes", lambda n: graphql(pages("changes", "cursor registrant { id name }", n)), 2, always("200")
    ),
    Hostile(
        "a page with a long cursor",
        lambda n: graphql("query($a: String) { changes(after: $a) { nodes { cursor } } }", {"a": "x" * n}),
        2_000,
        always("200 INVALID_CURSOR"),
    ),
    Hostile(
        "statistics again and again",
        lambda n: graphql(f"{{ {aliases(n, 'statistics { total { registered } }')} }}"),
        4,
        always("200"),
    ),
    Hostile(
        "organizers with all that they have",
        lambda n: graphql(f"{{ {aliases(n, 'organizers { code name windows { opensAt } }')} }}"),
        4,
        always("200"),
    ),
    Hostile(
        "a long list of what is accepted",
        lambda n: graphql(ME, headers={"accept": ", ".join(f"a/b{i};q=0.{i}" for i in range(n))}),
        400,
        always("406 NOT_ACCEPTABLE"),
    ),
    Hostile(
        "a long list of languages",
        lambda n: graphql(ME, headers={"accept-language": ", ".join(f"x{i};q=0.{i}" for i in range(n))}),
        400,
        always("200"),
    ),
    Hostile(
        "a long type of media",
        lambda n: graphql(ME, headers={"content-type": "application/json" + " " * n + ";x"}),
        5_000,
        always("415 UNSUPPORTED_MEDIA_TYPE"),
    ),
    Hostile(
        "a long token",
        lambda n: graphql(ME, headers={"authorization": "Bearer " + "a" * n}),
        5_000,
        always("400 INVALID_REQUEST"),
    ),
    Hostile(
        "a token of dots",
        lambda n: graphql(ME, headers={"authorization": "Bearer " + "a." * n}),
        2_500,
        always("400 INVALID_REQUEST"),
    ),
    Hostile(
        "a long key of a repeat",
        lambda n: graphql(SUBMIT, {"i": people(1)[0]}, headers={"idempotency-key": "k" * n}),
        200,
        ("200", "400 IDEMPOTENCY_KEY_INVALID", "400 IDEMPOTENCY_KEY_INVALID"),
    ),
    Hostile("many headers", lambda n: graphql(ME, headers={f"x-{i}": "x" for i in range(n)}), 100, always("200")),
)
