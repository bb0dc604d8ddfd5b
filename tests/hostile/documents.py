"""Documents of GraphQL over HTTP: many, deep, long, repeated, wound up in each other."""

from __future__ import annotations

from tests.hostile.sending import Hostile, always, graphql, raw_graphql


def aliases(count: int, field: str) -> str:
    return " ".join(f"a{number}: {field}" for number in range(count))


def _operations(count: int) -> str:
    """Each spreads the same fragment of 100 fields."""
    fields = aliases(100, "id")
    named = " ".join(f"query Q{number} {{ ...F }}" for number in range(count))
    return f"{named} fragment F on Query {{ me {{ {fields} }} }}"


def _chain(count: int) -> str:
    fragments = " ".join(f"fragment F{number} on Client {{ id ...F{number + 1} }}" for number in range(count))
    return f"{{ me {{ ...F0 }} }} {fragments} fragment F{count} on Client {{ id }}"


def _doubling(count: int) -> str:
    """Each fragment spreads the next one twice: written out, they would be two to the power of `count` fields."""
    fragments = " ".join(
        f"fragment F{number} on Client {{ x: id ...F{number + 1} ...F{number + 1} }}" for number in range(count)
    )
    return f"{{ me {{ ...F0 }} }} {fragments} fragment F{count} on Client {{ id }}"


def _circle(count: int) -> str:
    fragments = " ".join(f"fragment F{number} on Client {{ id ...F{(number + 1) % count} }}" for number in range(count))
    return f"{{ me {{ ...F0 }} }} {fragments}"


def _unused_fragments(count: int) -> str:
    return "{ me { id } } " + " ".join(f"fragment F{number} on Client {{ id }}" for number in range(count))


def _inline(count: int) -> str:
    return "{ me " + "{ ... on Client " * count + "{ id }" + " }" * count + " }"


def _conflicts(count: int) -> str:
    """Of every two fields under one name validation asks whether they agree."""
    return "{ me { " + " ".join(["x: id", "x: scopes"] * count) + " } }"


def _deep(count: int) -> str:
    return "{ me { organizer " + "{ members " * count + "{ code }" + " }" * count + " } }"


def _declared(count: int) -> str:
    declared = ", ".join(f"$v{number}: Int" for number in range(count))
    return f"query({declared}) {{ me {{ id }} }}"


def _twice_declared(count: int) -> str:
    return f"query({', '.join(['$v: Int'] * count)}) {{ me {{ id }} }}"


TYPE = '__type(name: "Mutation") { fields { args { type { ofType { name } } } } }'
INTROSPECTION = "__schema { types { fields { type { ofType { ofType { name } } } } } }"

DOCUMENTS = (
    Hostile(
        "operations that share a fragment",
        lambda n: graphql(_operations(n), operationName="Q0"),
        10,
        ("200", "200", "200 TOO_MANY_DEFINITIONS"),
    ),
    Hostile(
        "operations of one name",
        lambda n: graphql("query Q { me { id } } " * n),
        10,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_DEFINITIONS"),
    ),
    Hostile("fragments in a chain", lambda n: graphql(_chain(n)), 20, ("200", "200", "200 TOO_MANY_FIELDS")),
    Hostile(
        "fragments that double",
        lambda n: graphql(_doubling(n)),
        4,
        ("200", "200 TOO_MANY_FIELDS", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "fragments in a circle",
        lambda n: graphql(_circle(n)),
        20,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "fragments of no use",
        lambda n: graphql(_unused_fragments(n)),
        50,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_DEFINITIONS"),
    ),
    Hostile(
        "a fragment that is not there",
        lambda n: graphql("{ me { " + "...F " * n + "} }"),
        10,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "a fragment that is spread again",
        lambda n: graphql("{ me { " + "...F " * n + "} } fragment F on Client { id scopes }"),
        10,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "fragments within fragments without a name",
        lambda n: graphql(_inline(n)),
        25,
        ("200", "200", "200 GRAPHQL_PARSE_FAILED"),
    ),
    Hostile(
        "fields at one place",
        lambda n: graphql("{ me { " + "id " * n + "} }"),
        10,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "fields that contradict each other",
        lambda n: graphql(_conflicts(n)),
        5,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "a field under many names",
        lambda n: graphql("{ me { " + aliases(n, "id") + " } }"),
        125,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "a root field under many names",
        lambda n: graphql(f"{{ {aliases(n, 'me { id }')} }}"),
        25,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "a field that is not there under many names",
        lambda n: graphql(f"{{ {aliases(n, 'nowhere')} }}"),
        20,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "the schema under many names", lambda n: graphql(f"{{ {aliases(n, '_service { sdl }')} }}"), 12, always("200")
    ),
    Hostile(
        "introspection under many names",
        lambda n: graphql(f"{{ {aliases(n, INTROSPECTION)} }}"),
        1,
        ("200", "200 TOO_MANY_FIELDS", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "one type under many names",
        lambda n: graphql(f"{{ {aliases(n, TYPE)} }}"),
        5,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "names of types under many names", lambda n: graphql(f"{{ {aliases(n, '__typename')} }}"), 12, always("200")
    ),
    Hostile(
        "selections within selections",
        lambda n: graphql(_deep(n)),
        4,
        ("200 TOO_COSTLY", "200 TOO_COSTLY", "200 TOO_DEEP"),
    ),
    Hostile("braces that are not closed", lambda n: graphql("{ me " * n), 500, always("200 GRAPHQL_PARSE_FAILED")),
    Hostile("braces alone", lambda n: graphql("{" * n), 1_000, always("200 GRAPHQL_PARSE_FAILED")),
    Hostile(
        "variables that are declared and not used",
        lambda n: graphql(_declared(n)),
        100,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "one variable declared again and again",
        lambda n: graphql(_twice_declared(n)),
        100,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "variables that are used and not declared",
        lambda n: graphql("{ " + " ".join(f"a{i}: organizer(code: $v{i}) {{ code }}" for i in range(n)) + " }"),
        12,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "a directive again and again",
        lambda n: graphql("{ me " + "@skip(if: false) " * n + "{ id } }"),
        50,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "directives that are not there",
        lambda n: graphql("{ me " + "@nowhere " * n + "{ id } }"),
        50,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "an argument again and again",
        lambda n: graphql("{ organizer(" + 'code: "hubdat" ' * n + ") { code } }"),
        50,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "arguments that are not there",
        lambda n: graphql("{ organizer(" + " ".join(f"x{i}: 1" for i in range(n)) + ") { code } }"),
        50,
        always("200 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile("a long comment", lambda n: graphql("{ me { id } } #" + "x" * n), 10_000, always("200")),
    Hostile("commas", lambda n: graphql("{ me { id } }" + "," * n), 10_000, always("200")),
    Hostile("a long name", lambda n: graphql("{ " + "x" * n + " }"), 10_000, always("200 GRAPHQL_VALIDATION_FAILED")),
    Hostile("a long text", lambda n: graphql('{ terminals(city: "' + "x" * n + '") { code } }'), 10_000, always("200")),
    Hostile(
        "a text of escapes",
        lambda n: graphql('{ terminals(city: "' + "\\u0041" * n + '") { code } }'),
        1_500,
        always("200"),
    ),
    Hostile(
        "a text in a block",
        lambda n: graphql('{ terminals(city: """' + "  x\n" * n + '""") { code } }'),
        2_000,
        always("200"),
    ),
    Hostile(
        "a text that is not closed",
        lambda n: graphql('{ terminals(city: "' + "x" * n),
        10_000,
        always("200 GRAPHQL_PARSE_FAILED"),
    ),
    Hostile(
        "a long number",
        lambda n: graphql("{ registrants(first: " + "9" * n + ") { nodes { id } } }"),
        1_000,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile(
        "a number of digits behind the point",
        lambda n: graphql("{ registrants(first: 1." + "9" * n + "e9) { nodes { id } } }"),
        1_000,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile(
        "a literal within a literal",
        lambda n: graphql("{ checkNiks(niks: " + "[" * n + "]" * n + ") { nik } }"),
        50,
        ("200 BAD_USER_INPUT", "200 BAD_USER_INPUT", "200 GRAPHQL_PARSE_FAILED"),
    ),
    Hostile(
        "an object within an object",
        lambda n: graphql("{ registrants(where: " + "{a: " * n + "1" + "}" * n + ") { nodes { id } } }"),
        50,
        ("200 BAD_USER_INPUT", "200 BAD_USER_INPUT", "200 GRAPHQL_PARSE_FAILED"),
    ),
    Hostile(
        "fields of a literal that are not there",
        lambda n: graphql(
            "mutation { submitRegistrant(input: {" + " ".join(f"k{i}: 1" for i in range(n)) + "}) { __typename } }"
        ),
        100,
        always("200 BAD_USER_INPUT"),
    ),
    Hostile(
        "a long list as a literal",
        lambda n: graphql("{ checkNiks(niks: [" + '"1" ' * n + "]) { nik } }"),
        200,
        ("200", "200", "200 TOO_MANY_ITEMS"),
    ),
    Hostile(
        "definitions of types",
        lambda n: graphql("type T { a: Int } " * n),
        50,
        ("200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_VALIDATION_FAILED", "200 TOO_MANY_DEFINITIONS"),
    ),
    Hostile(
        "control characters",
        lambda n: raw_graphql(b'{"query":"' + b"\\u0000" * n + b'"}'),
        1_000,
        always("200 GRAPHQL_PARSE_FAILED"),
    ),
    Hostile(
        "marks that turn the writing round", lambda n: graphql("{ me { id } } #" + "\u202e" * n), 3_000, always("200")
    ),
)
