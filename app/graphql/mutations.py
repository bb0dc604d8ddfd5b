"""What can be changed, as a table of contents: each root field, the scopes that it is open to, and what it does."""

from __future__ import annotations

import strawberry

from app.graphql.fields import sized
from app.graphql.permissions import open_to
from app.graphql.topics import admin, imports, niks, organizers, registrant_mutations, routes, webhooks
from app.registry.clients.scopes import HUBDAT_ADMIN, REGISTRANTS_WRITE, ROUTES_WRITE


@strawberry.type(
    description=(
        "What can be changed. Each field is a transaction of its own, and every accepted change a row of the log. In a"
        " bulk form each item has its own verdict, in order: a refused one changes nothing and harms no neighbour."
    )
)
class Mutation:
    submit_registrant = open_to(
        registrant_mutations.submit_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Registers a person on a route. Safe to repeat: the same organizer, NIK, direction and service of a season"
            " are one registrant. Refuses NIK_INVALID, NIK_ALREADY_REGISTERED, NIK_BLOCKED, REGISTRATION_CLOSED,"
            " SEASON_CLOSED, QUOTA_FULL, ROUTE_UNKNOWN, RETURN_WITHOUT_OUTBOUND, RETURN_CITY_MISMATCH,"
            " DESTINATION_MISMATCH, MOTORCYCLE_REQUIRED, NOT_YOURS, INVALID_VALUE."
        ),
    )
    submit_registrants = open_to(
        registrant_mutations.submit_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 people.",
        directives=[sized(1000)],
    )
    verify_registrant = open_to(
        registrant_mutations.verify_registrant,
        REGISTRANTS_WRITE,
        description=(
            "1 to 2, at a posko (terms of 2023 §4). Refuses VERIFICATION_EXPIRED, TRANSITION_NOT_ALLOWED, NOT_FOUND,"
            " SEASON_CLOSED."
        ),
    )
    verify_registrants = open_to(
        registrant_mutations.verify_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 registrants.",
        directives=[sized(1000)],
    )
    depart_registrant = open_to(
        registrant_mutations.depart_registrant,
        REGISTRANTS_WRITE,
        description=(
            "2 to 3, aboard (terms of 2023 §7, §8). Refuses NOT_HEALTHY, MOTORCYCLE_NOT_HANDED_OVER,"
            " TRANSITION_NOT_ALLOWED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    depart_registrants = open_to(
        registrant_mutations.depart_registrants,
        REGISTRANTS_WRITE,
        description="The same for up to 1,000 registrants.",
        directives=[sized(1000)],
    )
    cancel_registrant = open_to(
        registrant_mutations.cancel_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Ends a registration; seat and NIK are free again, and its way back ends with it. Refuses"
            " TRANSITION_NOT_ALLOWED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    correct_registrant = open_to(
        registrant_mutations.correct_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Corrects what was written wrongly (UU 27/2022 art. 6). Refuses NIK_INVALID, NIK_ALREADY_REGISTERED,"
            " NIK_BLOCKED, NOT_FOUND, SEASON_CLOSED, INVALID_VALUE."
        ),
    )
    hand_over_motorcycle = open_to(
        registrant_mutations.hand_over_motorcycle,
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
        routes.save_terminals,
        ROUTES_WRITE,
        description="Declares or changes up to 1,000 terminals. Refuses NOT_YOURS, INVALID_VALUE.",
        directives=[sized(1000)],
    )
    save_routes = open_to(
        routes.save_routes,
        ROUTES_WRITE,
        description=(
            "Declares or changes up to 1,000 routes; the same again changes nothing. Refuses NOT_YOURS, ROUTE_UNKNOWN,"
            " QUOTA_BELOW_TAKEN, SEASON_CLOSED, NOT_FOUND, INVALID_VALUE."
        ),
        directives=[sized(1000)],
    )
    release_quota = open_to(
        routes.release_quota,
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
        routes.merge_route,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Moves everybody from a provisional route to the one that it means; later records that spell it so land"
            " there. Yours, or with `hubdat:admin` anybody's. Refuses ROUTE_UNKNOWN, NOT_YOURS, QUOTA_FULL,"
            " SEASON_CLOSED, INVALID_VALUE; then nobody was moved."
        ),
    )
    merge_terminal = open_to(
        routes.merge_terminal,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Replaces a provisional terminal by the one that it means, in every route. Yours, or with `hubdat:admin`"
            " anybody's. Refuses NOT_FOUND, NOT_YOURS, INVALID_VALUE."
        ),
    )

    save_organizer = open_to(
        organizers.save_organizer,
        HUBDAT_ADMIN,
        description="Adds or changes an organizer and its policy. Refuses NOT_FOUND, SEASON_CLOSED, INVALID_VALUE.",
    )
    save_window = open_to(
        organizers.save_window,
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
        registrant_mutations.erase_registrant,
        HUBDAT_ADMIN,
        description=(
            "Erases NIK, name, booking code and papers (UU 27/2022 art. 8, 43); one that stands is cancelled first."
            " Counts stay. Refuses NOT_FOUND, NIK_INVALID, INVALID_VALUE."
        ),
    )
