"""What waits, as the database has it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from app.changes.log import backlog
from app.db import Database
from app.vault.vault import Vault
from tests import queries
from tests.changes.seals.ground import sealed, told
from tests.patience import patience
from tests.world import HUBDAT, NOW, World, build, someone

pytestmark = pytest.mark.anyio

NOTHING: dict[str, dict[str | None, float]] = {
    "pemudik_projection_lag_changes": {},
    "pemudik_projection_lag_seconds": {},
    "pemudik_webhook_deliveries_pending": {None: 0},
    "pemudik_webhook_oldest_due_seconds": {None: 0},
    "pemudik_webhooks_failing_seconds": {},
    "pemudik_import_jobs": {"QUEUED": 0, "RUNNING": 0},
    "pemudik_import_rows": {},
    "pemudik_import_kept_bytes": {},
    "pemudik_import_oldest_queued_seconds": {None: 0},
    "pemudik_verification_overdue_seconds": {None: 0},
    "pemudik_sweep_halted_people": {},
    "pemudik_nik_allowance_shut_out": {},
}

SEALS = ("pemudik_log_unsealed_seconds", "pemudik_log_seals")


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await build(database, vault)


async def read(world: World, after: timedelta = timedelta()) -> dict[str, dict[str | None, float]]:
    async with world.database.transaction() as session:
        readings = await backlog.read(session, NOW + after)
    return {reading.figure.name: reading.values for reading in readings}


async def differs(world: World, after: timedelta = timedelta()) -> dict[str, Any]:
    """What is not as where nothing waits."""
    found = await read(world, after)
    return {name: found[name] for name, values in NOTHING.items() if found[name] != values}


async def test_where_nothing_waits(world: World) -> None:
    found = await read(world)
    assert await differs(world) == {}
    assert found.keys() - NOTHING.keys() == {
        "pemudik_database_connections",
        "pemudik_database_connections_max",
        "pemudik_log_seals",
        "pemudik_log_unsealed_seconds",
        "pemudik_log_unsettled_changes",
        "pemudik_oldest_transaction_seconds",
    }
    most = found["pemudik_database_connections_max"][None]
    assert 0 < found["pemudik_database_connections"][None] <= most


async def test_a_projection_that_lags(world: World) -> None:
    route_id = await world.route()
    await world.run("INSERT INTO projection (name) VALUES ('statistics')")
    for number in range(3):
        await world.accepted(someone(HUBDAT, route_id, number), NOW + timedelta(seconds=number))
    after = timedelta(seconds=10)
    assert await differs(world, after) == {
        "pemudik_projection_lag_changes": {"statistics": 3},
        "pemudik_projection_lag_seconds": {"statistics": 10},
    }
    await world.run("UPDATE projection SET (xact_id, change_id) = (SELECT xact_id, id FROM change ORDER BY id LIMIT 1)")
    assert (await differs(world, after))["pemudik_projection_lag_seconds"] == {"statistics": 9}
    await world.run("UPDATE projection SET (xact_id, change_id) = (SELECT max(xact_id), max(id) FROM change)")
    assert await differs(world, after) == {
        "pemudik_projection_lag_changes": {"statistics": 0},
        "pemudik_projection_lag_seconds": {"statistics": 0},
    }


async def test_rows_that_are_not_sealed(world: World) -> None:
    nothing: dict[str | None, float] = {"changes": 0, "access": 0, "reads": 0}
    assert [(await read(world))[name] for name in SEALS] == [nothing, nothing]
    await told(world, None, None)
    await told(world, None, at=NOW + timedelta(seconds=4))
    after = timedelta(seconds=10)
    assert [(await read(world, after))[name] for name in SEALS] == [{"changes": 10, "access": 10, "reads": 10}, nothing]
    await sealed(world)
    assert [(await read(world, after))[name] for name in SEALS] == [nothing, {"changes": 1, "access": 1, "reads": 1}]
    await told(world, None, at=NOW + timedelta(seconds=7))
    assert (await read(world, after))["pemudik_log_unsealed_seconds"] == {"changes": 3, "access": 3, "reads": 3}


async def test_an_old_transaction_keeps_changes_back(world: World) -> None:
    """Transactions are those of the whole cluster, which others use as well."""
    route_id = await world.route()
    async with world.database.transaction() as old:
        await queries.run(old, "SELECT pg_current_xact_id()")
        await world.submit(*(someone(HUBDAT, route_id, number) for number in range(4)))
        [[age]] = await world.run("SELECT extract(epoch FROM clock_timestamp() - CAST(:now AS timestamptz))", now=NOW)
        found = await read(world, timedelta(seconds=float(age) + 60))
        assert found["pemudik_log_unsettled_changes"] == {None: 4}
        [seconds] = found["pemudik_oldest_transaction_seconds"].values()
        assert seconds > 59
    async with patience():
        while (await read(world))["pemudik_log_unsettled_changes"] != {None: 0}:  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0.01)


async def test_deliveries(world: World) -> None:
    """Of webhooks that are alive: those that wait for their turn have no time yet, and a paused one is not due."""
    hooks = {name: uuid7() for name in ("alive", "paused", "disabled")}
    for name, id_ in hooks.items():
        await world.run(
            """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
               VALUES (:id, 'djka', :url, '{case.decided}', :now, :now, 'x')""",
            id=id_,
            url=f"https://{name}",
            now=NOW,
        )
    await world.run(
        "UPDATE webhook SET paused_until = :until, failing_since = :now WHERE url = 'https://paused'",
        until=NOW + timedelta(hours=1),
        now=NOW,
    )
    await world.run(
        "UPDATE webhook SET disabled_at = :now, disabled_because = 'GONE' WHERE url = 'https://disabled'", now=NOW
    )
    for id_ in hooks.values():
        for number, due in enumerate([NOW, NOW + timedelta(seconds=30), None]):
            await world.run(
                """INSERT INTO webhook_delivery (id, webhook_id, event, subject, state, tries, made_at, due_at)
                   VALUES (:id, :webhook, 'case.decided', :subject, 'PENDING', 0, :now, :due)""",
                id=uuid7(),
                webhook=id_,
                subject=str(number),
                now=NOW,
                due=due,
            )
    assert await differs(world, timedelta(minutes=5)) == {
        "pemudik_webhook_deliveries_pending": {None: 6},
        "pemudik_webhook_oldest_due_seconds": {None: 300},
        "pemudik_webhooks_failing_seconds": {"djka": 300},
    }
    await world.run("UPDATE webhook SET disabled_at = now(), disabled_because = 'GONE' WHERE url = 'https://alive'")
    assert (await differs(world, timedelta(minutes=5)))["pemudik_webhook_deliveries_pending"] == {None: 3}
    assert "pemudik_webhook_oldest_due_seconds" not in await differs(world, timedelta(minutes=5))


async def test_imports(world: World) -> None:
    for state, minutes in (("QUEUED", 1), ("QUEUED", 3), ("RUNNING", 9), ("DONE", 20)):
        await world.run(
            """INSERT INTO import_job (id, organizer_code, season, mode, dry_run, covers, extension, state, created_at,
                                       finished_at, runner, lease_until)
               VALUES (:id, 'djka', 2026, 'UPSERT', false, '{}', 'xlsx', :state, :at, :finished_at, :runner, :until)""",
            id=uuid7(),
            state=state,
            at=NOW - timedelta(minutes=minutes),
            finished_at=NOW if state == "DONE" else None,
            runner=uuid7() if state == "RUNNING" else None,
            until=NOW if state == "RUNNING" else None,
        )
    await world.run(
        """UPDATE import_job SET results = '{"NEW": 2, "STALE": 1, "REFUSED": 3}',
                                 codes = '{"STALE": 1, "NIK_INVALID": 3}', dry_run = state = 'QUEUED'"""
    )
    assert await differs(world) == {
        "pemudik_import_rows": {"NEW": 4, "STALE": 2, "NIK_INVALID": 6},
        "pemudik_import_jobs": {"QUEUED": 2, "RUNNING": 1},
        "pemudik_import_oldest_queued_seconds": {None: 180},
    }


async def test_a_deadline_that_nobody_has_swept(world: World) -> None:
    route_id = await world.route()
    record = await world.registered(someone(HUBDAT, route_id))
    assert record.verify_by is not None
    await world.put(record.id, verify_by=NOW - timedelta(seconds=45))
    assert await differs(world) == {"pemudik_verification_overdue_seconds": {None: 45}}
    await world.close()
    assert await differs(world) == {}
