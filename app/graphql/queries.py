"""What can be read, as a table of contents: each root field, the scopes that it is open to, and what it answers."""

from __future__ import annotations

import strawberry

from app.errors import NotFound
from app.graphql.fields import PAGED, sized
from app.graphql.permissions import open_to
from app.graphql.topics.admin import find_case_people, find_cases, me
from app.graphql.topics.changes import end_of_changes, find_changes
from app.graphql.topics.files.import_lists import find_import_jobs, find_import_rows
from app.graphql.topics.files.imports import find_consolidation, find_import_job
from app.graphql.topics.niks import check_nik, check_niks, nik_accesses
from app.graphql.topics.operations import (
    every_client,
    every_season,
    find_admin_changes,
    find_blocks,
    find_releases,
)
from app.graphql.topics.organizers import every_organizer, every_window, find_organizer
from app.graphql.topics.people.bookings import find_booking
from app.graphql.topics.people.halting import every_halt
from app.graphql.topics.people.held import held_on_nik
from app.graphql.topics.problems import errors_of, refusals_of
from app.graphql.topics.registrants import find_registrant, find_registrants
from app.graphql.topics.routes import find_route, find_routes, find_terminal, find_terminals
from app.graphql.topics.statistics import find_statistics, read_attention, read_pulse
from app.graphql.topics.webhooks import find_webhooks
from app.registry import case_people, subject_access
from app.registry.bookings import finding
from app.registry.clients.scopes import (
    CLIENTS_WRITE,
    DASHBOARD_READ,
    HUBDAT_ADMIN,
    NIK_CHECK,
    POSKO_ACT,
    REGISTRANTS_READ,
    REGISTRANTS_WRITE,
)
from app.registry.imports import jobs
from app.registry.niks import check
from app.registry.registrants import lookup
from app.registry.rows import consolidation
from app.registry.statistics import questions, statistics
from app.registry.terms import seasons


@strawberry.type(description="What can be read.")
class Query:
    me = open_to(me, description="The client that calls, and what it may do.")

    check_nik = open_to(
        check_nik,
        NIK_CHECK,
        description=(
            "Whether a NIK may be registered: in one direction and service, or in all of them. Takes one check from"
            " your budget either way (`TOO_MANY_CHECKS`)."
            f" {refusals_of(check.check)}"
        ),
    )
    check_niks = open_to(
        check_niks,
        NIK_CHECK,
        description=(
            "The same for up to 1,000 NIKs: one verdict each, in order. A NIK that cannot be one is INVALID and harms"
            " no neighbour. All are answered, or none if your budget does not suffice."
            f" {refusals_of(check.check)}"
        ),
        directives=[sized(1000)],
    )

    registrant = open_to(
        find_registrant,
        REGISTRANTS_READ,
        POSKO_ACT,
        DASHBOARD_READ,
        description=(
            "One registrant: of your own, or with `dashboard:read` and by id of anyone's, masked."
            f" {errors_of(lookup.find, but=[NotFound])}"
        ),
    )
    booking = open_to(
        find_booking,
        REGISTRANTS_READ,
        POSKO_ACT,
        description=(
            "A booking of yours: whom you registered under one booking code in a season. Null: nobody."
            f" {errors_of(finding.find, but=[NotFound])}"
        ),
    )
    registrants = open_to(
        find_registrants,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description="Your own registrants, or with `dashboard:read` everyone's, masked; in the order of their arrival.",
        directives=[PAGED],
    )

    organizer = open_to(find_organizer, description=f"One organizer. {errors_of(seasons.latest)}")
    organizers = open_to(
        every_organizer, description=f"Every organizer, by code. {errors_of(seasons.latest)}", directives=[sized(100)]
    )
    windows = open_to(
        every_window,
        description=(
            "Every window of a season as it was saved, with what was amended or withdrawn; each organizer's in order."
            f" {errors_of(seasons.latest)}"
        ),
        directives=[sized(100)],
    )
    route = open_to(find_route, description="One route.")
    routes = open_to(
        find_routes,
        description="Routes of every organizer, in the order in which they were declared.",
        directives=[PAGED],
    )
    terminal = open_to(find_terminal, description="One terminal.")
    terminals = open_to(find_terminals, description="Every terminal, by city.", directives=[sized(100)])

    statistics = open_to(
        find_statistics,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "Figures of a season: your own and your members', or with `dashboard:read` everyone's."
            f" {errors_of(questions.judge, statistics.read)}"
        ),
    )
    pulse = open_to(
        read_pulse,
        DASHBOARD_READ,
        description=(
            "What the registry answered in the last five whole minutes and in the five before them, over all its"
            " processes."
        ),
    )
    attention = open_to(
        read_attention,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "What waits for somebody: failing webhooks, running imports and allowances that are nearly used up, of"
            " yours and your members, or with `dashboard:read` everyone's and the open cases."
        ),
    )
    changes = open_to(
        find_changes,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "What happened to your own registrants, or with `dashboard:read` to everyone's, masked: every change once,"
            " in one order that never changes. At the end ask again with the last `endCursor`, also after months."
        ),
        directives=[PAGED],
    )
    end_of_changes = open_to(
        end_of_changes,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "The cursor of now: whoever begins with it at `changes(after:)` gets what happens from now on, and nothing"
            " of before but what is not settled yet. It costs the same however long the log is."
        ),
    )
    import_job = open_to(
        find_import_job,
        REGISTRANTS_READ,
        REGISTRANTS_WRITE,
        description="One import of yours, or of a member that you coordinate.",
    )
    import_jobs = open_to(
        find_import_jobs,
        REGISTRANTS_READ,
        REGISTRANTS_WRITE,
        description="Imports of yours and of members that you coordinate, the newest first.",
        directives=[PAGED],
    )
    import_rows = open_to(
        find_import_rows,
        REGISTRANTS_READ,
        REGISTRANTS_WRITE,
        description=(
            "The rows of one import with their verdicts, in the order in which they were judged. One call looks through"
            " 20,000 rows: a page may be short, or empty, and still have a next one."
            f" {errors_of(jobs.get)}"
        ),
        directives=[PAGED],
    )
    consolidation = open_to(
        find_consolidation,
        REGISTRANTS_READ,
        DASHBOARD_READ,
        description=(
            "An organizer's day as the registry holds it: yours, or with `dashboard:read` anyone's in counts."
            f" {errors_of(consolidation.summary)}"
        ),
    )

    webhooks = open_to(
        find_webhooks,
        REGISTRANTS_WRITE,
        HUBDAT_ADMIN,
        description="Your webhooks and those of members that you coordinate; with `hubdat:admin` everyone's.",
        directives=[sized(10)],
    )

    seasons = open_to(every_season, HUBDAT_ADMIN, description="Every season, the newest first.", directives=[sized(10)])
    clients = open_to(
        every_client,
        HUBDAT_ADMIN,
        CLIENTS_WRITE,
        description=(
            "Every client with its last use, the revoked ones too, by organizer and age; without `hubdat:admin` those"
            " of your own organizer."
        ),
        directives=[sized(100)],
    )
    blocks = open_to(
        find_blocks,
        HUBDAT_ADMIN,
        description="Blocks of NIKs, the newest first.",
        directives=[PAGED],
    )
    releases = open_to(
        find_releases,
        HUBDAT_ADMIN,
        description="Releases of all routes, those that were made last first.",
        directives=[PAGED],
    )
    admin_changes = open_to(
        find_admin_changes,
        HUBDAT_ADMIN,
        description=(
            "Who changed which policy, window, client, block, case or release, from what to what, when; every change"
            " once, in the order of the log. At the end ask again with the last `endCursor`."
        ),
        directives=[PAGED],
    )
    sweep_halts = open_to(
        every_halt,
        HUBDAT_ADMIN,
        description="Organizers of whose people too many would end at once, and who wait for `allowSweep`; by code.",
        directives=[sized(10)],
    )
    cases = open_to(
        find_cases,
        REGISTRANTS_READ,
        HUBDAT_ADMIN,
        description=(
            "Refused and suspected duplicates, the newest first: with `hubdat:admin` everyone's, else those in which"
            " you or your members hold the NIK or brought it as well."
        ),
        directives=[PAGED],
    )
    case_people = open_to(
        find_case_people,
        HUBDAT_ADMIN,
        description=(
            "Both sides of a case, the holder first: for whoever decides it. A look at the NIK."
            f" {errors_of(case_people.read)}"
        ),
        directives=[sized(3)],
    )
    nik_accesses = open_to(
        nik_accesses,
        HUBDAT_ADMIN,
        description=(
            "Who looked at this NIK (UU 27/2022 art. 7): the newest first, at most 1,000. This look counts."
            f" {errors_of(subject_access.accesses)}"
        ),
        directives=[sized(100)],
    )
    held_on_nik = open_to(
        held_on_nik,
        HUBDAT_ADMIN,
        description=(
            "All that the registry holds on one NIK, for the person it belongs to (UU 27/2022 art. 7, 32). A look at"
            f" the NIK. {errors_of(subject_access.export)}"
        ),
    )
