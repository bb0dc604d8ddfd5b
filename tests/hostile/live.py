"""Streams of events, and sockets: before anybody knows who speaks, and behind it."""

from __future__ import annotations

from tests.hostile.documents import aliases
from tests.hostile.sending import Hostile, always, events, graphql, socket, subscribed
from tests.hostile.values import CHECKS, ME, foreign, pages

FOLLOW = "subscription($a: String) { changes(after: $a) { cursor } }"
FIELDS = "subscription { changes { %s } }"


EVENTS = (
    Hostile("events: a long cursor", lambda n: events(FOLLOW, {"a": "x" * n}), 2_000, always("200 INVALID_CURSOR")),
    Hostile(
        "events: a root field under many names",
        lambda n: events("subscription { " + aliases(n, "changes { cursor }") + " }"),
        5,
        always("400 GRAPHQL_VALIDATION_FAILED"),
    ),
    Hostile(
        "events: an import that is not there",
        lambda n: events("subscription($i: ID!) { importProgress(id: $i) { id } }", {"i": "x" * n}),
        2_000,
        always("200 NOT_FOUND"),
    ),
    Hostile(
        "events: a query under many names",
        lambda n: events(f"{{ {aliases(n, 'me { id }')} }}"),
        25,
        ("200", "200", "400 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "events: pages of changes", lambda n: events(pages("changes", "cursor registrant { id }", n)), 2, always("200")
    ),
    Hostile("events: many NIKs", lambda n: events(CHECKS, {"n": ["1"] * n}), 125, always("200")),
    Hostile(
        "events: not asked for",
        lambda n: graphql(FIELDS % aliases(n, "cursor"), headers={"accept": "application/json"}),
        10,
        always("406 NOT_ACCEPTABLE"),
    ),
)

SOCKETS = (
    Hostile(
        "socket: a long first message",
        lambda n: socket({"type": "connection_init", "payload": {"x": "x" * n}}, anonymous=True),
        4_000,
        ("closed 4401", "closed 4401", "closed 1009"),
    ),
    Hostile(
        "socket: a nested first message",
        lambda n: socket(b'{"type":"connection_init","payload":' + b"[" * n + b"]" * n + b"}", anonymous=True),
        900,
        ("closed 4400", "closed 4400", "closed 1009"),
    ),
    Hostile(
        "socket: a first message of keys",
        lambda n: socket({"type": "connection_init", "payload": foreign(n)}, anonymous=True),
        100,
        ("closed 4401", "closed 4401", "closed 1009"),
    ),
    Hostile(
        "socket: a long token",
        lambda n: socket(
            {"type": "connection_init", "payload": {"Authorization": "Bearer " + "a" * n}}, anonymous=True
        ),
        900,
        always("closed 4401"),
    ),
    Hostile(
        "socket: pings of a stranger",
        lambda n: socket(*[{"type": "ping"}] * n, {"type": "x"}, anonymous=True),
        50,
        always("closed 4400"),
    ),
    Hostile(
        "socket: an operation of a stranger",
        lambda n: socket(subscribed(f"{{ {aliases(n, 'me { id }')} }}"), anonymous=True),
        25,
        always("closed 4401"),
    ),
    Hostile(
        "socket: many first messages", lambda n: socket(*[{"type": "connection_init"}] * n), 10, always("closed 4429")
    ),
    Hostile("socket: no JSON", lambda n: socket(b"x" * n), 100_000, always("closed 4400")),
    Hostile(
        "socket: a message of objects",
        lambda n: socket(b'{"type":"ping","payload":[' + b"{}," * n + b"1]}", {"type": "ping"}),
        12_000,
        always("pong"),
    ),
    Hostile(
        "socket: a nested message",
        lambda n: socket(b'{"type":"ping","payload":' + b"[" * n + b"]" * n + b"}"),
        200,
        ("pong", "pong", "closed 4400"),
    ),
    Hostile("socket: a long type", lambda n: socket({"type": "x" * n}), 100_000, always("closed 4400")),
    Hostile("socket: a long id", lambda n: socket(subscribed(ME, name="x" * n)), 100, ("next", "next", "closed 4400")),
    Hostile("socket: one id again and again", lambda n: socket(*[subscribed(FOLLOW)] * n), 5, always("closed 4409")),
    Hostile(
        "socket: many subscriptions",
        lambda n: socket(*[subscribed(FOLLOW, {"a": "x"}, name=str(i)) for i in range(n)]),
        25,
        always("error INVALID_CURSOR"),
    ),
    Hostile(
        "socket: many queries", lambda n: socket(*[subscribed(ME, name=str(i)) for i in range(n)]), 10, always("next")
    ),
    Hostile(
        "socket: operations end that never began",
        lambda n: socket(*[{"type": "complete", "id": str(i)} for i in range(n)], {"type": "ping"}),
        250,
        always("pong"),
    ),
    Hostile("socket: many pings", lambda n: socket(*[{"type": "ping"}] * n), 50, always("pong")),
    Hostile(
        "socket: unknown keys",
        lambda n: socket(
            subscribed(
                "mutation($i: SubmitRegistrant!) { submitRegistrant(input: $i) { __typename } }", {"i": foreign(n)}
            )
        ),
        50,
        ("error BAD_USER_INPUT", "error BAD_USER_INPUT", "error TOO_MANY_ITEMS"),
    ),
    Hostile(
        "socket: a field under many names",
        lambda n: socket(subscribed("{ me { " + aliases(n, "id") + " } }")),
        125,
        ("next", "next", "error TOO_MANY_FIELDS"),
    ),
    Hostile("socket: variables of no use", lambda n: socket(subscribed(ME, {"x": [1] * n})), 12_000, always("next")),
)
