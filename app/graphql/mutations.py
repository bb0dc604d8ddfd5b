"""What can be changed, as a table of contents: each root field, the scopes that it is open to, and what it does."""

from __future__ import annotations

import strawberry

from app.graphql.fields import sized
from app.graphql.permissions import open_to
from app.graphql.topics import admin, niks, operations, organizers, registrant_mutations, routes, webhooks
from app.graphql.topics.files import import_lists, imports
from app.graphql.topics.people import bookings, erasing, halting, holding, reopening
from app.graphql.topics.problems import errors_of, refusals_of
from app.registry import case_decisions, erasure, halts
from app.registry.amending import corrections, rerouting
from app.registry.bookings import acting, submitting
from app.registry.clients import clients, webhook_secrets
from app.registry.clients.scopes import CLIENTS_WRITE, HUBDAT_ADMIN, POSKO_ACT, REGISTRANTS_WRITE, ROUTES_WRITE
from app.registry.imports import absentees, jobs, trying
from app.registry.niks import allowance, blocks
from app.registry.registrants import lifecycle, motorcycles, submission
from app.registry.routes import (
    daily_releases,
    merging,
    quota_releases,
    release_list,
    saving,
    seat_holds,
    terminal_merging,
    terminals,
)
from app.registry.terms import organizers as registry_organizers
from app.registry.terms import seasons, window_history, windows
from app.registry.undo import bulk, late_acts
from app.registry.undo import reopening as undo
from app.registry.webhooks import deliveries
from app.registry.webhooks import webhooks as registry_webhooks


@strawberry.type(
    description=(
        "What can be changed. Each field is a transaction of its own, and every accepted change a row of the log. In a"
        " bulk form each item has its own verdict, in order: a refused one changes nothing and harms no neighbour."
        " A request with the header `Idempotency-Key` holds one mutation. It is done once: for 24 hours its repeat (the"
        " same client, key, document and variables) gets the answer of then. Another request under the key is refused"
        " (422), and a repeat while the first one is being worked on (409)."
    )
)
class Mutation:
    submit_registrant = open_to(
        registrant_mutations.submit_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Registers a person on a route. Safe to repeat: the same organizer, NIK, direction and service of"
            f" a season are one registrant. {refusals_of(submission.submit)}"
        ),
    )
    submit_registrants = open_to(
        registrant_mutations.submit_registrants,
        REGISTRANTS_WRITE,
        description=f"The same for up to 1,000 people. {refusals_of(submission.submit)}",
        directives=[sized(1000)],
    )
    verify_registrant = open_to(
        registrant_mutations.verify_registrant,
        REGISTRANTS_WRITE,
        POSKO_ACT,
        description=(
            "1 to 2, at a posko (terms of 2023 §4). The other way of the trip is verified with it. "
            f"{refusals_of(late_acts.verify)}"
        ),
    )
    verify_registrants = open_to(
        registrant_mutations.verify_registrants,
        REGISTRANTS_WRITE,
        description=f"The same for up to 1,000 registrants. {refusals_of(late_acts.verify)}",
        directives=[sized(1000)],
    )
    depart_registrant = open_to(
        registrant_mutations.depart_registrant,
        REGISTRANTS_WRITE,
        POSKO_ACT,
        description=f"2 to 3, aboard (terms of 2023 §7, §8). {refusals_of(lifecycle.depart)}",
    )
    depart_registrants = open_to(
        registrant_mutations.depart_registrants,
        REGISTRANTS_WRITE,
        description=f"The same for up to 1,000 registrants. {refusals_of(lifecycle.depart)}",
        directives=[sized(1000)],
    )
    cancel_registrant = open_to(
        registrant_mutations.cancel_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Ends a registration; seat and NIK are free again, and its way back ends with it. "
            f"{refusals_of(lifecycle.cancel)}"
        ),
    )
    move_registrant = open_to(
        registrant_mutations.move_registrant,
        REGISTRANTS_WRITE,
        description=(
            "Moves somebody who has not departed to another route: the seat there is taken and the one here given back"
            " in one stroke, and the cities of the trip are judged again. A lap infant goes where somebody of its"
            f" booking has a seat. {refusals_of(rerouting.move)}"
        ),
    )
    move_registrants = open_to(
        registrant_mutations.move_registrants,
        REGISTRANTS_WRITE,
        description=(
            "The same for up to 1,000 registrants. Moves of one person are judged together, so that both ways and the"
            f" motorcycle can go to another city. Lap infants are moved last. {refusals_of(rerouting.move)}"
        ),
        directives=[sized(1000)],
    )
    hold_seats = open_to(
        holding.hold_seats,
        REGISTRANTS_WRITE,
        description=f"Holds seats while a person fills your form, and no NIK. {refusals_of(seat_holds.hold)}",
    )
    give_back_seats = open_to(
        holding.give_back_seats,
        REGISTRANTS_WRITE,
        description=f"Ends a hold before its time. Again changes nothing. {refusals_of(seat_holds.give_back)}",
    )
    submit_booking = open_to(
        bookings.submit_booking,
        REGISTRANTS_WRITE,
        description=(
            "Registers a family of up to 20 people under one booking code: everybody or nobody. Safe to repeat."
            f" {refusals_of(submitting.submit)}"
        ),
    )
    verify_booking = open_to(
        bookings.verify_booking,
        REGISTRANTS_WRITE,
        POSKO_ACT,
        description=(
            "Verifies the people of a booking, both ways and motorcycles, with a verdict each."
            f" {refusals_of(acting.verify)}"
        ),
    )
    depart_booking = open_to(
        bookings.depart_booking,
        REGISTRANTS_WRITE,
        POSKO_ACT,
        description=(
            "Departs the people of a booking in one direction, with a verdict each. Who does not travel so has none."
            f" {refusals_of(acting.depart)}"
        ),
    )
    cancel_booking = open_to(
        bookings.cancel_booking,
        REGISTRANTS_WRITE,
        description=f"Cancels the people of a booking, with a verdict each. {refusals_of(acting.cancel)}",
    )
    correct_registrant = open_to(
        registrant_mutations.correct_registrant,
        REGISTRANTS_WRITE,
        description=f"Corrects what was written wrongly (UU 27/2022 art. 6). {refusals_of(corrections.correct)}",
    )
    hand_over_motorcycle = open_to(
        registrant_mutations.hand_over_motorcycle,
        REGISTRANTS_WRITE,
        description=f"Records a motorcycle's hand-over (terms of 2023 §6), once. {refusals_of(motorcycles.hand_over)}",
    )

    import_registrants = open_to(
        imports.import_registrants,
        REGISTRANTS_WRITE,
        description=f"Takes in a file of rows, in the background, as the webhook takes rows. {errors_of(jobs.create)}",
    )
    import_as_tried = open_to(
        import_lists.import_as_tried,
        REGISTRANTS_WRITE,
        description=f"Takes in the file of a finished dry run for real, as it was tried. {errors_of(trying.take_in)}",
    )
    cancel_missing = open_to(
        imports.cancel_missing,
        REGISTRANTS_WRITE,
        description=(
            "Cancels whom a finished SNAPSHOT found missing and who is still as it was found; their ways back"
            " end with them. Again changes nothing. While part of the file could not be read, it asks for"
            f" `evenThough: true`. {errors_of(absentees.cancel)}"
        ),
    )

    save_terminals = open_to(
        routes.save_terminals,
        ROUTES_WRITE,
        description=f"Declares or changes up to 1,000 terminals. {refusals_of(terminals.save)}",
        directives=[sized(1000)],
    )
    save_routes = open_to(
        routes.save_routes,
        ROUTES_WRITE,
        description=(
            f"Declares or changes up to 1,000 routes; the same again changes nothing. {refusals_of(saving.save)}"
        ),
        directives=[sized(1000)],
    )
    release_quota = open_to(
        routes.release_quota,
        ROUTES_WRITE,
        description=f"Adds seats to a route, now or later. {refusals_of(quota_releases.release)}",
    )

    release_quota_daily = open_to(
        routes.release_quota_daily,
        ROUTES_WRITE,
        description=(
            f"Adds seats to a route at the same time of each day; each day is a release of its own."
            f" {refusals_of(daily_releases.release)}"
        ),
    )
    cancel_release = open_to(
        routes.cancel_release,
        ROUTES_WRITE,
        description=(
            "Cancels a release that is not due yet, or all days of a daily release that are not."
            f" {refusals_of(release_list.cancel)}"
        ),
    )

    save_webhook = open_to(
        webhooks.save_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Adds a webhook, or changes one; at most 10 of an organizer. Saving one that is disabled enables"
            f" it. {refusals_of(registry_webhooks.save)}"
        ),
    )
    rotate_webhook_secret = open_to(
        webhooks.rotate_webhook_secret,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "A new secret. For 24 hours the one before signs as well: a receiver can change over. "
            f"{refusals_of(registry_webhooks.rotate)}"
        ),
    )
    test_webhook = open_to(
        webhooks.test_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Sends a `webhook.test` within a second, once; not to a webhook that is disabled. "
            f"{refusals_of(deliveries.send_test)}"
        ),
    )
    redeliver_webhook = open_to(
        webhooks.redeliver_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Sends one delivery again, or all since an instant that were not delivered; under the same"
            f" `webhook-id`. {refusals_of(deliveries.redeliver)}"
        ),
    )
    delete_webhook = open_to(
        webhooks.delete_webhook,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description=f"Ends a webhook; what was not sent is not sent any more. {refusals_of(registry_webhooks.delete)}",
    )

    merge_route = open_to(
        routes.merge_route,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Moves everybody from a provisional route to the one that it means; later records that spell it so"
            " land there. Yours, or with `hubdat:admin` anybody's. What is refused moves nobody. "
            f"{refusals_of(merging.merge)}"
        ),
    )
    merge_terminal = open_to(
        routes.merge_terminal,
        ROUTES_WRITE,
        HUBDAT_ADMIN,
        description=(
            "Replaces a provisional terminal by the one that it means, in every route. Yours, or with"
            f" `hubdat:admin` anybody's. {refusals_of(terminal_merging.merge)}"
        ),
    )

    save_organizer = open_to(
        organizers.save_organizer,
        HUBDAT_ADMIN,
        description=(
            f"Adds or changes an organizer and its policy. {refusals_of(registry_organizers.save, seasons.current)}"
        ),
    )
    save_window = open_to(
        organizers.save_window,
        HUBDAT_ADMIN,
        description=f"Adds a wave, or amends one. {refusals_of(windows.save, seasons.current)}",
    )
    withdraw_window = open_to(
        organizers.withdraw_window,
        HUBDAT_ADMIN,
        description=(
            "Withdraws a window before it begins; one that has begun is amended. "
            f"{refusals_of(window_history.withdraw)}"
        ),
    )
    publish_figures = open_to(
        operations.publish_figures,
        HUBDAT_ADMIN,
        description=f"Shows a season's figures (`/data/{{year}}/`) to everybody. {errors_of(seasons.publish_figures)}",
    )
    issue_client = open_to(
        admin.issue_client,
        HUBDAT_ADMIN,
        CLIENTS_WRITE,
        description=f"A new client; without `hubdat:admin` yours, within your own scopes. {errors_of(clients.issue)}",
    )
    rotate_client_secret = open_to(
        admin.rotate_client_secret,
        HUBDAT_ADMIN,
        CLIENTS_WRITE,
        description=(
            "A second secret; the one before stays good until the next rotation: an app can change over. "
            f"{errors_of(clients.rotate)}"
        ),
    )
    issue_webhook_secret = open_to(
        admin.issue_webhook_secret,
        HUBDAT_ADMIN,
        CLIENTS_WRITE,
        description=(
            "A secret with which a client signs `POST /webhook/pemudik` (Standard Webhooks); from then on it"
            " has to, within five seconds. The one before stays good until the next one. "
            f"{errors_of(webhook_secrets.issue)}"
        ),
    )
    revoke_client = open_to(
        admin.revoke_client,
        HUBDAT_ADMIN,
        CLIENTS_WRITE,
        description=f"Ends a client, its secrets and, within a second, its tokens. {errors_of(clients.revoke)}",
    )
    block_nik = open_to(
        niks.block_nik,
        HUBDAT_ADMIN,
        description=f"Blocks a NIK with every organizer. {refusals_of(blocks.block)}",
    )
    lift_nik_block = open_to(
        niks.lift_nik_block,
        HUBDAT_ADMIN,
        description=f"Lifts every block of a NIK, on appeal. {refusals_of(blocks.lift)}",
    )
    lift_block = open_to(
        niks.lift_block,
        HUBDAT_ADMIN,
        description=f"Lifts a block by its id, with every other one of its NIK. {refusals_of(blocks.lift_one)}",
    )
    set_nik_allowance = open_to(
        admin.set_nik_allowance,
        HUBDAT_ADMIN,
        description=f"Gives an organizer another allowance of NIKs, at once. {refusals_of(allowance.set_per_day)}",
    )
    decide_case = open_to(
        admin.decide_case,
        HUBDAT_ADMIN,
        description=f"Decides a duplicate case. {refusals_of(case_decisions.decide)}",
    )
    allow_sweep = open_to(
        halting.allow_sweep,
        HUBDAT_ADMIN,
        description=(
            "Hubdat's word: the registry ends those of a halt (`sweepHalts`) who were due until an instant."
            f" {refusals_of(halts.allow)}"
        ),
    )
    reopen_registrant = open_to(
        reopening.reopen_registrant,
        HUBDAT_ADMIN,
        description=(
            "Takes an end back, of all legs that ended together or of none: NO_SHOW goes to VERIFIED, FORFEITED to"
            " REGISTERED with a day to verify, CANCELLED to where it was; the block that came from it is lifted. Who"
            f" stands is answered as it is. {refusals_of(undo.reopen)}"
        ),
    )
    reopen_registrants = open_to(
        reopening.reopen_registrants,
        HUBDAT_ADMIN,
        description=f"The same for all of a route, a booking or a cause, up to 500. {refusals_of(bulk.reopen_all)}",
    )
    erase_registrant = open_to(
        erasing.erase_registrant,
        HUBDAT_ADMIN,
        description=(
            "Erases a person (UU 27/2022 art. 8, 43): NIK, name, booking code and papers of every registration of the"
            " NIK with every organizer, the person as the applicant of others, and stored files. What stands is"
            f" cancelled first. Counts stay. {refusals_of(erasure.erase)}"
        ),
    )
