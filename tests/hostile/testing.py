"""A test registry's doors: each of them is one of the live registry, behind what finds it and reads the bodies."""

from __future__ import annotations

from dataclasses import replace

from tests.hostile.documents import aliases
from tests.hostile.plain import FORM, GRANT, TOKEN, WEBHOOK, numbered
from tests.hostile.sending import Hostile, Sent, always, got, graphql, posted, socket, subscribed
from tests.registry.rows.records import record

ORGANIZER = "dishub-dki"
PREFIX = f"/uji/{ORGANIZER}"


def there(sent: Sent) -> Sent:
    """As it is sent to the live registry."""
    return replace(sent, path=f"{PREFIX}{sent.path}")


TEST_REGISTRY = (
    Hostile(
        "a test registry: a root field under many names",
        lambda n: there(graphql(f"{{ {aliases(n, 'me { id }')} }}")),
        25,
        ("200", "200", "200 TOO_MANY_FIELDS"),
    ),
    Hostile(
        "a test registry: its clock is moved again and again",
        lambda n: there(graphql(f"mutation {{ {aliases(n, 'testNow { __typename }')} }}")),
        2,
        always("200"),
    ),
    Hostile(
        "a test registry: digits in which no test NIK is found",
        lambda n: there(posted("/graphql", b"3" * n)),
        100_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a test registry: rows of people who are real",
        lambda n: there(posted(WEBHOOK, [record(one) for one in range(n)])),
        125,
        always("200"),
    ),
    Hostile(
        "a test registry: parameters of a token",
        lambda n: replace(there(posted(TOKEN, f"{GRANT}&{numbered(n)}".encode(), FORM)), anonymous=True),
        5,
        ("401 invalid_client", "401 invalid_client", "400 invalid_request"),
    ),
    Hostile("a test registry: itself within itself", lambda n: there(got(PREFIX * n)), 50, always("404 NOT_FOUND")),
    Hostile(
        "a test registry: many operations of a socket",
        lambda n: there(socket(*(subscribed("{ me { id } }", name=str(one)) for one in range(n)))),
        10,
        always("next"),
    ),
)
