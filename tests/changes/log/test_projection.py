"""A projection takes in each change once: after a crash in the middle, and with several runners at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import pytest
import structlog

from app.changes.log import projection
from app.changes.log.feed import AFTER, IN_ORDER, SETTLED, Position
from app.changes.log.projection import KnownPosition, Projection
from app.db import Session
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.change_log import Entry
from tests import queries
from tests.metrics.test_page import value
from tests.patience import patience
from tests.world import NOW, World, build

pytestmark = pytest.mark.anyio

_NEXT = (
    f"SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id, c.reason FROM change c"
    f" WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT 3"
)


@pytest.fixture
async def world(database: object, vault: object) -> AsyncIterator[World]:
    world = await build(database, vault)  # type: ignore[arg-type]
    await world.run("CREATE TABLE taken_in (place bigint GENERATED ALWAYS AS IDENTITY, reason text)")
    yield world
    await world.run("DROP TABLE taken_in")


async def step(session: Session, after: Position, now: datetime) -> Position | None:
    rows = await queries.run(session, _NEXT, after.values())
    for row in rows:
        await queries.run(session, "INSERT INTO taken_in (reason) VALUES (:reason)", {"reason": row.reason})
    return Position(rows[-1].xact_id, rows[-1].id) if rows else None


COPY = Projection("copy", step)


async def append(world: World, *reasons: str) -> None:
    async with world.database.transaction() as session:
        await change_log.append(
            session, [Entry(kind=ChangeKind.SEASON_PURGED, reason=reason) for reason in reasons], NOW
        )


async def taken_in(world: World) -> list[str]:
    return [row.reason for row in await world.run("SELECT reason FROM taken_in ORDER BY place")]


async def until(world: World, expected: list[str]) -> None:
    async with patience():
        while await taken_in(world) != expected:  # noqa: ASYNC110 - the database is looked at from outside
            await asyncio.sleep(0.02)


async def follow(world: World, *projections: Projection) -> tuple[asyncio.Event, list[asyncio.Task[None]]]:
    stop = asyncio.Event()
    return stop, [asyncio.create_task(projection.keep(world.database, one, stop)) for one in projections]


async def test_several_runners_take_in_each_change_once_and_in_order(world: World) -> None:
    stop, runners = await follow(world, COPY, COPY, COPY)
    expected = [str(number) for number in range(40)]
    for number in expected:
        await append(world, number)
    await until(world, expected)
    stop.set()
    await asyncio.gather(*runners)
    [(position, newest)] = await world.run(
        "SELECT change_id, (SELECT max(id) FROM change) FROM projection WHERE name = 'copy'"
    )
    assert position == newest


async def test_a_step_that_fails_leaves_nothing_and_is_taken_again(world: World) -> None:
    failures = iter([True, True, False, False, False])

    async def unlucky(session: Session, after: Position, now: datetime) -> Position | None:
        reached = await step(session, after, now)
        if next(failures):
            raise ZeroDivisionError
        return reached

    await append(world, *"abcd")
    [runner] = (await follow(world, Projection("unlucky", unlucky)))[1]
    with pytest.raises(ZeroDivisionError):
        await runner
    assert await taken_in(world) == []
    [again] = (await follow(world, Projection("unlucky", unlucky)))[1]
    with pytest.raises(ZeroDivisionError):
        await again
    stop, [last] = await follow(world, Projection("unlucky", unlucky))
    await until(world, list("abcd"))
    stop.set()
    await last


async def test_what_an_older_transaction_holds_back_comes_as_soon_as_it_ends(world: World) -> None:
    stop, [runner] = await follow(world, COPY)
    async with world.database.transaction() as older:
        await queries.run(older, "SELECT pg_current_xact_id()")
        await append(world, "held back")
        await asyncio.sleep(0.1)
        assert await taken_in(world) == []
    await until(world, ["held back"])
    stop.set()
    await runner


async def test_a_process_says_that_what_was_taken_in_is_lost(world: World) -> None:
    """A standby took over that had neither the changes nor what the projection made of them."""
    stop, known = asyncio.Event(), KnownPosition()
    counted = value("pemudik_log_lost_total", projection="copy") or 0
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(projection.keep(world.database, COPY, stop, known))
        await append(world, "kept")
        await until(world, ["kept"])
        [before] = await world.run("SELECT xact_id::text, change_id FROM projection WHERE name = 'copy'")
        await append(world, "lost")
        await until(world, ["kept", "lost"])
        await looked(world, known)
        lost = await lose(world, before)
        await append(world, "new")
        await until(world, ["kept", "new"])
        stop.set()
        world.database.followers.rouse()
        await running
    said = {"event": "projection.lost", "log_level": "error", "projection": "copy", "change": lost, "at": NOW}
    assert [one for one in logs if one["event"] == "projection.lost"] == [said]
    assert value("pemudik_log_lost_total", projection="copy") == counted + 1


async def test_whoever_kept_it_notices_a_loss_where_another_process_keeps_it_now(world: World) -> None:
    stop, known = asyncio.Event(), KnownPosition()
    with structlog.testing.capture_logs() as logs:
        await projection.notice_loss(world.database, {"copy": known})
        running = asyncio.create_task(projection.keep(world.database, COPY, stop, known))
        await append(world, "kept")
        await until(world, ["kept"])
        [before] = await world.run("SELECT xact_id::text, change_id FROM projection WHERE name = 'copy'")
        await append(world, "lost")
        await until(world, ["kept", "lost"])
        await looked(world, known)
        stop.set()
        world.database.followers.rouse()
        await running
        await projection.notice_loss(world.database, {"copy": known})
        assert logs == []
        lost = await lose(world, before)
        await projection.notice_loss(world.database, {"copy": known})
        # It is told once.
        await projection.notice_loss(world.database, {"copy": known})
    assert [(one["event"], one["change"]) for one in logs] == [("projection.lost", lost)]


async def looked(world: World, known: KnownPosition) -> None:
    """A keeper knows a change when it has looked behind it."""
    reached = "SELECT change_id FROM projection WHERE name = 'copy'"
    async with patience():
        while known.position.id != await world.one(reached):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def lose(world: World, before: Sequence[Any]) -> int:
    """What a standby has that lacks the last change. Answers its id."""
    async with world.database.transaction() as session:
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        [lost] = await queries.column(session, "DELETE FROM change WHERE reason = 'lost' RETURNING id")
        await queries.run(session, "DELETE FROM taken_in WHERE reason = 'lost'")
        await queries.run(
            session,
            ("UPDATE projection SET xact_id = CAST(CAST(:xact AS text) AS xid8), change_id = :id WHERE name = 'copy'"),
            {"xact": str(before[0]), "id": before[1]},
        )
    return int(lost)
