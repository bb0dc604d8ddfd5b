"""The contract, as a table of contents: every root field, the scopes it is open to, and what it does."""

from __future__ import annotations

from functools import lru_cache

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.utils.str_converters import to_camel_case

from app.graphql import admin, changes, imports, niks, registering, statistics, webhooks
from app.graphql import organizers as organizing
from app.graphql import registrants as reading
from app.graphql import routes as routing
from app.graphql.entities import FederatedSchema
from app.graphql.execution import resolve_directly
from app.graphql.fields import PAGED, sized
from app.graphql.permissions import (
    DASHBOARD_READ,
    HUBDAT_ADMIN,
    NIK_CHECK,
    REGISTRANTS_READ,
    REGISTRANTS_WRITE,
    ROUTES_WRITE,
    open_to,
)
from app.graphql.scalars import SCALARS

HEADER = """\
# Pemudik: the shared registry of Indonesia's mudik gratis programmes. `POST /graphql`, OAuth 2.0 bearer tokens.
# Written by `pemudik schema export`; do not edit.
#
# Errors: expected refusals are data (`Problem`). Everything else is in `errors`, with `extensions.code`:
#   BAD_USER_INPUT GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED OPERATION_NAME_MISSING OPERATION_UNKNOWN
#   INVALID_CURSOR INVALID_PAGE_SIZE TOO_MANY_ITEMS TOO_DEEP TOO_MANY_FIELDS TOO_COSTLY DOCUMENT_TOO_LARGE
#   UNKNOWN_ENTITY INVALID_ENTITY_KEY FORBIDDEN          of one item of `_entities`
#   TOO_MANY_CHECKS UNAVAILABLE                          come back after `extensions.retryAfter` seconds
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
# A request without a token, or with one that lacks a scope, runs nothing and gets the answer of RFC 6750.
"""


@strawberry.type(description="What can be read.")
class Query:
    me = open_to(admin.me, description="The client that calls, and what it may do.")

    check_nik = open_to(
        niks.check_nik,
        NIK_CHECK,
        description="Whether a NIK may be registered. Takes one check from your budget (`TOO_MANY_CHECKS`).",
    )
    check_niks = open_to(
        niks.check_niks,
        NIK_CHECK,
        description=(
            "The same for up to 1,000 NIKs: one verdict each, in order. A NIK that cannot be one is INVALID and harms"
            " no neighbour. All are answered, or none if your budget does not suffice."
        ),
        directives=[sized(1000)],
    )

    registrant = open_to(
        reading.find_registrant,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description="One registrant: of your own, or with `dashboard:read` and by id of anyone's, masked.",
    )
    registrants = open_to(
        reading.find_registrants,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description="Your own registrants, or with `dashboard:read` everyone's, masked; in the order of their arrival.",
        directives=[PAGED],
    )

    organizer = open_to(organizing.find_organizer, description="One organizer.")
    organizers = open_to(organizing.every_organizer, description="Every organizer, by code.", directives=[sized(100)])
    route = open_to(routing.find_route, description="One route.")
    routes = open_to(
        routing.find_routes,
        description="Routes of every organizer, in the order in which they were declared.",
        directives=[PAGED],
    )
    terminal = open_to(routing.find_terminal, description="One terminal.")
    terminals = open_to(routing.find_terminals, description="Every terminal, by city.", directives=[sized(100)])

    statistics = open_to(
        statistics.find_statistics,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "Figures of a season: your own and your members', or with `dashboard:read` everyone's. Another organizer's"
            " are refused with NOT_YOURS."
        ),
    )
    changes = open_to(
        changes.find_changes,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "What happened to your own registrants, or with `dashboard:read` to everyone's, masked: every change once,"
            " in one order that never changes. At the end ask again with the last `endCursor`, also after months."
        ),
        directives=[PAGED],
    )
    import_job = open_to(
        imports.find_import_job,
        REGISTRANTS_READ,
        REGISTRANTS_WRITE,
        description="One import of yours, or of a member that you coordinate.",
    )
    consolidation = open_to(
        imports.find_consolidation,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description="An organizer's day as the registry holds it: yours, or with `dashboard:read` anyone's in counts.",
    )

    webhooks = open_to(
        webhooks.find_webhooks,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description="Your webhooks and those of members that you coordinate; with `hubdat:admin` everyone's.",
        directives=[sized(10)],
    )

    cases = open_to(
        admin.find_cases,
        HUBDAT_ADMIN,
        description="Refused and suspected duplicates, the newest first.",
        directives=[PAGED],
    )
    nik_accesses = open_to(
        niks.nik_accesses,
        HUBDAT_ADMIN,
        description="Who looked at this NIK (UU 27/2022 art. 7): the newest first, at most 1,000. This look counts.",
        directives=[sized(100)],
    )


@strawberry.type(
    description=(
        "What can be changed. Each field is a transaction of its own, and every accepted change a row of the log. In a"
        " bulk form each item has its own verdict, in order: a refused one changes nothing and harms no neighbour."
    )
)
class Mutation:
    submit_registrant = open_to(
        registering.submit_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Registers a person on a route. Safe to repeat: the same organizer, NIK, direction and service of a season"
            " are one registrant. Refuses NIK_INVALID, NIK_ALREADY_REGISTERED, NIK_BLOCKED, REGISTRATION_CLOSED,"
            " SEASON_CLOSED, QUOTA_FULL, ROUTE_UNKNOWN, RETURN_WITHOUT_OUTBOUND, RETURN_CITY_MISMATCH,"
            " DESTINATION_MISMATCH, MOTORCYCLE_REQUIRED, NOT_YOURS, INVALID_VALUE."
        ),
    )
    submit_registrants = open_to(
        registering.submit_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 people.",
        directives=[sized(1000)],
    )
    verify_registrant = open_to(
        registering.verify_registrant,
        REGISTRANTS_WRITE,
        description=(
            "1 to 2, at a posko (terms of 2023 §4). Refuses VERIFICATION_EXPIRED, TRANSITION_NOT_ALLOWED, NOT_FOUND,"
            " SEASON_CLOSED."
        ),
    )
    verify_registrants = open_to(
        registering.verify_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 registrants.",
        directives=[sized(1000)],
    )
    depart_registrant = open_to(
        registering.depart_registrant,
        REGISTRANTS_WRITE,
        description=(
            "2 to 3, aboard (terms of 2023 §7, §8). Refuses NOT_HEALTHY, MOTORCYCLE_NOT_HANDED_OVER,"
            " TRANSITION_NOT_ALLOWED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    depart_registrants = open_to(
        registering.depart_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 registrants.",
        directives=[sized(1000)],
    )
    cancel_registrant = open_to(
        registering.cancel_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Ends a registration; seat and NIK are free again, and its way back ends with it. Refuses"
            " TRANSITION_NOT_ALLOWED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    correct_registrant = open_to(
        registering.correct_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Corrects what was written wrongly (UU 27/2022 art. 6). Refuses NIK_INVALID, NIK_ALREADY_REGISTERED,"
            " NIK_BLOCKED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    hand_over_motorcycle = open_to(
        registering.hand_over_motorcycle,
        REGISTRANTS_WRITE,
        description=(
            "Records that a motorcycle was handed over (terms of 2023 §6); again keeps the first time. Refuses"
            " NOT_FOUND, TRANSITION_NOT_ALLOWED, SEASON_CLOSED, INVALID_VALUE."
        ),
    )

    import_registrants = open_to(
        imports.import_registrants,
        REGISTRANTS_WRITE,
        description=(
            "Takes in a file of the standard's 12 columns, in the background; each row is judged as by the webhook. A"
            " refusal is an error with `extensions.code`: NOT_FOUND, SEASON_CLOSED, NOT_YOURS, INVALID_VALUE."
        ),
    )
    cancel_missing = open_to(
        imports.cancel_missing,
        REGISTRANTS_WRITE,
        description=(
            "Cancels whom a finished SNAPSHOT found missing and who is still as it was found; their ways back end with"
            " them. Again changes nothing. A refusal is an error with `extensions.code`: NOT_FOUND, INVALID_VALUE."
        ),
    )

    save_terminals = open_to(
        routing.save_terminals,
        ROUTES_WRITE,
        description="Declares or changes up to 1,000 terminals. Refuses NOT_YOURS, INVALID_VALUE.",
        directives=[sized(1000)],
    )
    save_routes = open_to(
        routing.save_routes,
        ROUTES_WRITE,
        description=(
            "Declares or changes up to 1,000 routes; the same again changes nothing. Refuses NOT_YOURS, ROUTE_UNKNOWN,"
            " QUOTA_BELOW_TAKEN, SEASON_CLOSED, NOT_FOUND, INVALID_VALUE."
        ),
        directives=[sized(1000)],
    )
    release_quota = open_to(
        routing.release_quota,
        ROUTES_WRITE,
        description=(
            "Adds seats to a route, now or later. Refuses ROUTE_UNKNOWN, QUOTA_BELOW_TAKEN, SEASON_CLOSED,"
            " INVALID_VALUE."
        ),
    )

    save_webhook = open_to(
        webhooks.save_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Adds a webhook, or changes one; at most 10 of an organizer. Saving one that is disabled enables it."
            " Refuses INVALID_VALUE, NOT_YOURS, NOT_FOUND."
        ),
    )
    rotate_webhook_secret = open_to(
        webhooks.rotate_webhook_secret,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description="A new secret. For 24 hours the one before signs as well: a receiver can change over. NOT_FOUND.",
    )
    test_webhook = open_to(
        webhooks.test_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description="Sends a `webhook.test` within a second, once. Refuses NOT_FOUND, INVALID_VALUE when disabled.",
    )
    redeliver_webhook = open_to(
        webhooks.redeliver_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Sends one delivery again, or all since an instant that were not delivered; under the same `webhook-id`."
            " Refuses NOT_FOUND, INVALID_VALUE."
        ),
    )
    delete_webhook = open_to(
        webhooks.delete_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description="Ends a webhook; what was not sent is not sent any more. Refuses NOT_FOUND.",
    )

    merge_route = open_to(
        routing.merge_route,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Moves everybody from a provisional route to the one that it means; later records that spell it so land"
            " there. Yours, or with `hubdat:admin` anybody's. Refuses ROUTE_UNKNOWN, NOT_YOURS, QUOTA_FULL,"
            " SEASON_CLOSED, INVALID_VALUE; then nobody was moved."
        ),
    )
    merge_terminal = open_to(
        routing.merge_terminal,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Replaces a provisional terminal by the one that it means, in every route. Yours, or with `hubdat:admin`"
            " anybody's. Refuses NOT_FOUND, NOT_YOURS, INVALID_VALUE."
        ),
    )

    save_organizer = open_to(
        organizing.save_organizer,
        HUBDAT_ADMIN,
        description="Adds or changes an organizer and its policy. Refuses NOT_FOUND, SEASON_CLOSED, INVALID_VALUE.",
    )
    save_window = open_to(
        organizing.save_window,
        HUBDAT_ADMIN,
        description="Adds a wave, or amends one. Refuses NOT_FOUND, SEASON_CLOSED, INVALID_VALUE.",
    )
    issue_client = open_to(
        admin.issue_client,
        HUBDAT_ADMIN,
        description="A new client of an organizer. A refusal is an error with `extensions.code`.",
    )
    rotate_client_secret = open_to(
        admin.rotate_client_secret,
        HUBDAT_ADMIN,
        description="A second secret; the one before stays good until the next rotation: an app can change over.",
    )
    issue_webhook_secret = open_to(
        admin.issue_webhook_secret,
        HUBDAT_ADMIN,
        description=(
            "A secret with which a client signs `POST /webhook/pemudik` (Standard Webhooks); from then on it has to,"
            " within five seconds. The one before stays good until the next one. A refusal is an error with"
            " `extensions.code`."
        ),
    )
    revoke_client = open_to(
        admin.revoke_client,
        HUBDAT_ADMIN,
        description="Ends a client, its secrets and, within five seconds, its tokens.",
    )
    block_nik = open_to(
        niks.block_nik,
        HUBDAT_ADMIN,
        description="Blocks a NIK with every organizer. Refuses NIK_INVALID, INVALID_VALUE.",
    )
    lift_nik_block = open_to(
        niks.lift_nik_block,
        HUBDAT_ADMIN,
        description="Lifts every block of a NIK, on appeal. Refuses NIK_INVALID, NOT_FOUND, INVALID_VALUE.",
    )
    decide_case = open_to(
        admin.decide_case,
        HUBDAT_ADMIN,
        description="Decides a duplicate case. Refuses NOT_FOUND, INVALID_VALUE.",
    )
    erase_registrant = open_to(
        registering.erase_registrant,
        HUBDAT_ADMIN,
        description=(
            "Erases NIK, name, booking code and papers (UU 27/2022 art. 8, 43); one that stands is cancelled first."
            " Counts stay. Refuses NOT_FOUND, NIK_INVALID, INVALID_VALUE."
        ),
    )


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
        description="An import as it goes on: what it is now, then each change, until it is DONE or FAILED.",
    )


class Names(NameConverter):
    """Strawberry's names, remembered: it asks for them again for every argument of every request."""

    apply_naming_config = staticmethod(lru_cache(maxsize=None)(to_camel_case))


SCHEMA = FederatedSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(name_converter=Names(), scalar_map=SCALARS, disable_field_suggestions=True),
    # What every known gateway composes; the Guild's refuses 2.10 and above.
    federation_version="2.9",
)

EXECUTABLE: GraphQLSchema = SCHEMA._schema  # noqa: SLF001 - what graphql-core executes; strawberry gives no other name
# Strawberry checks @oneOf by itself; graphql-core then neither says so in introspection nor validates it.
for _type in EXECUTABLE.type_map.values():
    if isinstance(_type, GraphQLInputObjectType) and _type.extensions["strawberry-definition"].is_one_of:
        _type.is_one_of = True

resolve_directly(EXECUTABLE)


def sdl() -> str:
    """The exported contract."""
    return f"{HEADER}\n{SCHEMA.as_str()}\n"
