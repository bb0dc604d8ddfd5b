"""Tables that are small, or large, and example arguments of each statement, which ask for the same few rows."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from app.models.enums import DeliveryState
from tests.world import NOW

ITEMS = 20
"""How many rows the examples ask for."""


def uuid_of(number: int) -> UUID:
    return UUID(int=number)


def index_of(number: int) -> bytes:
    """In the place of a blind index."""
    return sha256(str(number).encode()).digest()


NUMBERS = range(1, ITEMS + 1)
UNUSED = 1_000_000
"""Terminals and routes with numbers above this are used by nobody, so they may be deleted."""
NEW = [uuid_of(2 * UNUSED + number) for number in NUMBERS]
EXAMPLES: dict[str, object] = {
    # By the name of the argument, or by what follows the alias of an array: `organizer_code` of `:leg_organizer_code`.
    "season": 2026,
    "direction": "MUDIK",
    "service": "PASSENGER",
    "status": "REGISTERED",
    "statuses": ["REGISTERED"],
    "state": "OPEN",
    "kind": "REGISTRANT_MOVED",
    "purpose": "CHECK",
    "outcome": "AVAILABLE",
    "organizer": "organizer-1",
    "organizer_code": "organizer-1",
    "mistyped_by": "organizer-1",
    "organizers": ["organizer-1"],
    "own": ["organizer-1"],
    "asked_organizer": [f"organizer-{number % 10}" for number in NUMBERS],
    "new_organizer_code": [f"organizer-{number % 10}" for number in NUMBERS],
    "name_key": [f"name-{number}" for number in NUMBERS],
    "city_key": [f"city-{number}" for number in NUMBERS],
    "origin_city": "city-1",
    "destination_city": "city-1",
    "origin_code": [f"terminal-{number}" for number in NUMBERS],
    "destination_code": [f"terminal-{number}" for number in NUMBERS],
    "unused_terminals": [f"terminal-{UNUSED + number}" for number in NUMBERS],
    "new_code": [f"new-{number}" for number in NUMBERS],
    "new_kind": "TERMINAL",
    "mode": "BUS",
    "asker": "organizer-1",
    "client_id": "client-1",
    "reference": "BK-1",
    "identity_document": "KTP",
    "from_status": None,
    # Of a prolongation: what is due in `GROWING_ROWS` lies in it.
    "flags": "ARRIVED_LATE",
    "fell_after": NOW - timedelta(days=2),
    "fell_until": NOW,
    "since": NOW,
    "page": uuid_of(0),
    "closed_at": NOW,
    "closes_at": NOW + timedelta(days=1),
    "departed_at": None,
    "to_status": "REGISTERED",
    "leg_outbound_id": None,
    "facts": "{}",
    "public_keys": "{}",
    "most": 50,
    "number": 2,
    "xact_id": "0",
    "change_id": 0,
    "after": uuid_of(0),
    "any_nik": False,
    "block_id": NEW,
    "early_id": NEW,
    "copy_id": NEW,
    "new_id": NEW,
    "put_id": NEW,
    "day_id": NEW,
    "unused_routes": [uuid_of(UNUSED + number) for number in NUMBERS],
    "event": "quota.filled",
    "delivery_id": NEW,
    "delivery_webhook_id": [uuid_of(number % 10) for number in NUMBERS],
    "delivery_change_id": [-number for number in NUMBERS],
    "verify_before": NOW,
    "registered_from": NOW - timedelta(days=30),
}
OF_STATEMENT: dict[tuple[str, str], object] = {
    ("app.registry.terms.windows._INSERT", "kind"): "VERIFICATION",
    ("app.registry.routes.seat_holds._INSERT", "id"): NEW[0],
    **{(f"app.registry.webhooks.deliveries._PAGES[{state}]", "after"): None for state in (None, *DeliveryState)},
    **{(f"app.registry.webhooks.deliveries._PAGES[{state}]", "most"): ITEMS for state in (None, *DeliveryState)},
    ("app.registry.webhooks.deliveries._PAGES[None]", "state"): None,
    ("app.registry.webhooks.deliveries._TEST", "id"): NEW[0],
    ("app.registry.webhooks.ended._ONE_BACK", "id"): uuid_of(UNUSED + 1),
    ("app.registry.webhooks.ended._MOVE", "ids"): [uuid_of(100 + number) for number in NUMBERS],
    ("app.registry.webhooks.ended._MOVE", "kept_since"): NOW - timedelta(days=30),
    ("app.registry.webhooks.ended._BACK_SINCE", "since"): NOW - timedelta(days=30),
    ("app.registry.webhooks.reminders._DUE", "since"): NOW - timedelta(days=300),
    **{
        (f"app.changes.seals.logs.STATEMENTS[{place}]", name): value
        for place in range(12)
        for name, value in {"through_xact": "1", "one_xact": [str(number) for number in NUMBERS]}.items()
    },
    ("app.changes.seals.sealing.PUT", "log"): "changes",
    ("app.changes.webhooks.outbox._DISABLE", "because"): "GONE",
    ("app.changes.webhooks.outbox._INSERT_ATTEMPTS", "attempt_delivery_id"): [uuid_of(number) for number in NUMBERS],
    ("app.changes.webhooks.outbox._INSERT_ATTEMPTS", "attempt_status"): 204,
    ("app.changes.webhooks.outbox._INSERT_ATTEMPTS", "attempt_error"): None,
    ("app.registry.clients.sign_in._ADD_LINK", "staff_id"): "client-2",
    ("app.registry.clients.staff._ADD", "id"): "staff-new",
    ("app.registry.clients.staff._ADD", "role"): "posko",
    ("app.registry.clients.webhook_secrets._ADD", "client"): "client-1",
    ("app.registry.imports.jobs._CREATE", "id"): NEW[0],
    ("app.registry.imports.jobs._CREATE", "mode"): "UPSERT",
    ("app.registry.imports.jobs._CREATE", "changes"): "REPORT",
    ("app.registry.imports.jobs._CREATE", "extension"): "csv",
    ("app.registry.imports.trying._COPY", "tried"): NEW[0],
    ("app.registry.routes.saving._INSERT", "given_id"): NEW,
    ("app.registry.routes.terminals._SAVE", "given_code"): [f"new-{number}" for number in NUMBERS],
    ("app.registry.routes.terminals._SAVE", "given_kind"): "TERMINAL",
    ("app.registry.routes.terminals._SAVE", "given_region_code"): "3171",
    ("app.registry.statistics.publishing._SAVE_FILES", "file_name"): [f"file-{number}" for number in NUMBERS],
    ("app.registry.statistics.pulse._WRITE", "refusals"): "{}",
    ("app.registry.statistics.taking._SAVE_COUNTS", "one_seen"): 5,
    ("app.registry.statistics.taking._SAVE_COUNTS", "one_counted"): 5,
    ("app.registry.statistics.taking._SAVE_COUNTS", "one_origin"): [f"city-{number}" for number in NUMBERS],
    ("app.registry.statistics.taking._SAVE_STAGES", "one_stage"): [f"stage-{number}" for number in NUMBERS],
    ("app.registry.statistics.taking._SAVE_STAGES", "one_counted"): 5,
    ("app.registry.terms.organizers._SAVE", "code"): "organizer-new",
    ("app.registry.terms.organizers._SAVE", "coordinator"): "organizer-1",
    ("app.registry.terms.organizers._SAVE", "schemes"): ["GRAPHQL"],
    ("app.registry.webhooks.webhooks._INSERT", "id"): NEW[0],
    ("app.registry.webhooks.webhooks._INSERT", "events"): ["quota.filled"],
    ("app.registry.webhooks.webhooks._UPDATE", "events"): ["quota.filled"],
}
"""Where an argument means something else than `EXAMPLES` says."""


def example(statement: str, name: str, type_: str) -> object:
    """A value for an argument. Of an array `ITEMS` values, so that every column of `Arrays` has the same number."""
    known = next((key for key in (name, name.partition("_")[2]) if key in EXAMPLES), None)
    if (statement, name) in OF_STATEMENT:
        value = OF_STATEMENT[statement, name]
    elif known is not None:
        value = EXAMPLES[known]
    else:
        return by_type(type_.removesuffix("[]"), is_array=type_.endswith("[]"))
    return [value] * ITEMS if type_.endswith("[]") and not isinstance(value, list) else value


def by_type(type_: str, *, is_array: bool) -> object:
    if type_ == "uuid":
        return [uuid_of(number) for number in NUMBERS] if is_array else uuid_of(1)
    if type_ == "bytea":
        return [index_of(number) for number in NUMBERS] if is_array else index_of(1)
    value: object = {
        "bool": True,
        "text": "X",
        "timestamptz": NOW,
        "date": NOW.date(),
        "interval": timedelta(hours=1),
    }.get(type_, 1)
    return [value] * ITEMS if is_array else value


def literal(value: object, type_: str) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(literal(one, type_.removesuffix('[]')) for one in value)}]::{type_}"
    if value is None:
        return f"NULL::{type_}"
    written = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{written}'::{type_}"


async def fill(connection: asyncpg.Connection[Any], first: int, last: int) -> None:
    """Rows with the numbers from `first` to `last`, in every table that grows. An id is its row's number."""
    if first == 1:
        for statement in BOUNDED_ROWS:
            await connection.execute(statement)
    for statement in GROWING_ROWS:
        await connection.execute(statement, first, last)


BOUNDED_ROWS = (
    "INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30')",
    "INSERT INTO organizer (code, name, schemes) SELECT 'organizer-' || i, 'O' || i, '{}' FROM generate_series(0, 9) i",
    """INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at)
       SELECT 'client-' || i, 'organizer-' || i, '{}', 5000, 100, now() FROM generate_series(0, 9) i""",
    """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
       SELECT lpad(to_hex(i), 32, '0')::uuid, 'organizer-' || i, 'https://hook.example/', '{quota.filled}', now(),
              now(), 'x' FROM generate_series(0, 9) i""",
    "INSERT INTO staff (id, email, role, added_at) VALUES ('client-2', 'a@example.go.id', 'posko', now())",
    "INSERT INTO check_budget (client_id, tokens, refilled_at) SELECT id, 5000, now() FROM client",
    """INSERT INTO registration_window (id, season, organizer_code, kind, opens_at, until_quota_is_full, saved_at)
       SELECT gen_random_uuid(), 2026, code, 'REGISTRATION', '2026-02-01', false, '2026-02-01' FROM organizer""",
    """INSERT INTO policy (season, organizer_code, verify_within_days, block_when_forfeited, block_seasons,
                           enforce_window, return_requires_outbound, return_same_day, no_show_after_minutes)
       SELECT 2026, code, 7, true, 1, true, true, false, 120 FROM organizer""",
    "INSERT INTO heartbeat (id, at) VALUES (1, '2026-03-02T02:00:00Z')",
    """INSERT INTO prolongation (id, cause, after, until, seconds, made_at, done_at)
       SELECT gen_random_uuid(), 'OUTAGE', at, at + interval '1 hour', 86401, at, at
       FROM generate_series('2026-02-01'::timestamptz, '2026-02-20', '1 day') at""",
    f"""INSERT INTO terminal (code, name, name_key, city, city_key, kind)
        SELECT 'terminal-' || i, 'T' || i, 'name-' || i, 'C', 'city', 'TERMINAL'
        FROM generate_series({UNUSED}, {UNUSED + ITEMS}) i""",
    f"""INSERT INTO route (id, season, organizer_code, name, name_key, direction, service, mode, origin_code,
                           destination_code, provisional)
        SELECT lpad(to_hex(i), 32, '0')::uuid, 2026, 'organizer-0', 'R' || i, 'name-' || i, 'BALIK', 'PASSENGER', 'BUS',
               'terminal-{UNUSED}', 'terminal-{UNUSED}', true FROM generate_series({UNUSED + 1}, {UNUSED + ITEMS}) i""",
)
_NUMBERS = "FROM generate_series($1::int, $2::int) i"
_UUID = "lpad(to_hex(i), 32, '0')::uuid"
_ORGANIZER = "'organizer-' || i % 10"
_WEBHOOK = "lpad(to_hex(i % 10), 32, '0')::uuid"
_IS_DUE = f"i <= {ITEMS}"
_FAR = "'2026-12-01'::timestamptz"
_PAST = "'2026-03-01'::timestamptz"
GROWING_ROWS = (
    f"""INSERT INTO terminal (code, name, name_key, city, city_key, kind)
        SELECT 'terminal-' || i, 'T' || i, 'name-' || i, 'C' || i, 'city-' || i, 'TERMINAL' {_NUMBERS}""",
    f"""INSERT INTO route (id, season, organizer_code, name, name_key, direction, service, mode, origin_code,
                           destination_code, departs_at, quota, provisional)
        SELECT {_UUID}, 2026, {_ORGANIZER}, 'R' || i, 'name-' || i,
               CASE WHEN i % 3 = 0 THEN 'BALIK' ELSE 'MUDIK' END, 'PASSENGER', 'BUS', 'terminal-' || i,
               'terminal-' || i, CASE WHEN {_IS_DUE} THEN {_PAST} ELSE {_FAR} END, 50, i % 2 = 0 {_NUMBERS}""",
    f"""INSERT INTO quota_release (id, route_id, seats, due_at, released_at)
        SELECT {_UUID}, {_UUID}, 1, {_PAST}, CASE WHEN {_IS_DUE} THEN NULL ELSE {_PAST} END {_NUMBERS}""",
    # Most holds have ended.
    f"""INSERT INTO seat_hold (id, route_id, organizer_code, seats, ends_at)
        SELECT {_UUID}, {_UUID}, {_ORGANIZER}, 1, CASE WHEN {_IS_DUE} THEN {_FAR} ELSE {_PAST} END {_NUMBERS}""",
    # Of two neighbours one is verified, the other waits for verification; the first have missed their deadline or bus.
    f"""INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                                name_sealed, reference, registered_at, arrived_at, verify_by, verified_at)
        SELECT {_UUID}, 2026, {_ORGANIZER}, {_UUID}, 'MUDIK', 'PASSENGER',
               CASE WHEN i % 2 = 0 THEN 'VERIFIED' ELSE 'REGISTERED' END, sha256(i::text::bytea), 'x', 'x', 'BK-' || i,
               {_PAST}, {_PAST}, CASE WHEN {_IS_DUE} THEN {_PAST} ELSE {_FAR} END,
               CASE WHEN i % 2 = 0 THEN {_PAST} END {_NUMBERS}""",
    f"""INSERT INTO reminder (registrant_id, hours, verify_by)
        SELECT {_UUID}, 48, CASE WHEN {_IS_DUE} THEN {_PAST} ELSE {_FAR} END {_NUMBERS}""",
    f"""INSERT INTO change (at, kind, season, organizer_code, registrant_id, route_id, to_status)
        SELECT {_PAST}, 'REGISTRANT_MOVED', 2026, {_ORGANIZER}, {_UUID}, {_UUID}, 'REGISTERED' {_NUMBERS}""",
    f"""INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose)
        SELECT {_PAST}, 'client-' || i % 10, {_ORGANIZER}, sha256(i::text::bytea), 'CHECK' {_NUMBERS}""",
    f"""INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code, registrant_id)
        SELECT {_UUID}, sha256(i::text::bytea), 'X', 2026, 2026, {_PAST}, {_ORGANIZER}, {_UUID} {_NUMBERS}""",
    f"""INSERT INTO early_end (id, season, organizer_code, nik_index, direction, service, status, reference,
                               registered_at, told_at)
        SELECT {_UUID}, 2026, {_ORGANIZER}, sha256(i::text::bytea), 'MUDIK', 'PASSENGER', 'CANCELLED', 'BK-' || i,
               {_PAST}, {_PAST} {_NUMBERS}""",
    f"""INSERT INTO duplicate_case (id, season, direction, service, holder_id, state, suspect, opened_at)
        SELECT {_UUID}, 2026, 'MUDIK', 'PASSENGER', {_UUID}, 'OPEN', false, {_PAST} {_NUMBERS}""",
    f"""INSERT INTO case_claim (case_id, organizer_code, attempts, first_at, last_at)
        SELECT {_UUID}, 'organizer-0', 1, {_PAST}, {_PAST} {_NUMBERS}""",
    f"""INSERT INTO import_job (id, organizer_code, client_id, season, mode, dry_run, covers, extension, state,
                                created_at, finished_at)
        SELECT {_UUID}, {_ORGANIZER}, 'client-' || i % 10, 2026, 'UPSERT', false, '{{}}', 'csv',
               CASE WHEN {_IS_DUE} THEN 'QUEUED' ELSE 'DONE' END, {_PAST},
               CASE WHEN {_IS_DUE} THEN NULL ELSE {_PAST} END {_NUMBERS}""",
    f"""INSERT INTO import_chunk (job_id, number, verdicts, registrants, refused, organizers, done_at)
        SELECT {_UUID}, 1, '', '{{}}', '{{}}', '{{}}', {_PAST} {_NUMBERS}""",
    # A webhook has every tenth delivery, of which most have ended.
    f"""INSERT INTO webhook_delivery (id, webhook_id, change_id, event, subject, state, tries, made_at, due_at,
                                      finished_at)
        SELECT {_UUID}, {_WEBHOOK}, i, 'quota.filled', 'X' || i,
               CASE WHEN {_IS_DUE} THEN 'PENDING' ELSE 'DELIVERED' END, 1, {_PAST},
               CASE WHEN {_IS_DUE} THEN {_PAST} END, CASE WHEN NOT {_IS_DUE} THEN {_PAST} END {_NUMBERS}""",
    f"""INSERT INTO webhook_attempt (delivery_id, at, duration_ms, status)
        SELECT {_UUID}, {_PAST}, 1, 204 {_NUMBERS}""",
    f"""INSERT INTO webhook_delivery_ended (webhook_id, state, id, at, place, change_id, event, subject, made_at,
                                            attempts)
        SELECT {_WEBHOOK}, CASE WHEN {_IS_DUE} THEN 'FAILED' ELSE 'DELIVERED' END,
               lpad(to_hex({UNUSED} + i), 32, '0')::uuid, {_PAST}, i, {UNUSED} + i, 'quota.filled', 'X' || i, {_PAST},
               '[]' {_NUMBERS}""",
    f"INSERT INTO import_file (job_id, number, sealed) SELECT {_UUID}, 1, 'x' {_NUMBERS}",
)
