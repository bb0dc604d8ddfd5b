"""The whole contract: queries, mutations and subscriptions put together, and the head of the exported file."""

from __future__ import annotations

from typing import Literal

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graphql.api_schema import api_schema
from app.graphql.engine.limits import weigh
from app.graphql.entities import FederatedSchema
from app.graphql.internals import RememberedNames, executable
from app.graphql.mutations import Mutation
from app.graphql.permissions import open_to
from app.graphql.queries import Query
from app.graphql.scalars import SCALARS
from app.graphql.topics import changes
from app.graphql.topics.files import imports
from app.graphql.topics.problems import errors_of
from app.graphql.weights import WEIGHTS
from app.registry.clients.scopes import DASHBOARD_READ, REGISTRANTS_READ, REGISTRANTS_WRITE
from app.registry.imports import jobs

HEADER = """\
# Pemudik: the shared registry of Indonesia's mudik gratis programmes. `POST /graphql`, OAuth 2.0 bearer tokens.
# Written by `pemudik schema export`; do not edit.
#
# Errors: expected refusals are data (`Problem`). Everything else is in `errors`, with `extensions.code`:
#   BAD_USER_INPUT GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED OPERATION_NAME_MISSING OPERATION_UNKNOWN
#   INVALID_CURSOR INVALID_PAGE_SIZE TOO_MANY_ITEMS TOO_DEEP TOO_MANY_FIELDS TOO_COSTLY DOCUMENT_TOO_LARGE
#   CURSOR_LOST                                          go on from the cursor in `extensions.after`
#   TOO_MANY_DEFINITIONS                                 50 operations and 200 fragments in a document at most
#   UNKNOWN_ENTITY INVALID_ENTITY_KEY FORBIDDEN          of one item of `_entities`
#   TOO_MANY_OPERATIONS                                  429: too many of this client wait for their turn already
#   TOO_MANY_OPERATIONS TOO_MANY_CHECKS UNAVAILABLE      come back after `extensions.retryAfter` seconds
#   TIMEOUT INTERNAL_ERROR                               the latter with `extensions.errorId`
#   TOO_MANY_SUBSCRIPTIONS                               100 on a socket, 500 of a client in a process
#   SLOW_READER RESTARTING INVALID_TOKEN                 what ends a subscription; resume from your last cursor
#
# Subscriptions: over the protocol graphql-transport-ws at the same address, the token in `connection_init` as
# `Authorization`; or by `POST` with `Accept: text/event-stream` (graphql-sse, distinct connections). A socket ends with
# a close code of its protocol, with 1012 for a restart, 1013 for "come back later", or with one of ours:
#   4401 the token is over, or its client        4413 nothing was read for 10 seconds: resume from your last cursor
#   4403 the client may do something else now    4430 the client has 100 sockets
#
# `extensions.cost` of each answer, in units of 5 microseconds of CPU: `requested` is what the operation was booked for,
# with lists as long as they may be; `actual` what stands in the answer; `remaining` what this client may still have at
# a time, now: its share of the process that answered. Whoever asks for more waits while others are served.
#
# A request without a token, or with one that lacks a scope, runs nothing and gets the answer of RFC 6750.
"""


@strawberry.type(
    description="What is told as it happens: over a WebSocket (`graphql-transport-ws`) or as events (`graphql-sse`)."
)
class Subscription:
    changes = open_to(
        changes.follow_changes,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "The same changes as `Query.changes` and in the same order, each within moments of its commit. After a"
            " break, resume with the cursor of the last one that you had: none is missed and none comes twice."
        ),
    )
    import_progress = open_to(
        imports.import_progress,
        REGISTRANTS_READ,
        REGISTRANTS_WRITE,
        description=(
            "An import as it goes on: what it is now, then each change, until it is DONE or FAILED."
            f" {errors_of(jobs.get)}"
        ),
    )


CONFIG = StrawberryConfig(name_converter=RememberedNames(), scalar_map=SCALARS, disable_field_suggestions=True)
FEDERATION: Literal["2.9"] = "2.9"
"""Every known gateway composes 2.9. The Guild's refuses 2.10 and above."""

SCHEMA = FederatedSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=CONFIG,
    federation_version=FEDERATION,
)

EXECUTABLE = executable(SCHEMA)
weigh(EXECUTABLE, WEIGHTS)


def sdl() -> str:
    """The exported contract."""
    return f"{HEADER}\n{SCHEMA.as_str()}\n"


def api_sdl() -> str:
    """What clients see of the contract, without federation."""
    return f"{HEADER}\n{api_schema(SCHEMA.as_str())}"
