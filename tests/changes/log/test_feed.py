"""The feed: pages of settled changes in one order, by cursors that are good for ever."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st

from app.changes.log import cursors, feed, projection
from app.changes.log.cursors import InvalidCursor
from app.changes.log.feed import START, FeedPage, Gone, Position
from app.db import Session
from app.graphql.paging import cursor_of
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.amending.corrections import Correction, correct
from app.registry.change_log import Entry
from app.registry.erasure import erase
from app.registry.registrants import motorcycles
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from tests import queries
from tests.changes.conftest import settled, tell
from tests.examples import given
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio


async def page(
    world: World, organizers: Collection[str] | None, after: Position = START, *, most: int = 100
) -> FeedPage:
    async with world.database.transaction() as session:
        return await feed.page(session, organizers, after, most=most)


async def people(world: World, *callers: Any) -> list[UUID]:
    """A registrant of each."""
    return [
        (await world.registered(someone(caller, await world.route(f"{place}", organizer=caller.organizer), place))).id
        for place, caller in enumerate(callers, start=1)
    ]


def told(page: FeedPage) -> list[tuple[UUID, str | None]]:
    return [(item.registrant.id, item.change.reason) for item in page.items]


# --- cursors ----------------------------------------------------------------------------------------------------------


MARKS = st.none() | st.tuples(st.binary(min_size=8, max_size=8), st.datetimes(timezones=st.just(UTC)))


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), MARKS)
def test_a_cursor_is_a_position_and_nothing_else_is(
    xact_id: int, change_id: int, marked: tuple[bytes, datetime] | None
) -> None:
    position = Position(xact_id, change_id, *(marked or (None, None)))
    cursor = cursors.cursor(position)
    read = cursors.position(cursor)
    assert (read, read.mark, read.at) == (position, position.mark, position.at)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    for broken in (cursor[:-1], cursor + "A", cursor + "=", f" {cursor}", cursor.swapcase() + "!", cursor[1:]):
        with pytest.raises(InvalidCursor):
            cursors.position(broken)


@pytest.mark.parametrize(
    "given",
    [
        "1",
        "ä" * 23,
        cursor_of(uuid4()),
        urlsafe_b64encode(b"\x02" + bytes(16)).decode().rstrip("="),
        urlsafe_b64encode(b"\x02" + bytes(24) + b"\x7f" + b"\xff" * 7).decode().rstrip("="),
        urlsafe_b64encode(b"\x01" + b"\xff" * 8 + bytes(8)).decode().rstrip("="),
        urlsafe_b64encode(b"\x01" + bytes(8) + b"\xff" * 8).decode().rstrip("="),
    ],
    ids=[
        "a number",
        "not ASCII",
        "of another list",
        "without its mark",
        "at no time",
        "negative transaction",
        "negative id",
    ],
)
def test_what_is_no_cursor_of_the_feed(given: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.position(given)


# --- pages ------------------------------------------------------------------------------------------------------------


async def test_everything_that_happens_to_a_registrant_and_nothing_else(world: World) -> None:
    """Its status is told only where it changed."""
    truck = await world.route("truck", service="MOTORCYCLE")
    one = await world.registered(someone(HUBDAT, truck, motorcycle=Motorcycle("B 1 XX", "1")))
    ref = Ref(id=one.id)
    async with world.database.transaction() as session:
        await correct(session, world.vault, HUBDAT, ref, Correction(reason="Salah ketik", name="Nama Benar"), NOW)
        await motorcycles.hand_over(session, world.vault, HUBDAT, [ref], None, NOW)
        moved = Entry(
            kind=ChangeKind.REGISTRANT_REROUTED,
            season=2026,
            organizer="hubdat",
            registrant_id=one.id,
            route_id=truck,
            from_status="REGISTERED",
            to_status="REGISTERED",
        )
        await change_log.append(
            session,
            [moved, Entry(kind=ChangeKind.NIK_BLOCKED, season=2026, organizer="hubdat", registrant_id=one.id)],
            NOW,
        )
        await change_log.append(
            session,
            [Entry(kind=ChangeKind.DUPLICATE_REFUSED, season=2026, organizer="hubdat", registrant_id=one.id)],
            NOW,
        )
        await erase(session, world.vault, HUBDAT, ref, "Permintaan pemilik", NOW)
    await settled(world)
    expected = [
        ("REGISTRANT_MOVED", None, "REGISTERED", None),
        # The reason has gone with the person; that of the erasure stays until the season's purge.
        ("REGISTRANT_CORRECTED", None, None, None),
        ("MOTORCYCLE_HANDED_OVER", None, None, None),
        ("REGISTRANT_REROUTED", None, None, None),
        ("REGISTRANT_MOVED", "REGISTERED", "CANCELLED", "Permintaan pemilik"),
        ("REGISTRANT_ERASED", None, None, "Permintaan pemilik"),
    ]
    found = [item.change for item in (await page(world, None)).items]
    assert [(one.kind, one.from_status, one.to_status, one.reason) for one in found] == expected
    assert {one.at for one in found} == {NOW}
    async with world.database.transaction() as session:
        assert await feed.histories(session, [uuid4(), one.id]) == [[], found]


async def test_some_organizers_changes_are_one_sequence(world: World) -> None:
    [ours, members, others] = await people(world, JASA_RAHARJA, BUMN, DJKA)
    for number in range(3):
        await tell(world, members, f"member {number}", organizer="bumn-satu")
        await tell(world, others, f"other {number}", organizer="djka")
        await tell(world, ours, f"own {number}", organizer="jasa-raharja")
    await settled(world)
    both = [(one, f"{whose} {number}") for number in range(3) for one, whose in ((members, "member"), (ours, "own"))]
    whole = await page(world, JASA_RAHARJA.organizers)
    assert told(whole) == [(ours, None), (members, None), *both]
    assert told(await page(world, {"djka"})) == [(others, None), *((others, f"other {number}") for number in range(3))]
    assert len((await page(world, None)).items) == 12
    assert told(await page(world, [])) == []
    assert {item.registrant.organizer for item in whole.items} == {"jasa-raharja", "bumn-satu"}


@pytest.mark.parametrize("most", [1, 3, 10, 11])
@pytest.mark.parametrize("organizers", [None, ["hubdat"]])
async def test_page_by_page_it_is_the_same(world: World, organizers: list[str] | None, most: int) -> None:
    [one] = await people(world, HUBDAT)
    await tell(world, one, *"abcde")
    await tell(world, one, *"fghi")
    await settled(world)
    seen, after = [], START
    while True:
        found = await page(world, organizers, after, most=most)
        assert found.more == (len(found.items) == most)
        seen += [reason for _, reason in told(found)]
        after = found.end
        if not found.more:
            break
    assert seen == [None, *"abcdefghi"]
    await tell(world, one, "j")
    await settled(world)
    assert told(await page(world, organizers, after)) == [(one, "j")]


async def test_the_end_of_an_empty_page_goes_on_without_what_was_passed_over(world: World) -> None:
    [one, other] = await people(world, HUBDAT, DJKA)
    await settled(world)
    end = (await page(world, ["hubdat"])).end
    await tell(world, other, *"abc", organizer="djka")
    await settled(world)
    empty = await page(world, ["hubdat"], end)
    assert (told(empty), empty.more) == ([], False)
    assert empty.end > end
    await tell(world, one, "d")
    await settled(world)
    assert told(await page(world, ["hubdat"], empty.end)) == [(one, "d")]


@pytest.mark.parametrize("change_id", [0, 1])
async def test_a_position_that_the_log_has_not_come_to_is_gone(world: World, change_id: int) -> None:
    async with world.database.transaction() as session:
        end = await feed.horizon(session)
    with pytest.raises(Gone):
        await page(world, None, Position(end.xact_id + 1_000_000_000, change_id))


async def test_a_cursor_of_version_0_3_stays_good_while_a_row_is_there(world: World) -> None:
    """It has no mark; that of an empty page has no row, either."""
    [one] = await people(world, HUBDAT)
    await tell(world, one, "a")
    await settled(world)
    first = (await page(world, None)).items[0].change.position
    for old in (Position(first.xact_id, first.id), Position(first.xact_id + 1, 0)):
        assert told(await page(world, None, cursors.position(cursors.cursor(old)))) == [(one, "a")]
    with pytest.raises(Gone):
        await page(world, None, Position(first.xact_id, first.id + 1_000_000))


async def test_a_cursor_of_a_row_without_a_mark_stands_on_it(world: World) -> None:
    """Rows are older than marks where the log is."""
    [one] = await people(world, HUBDAT)
    async with world.database.transaction() as session:
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        await queries.run(session, "UPDATE change SET mark = NULL")
    await tell(world, one, "a")
    await settled(world)
    bare = (await page(world, None)).items[0].change.position
    assert bare.mark == bytes(8)
    assert told(await page(world, None, cursors.position(cursors.cursor(bare)))) == [(one, "a")]


async def test_a_cursor_stands_on_its_own_row_and_on_no_other_at_its_place(world: World) -> None:
    """And the last place that both histories share is told: a minute before what was lost, and nothing is missed."""
    [one] = await people(world, HUBDAT)
    for minute, reason in enumerate(("shared", "shared and told again", "lost"), start=1):
        await tell(world, one, reason, at=NOW + 0.9 * minute * timedelta(minutes=1))
    await settled(world)
    *_, last_shared, again, lost = [item.change.position for item in (await page(world, None)).items]
    cursor = cursors.position(cursors.cursor(lost))
    async with world.database.transaction() as session:
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        await queries.run(
            session,
            (
                "UPDATE change SET mark = uuid_send(gen_random_uuid()), at = at + interval '1 hour', reason = 'new'"
                " WHERE reason = 'lost'"
            ),
        )
    with pytest.raises(Gone) as gone:
        await page(world, None, cursor)
    async with world.database.transaction() as session:
        shared = await cursors.last_shared(session, gone.value.position)
        assert await cursors.last_shared(session, Position(lost.xact_id, lost.id)) == START
    assert shared == last_shared
    assert told(await page(world, None, shared)) == [(one, "shared and told again"), (one, "new")]
    assert told(await page(world, None, again)) == [(one, "new")]


# --- what is not settled ----------------------------------------------------------------------------------------------


async def test_nothing_is_shown_before_what_may_yet_come_before_it(world: World) -> None:
    [one, other] = await people(world, HUBDAT, DJKA)
    await settled(world)
    after = (await page(world, None)).end
    async with world.database.transaction() as older:
        entry = Entry(
            kind=ChangeKind.REGISTRANT_CORRECTED, season=2026, organizer="djka", registrant_id=other, reason="older"
        )
        await change_log.append(older, [entry], NOW)
        await tell(world, one, "younger")
        waiting = await page(world, None, after)
        assert (told(waiting), waiting.more, waiting.held_back) == ([], False, True)
        assert told(await page(world, ["hubdat"], after)) == []
    await settled(world)
    assert told(await page(world, None, after)) == [(other, "older"), (one, "younger")]
    assert told(await page(world, None, waiting.end)) == [(other, "older"), (one, "younger")]


async def test_who_goes_on_from_a_change_it_has_just_made_misses_nothing(world: World) -> None:
    """Its own history shows a change before the feed does."""
    [one, other] = await people(world, HUBDAT, HUBDAT)
    await settled(world)
    async with world.database.transaction() as older:
        entry = Entry(
            kind=ChangeKind.REGISTRANT_CORRECTED, season=2026, organizer="hubdat", registrant_id=other, reason="older"
        )
        await change_log.append(older, [entry], NOW)
        await tell(world, one, "just made")
        async with world.database.transaction() as session:
            [[_, own]] = await feed.histories(session, [one])
        assert own.reason == "just made"
    await settled(world)
    assert told(await page(world, ["hubdat"], own.position)) == [(other, "older"), (one, "just made")]
    async with world.database.transaction() as session:
        [[_, own]] = await feed.histories(session, [one])
    assert told(await page(world, ["hubdat"], own.position)) == []


# --- what it costs ----------------------------------------------------------------------------------------------------

_MANY = """
    INSERT INTO change (at, kind, season, organizer_code, registrant_id)
    SELECT :now, 'REGISTRANT_CORRECTED', 2026, CASE WHEN n % 2500 = 0 THEN 'djka' ELSE 'hubdat' END,
           CASE WHEN n % 2500 = 0 THEN CAST(:rare AS uuid) ELSE CAST(:common AS uuid) END
    FROM generate_series(1, 20000) n
"""


@asynccontextmanager
async def reading(session: Session, *, most: int) -> AsyncIterator[None]:
    """What happens inside reads the log by its indexes, and so many rows of it at most."""
    statement = (
        "SELECT sum(seq_scan)::int, sum(idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname = 'change'"
    )
    [scans, rows] = await queries.row(session, statement)
    yield
    [scans_then, rows_then] = await queries.row(session, statement)
    assert scans_then == scans
    assert rows_then - rows <= most


@pytest.mark.parametrize("organizers", [["djka"], ["djka", "bumn-satu"], None])
async def test_little_is_read_however_long_the_log_is(world: World, organizers: list[str] | None) -> None:
    """To find its end as well, and from there nothing: with the plan that serves for all values."""
    [rare, common] = await people(world, DJKA, HUBDAT)
    await world.run(_MANY, now=NOW, rare=rare, common=common)
    await world.run("ANALYZE change")
    await settled(world)
    async with world.database.transaction() as session:
        async with reading(session, most=3):
            end = await feed.horizon(session)
        for after, count in ((START, 9), (end, 0)):
            async with reading(session, most=2 * count + 3):
                found = await feed.page(session, organizers, after, most=9)
            assert len(found.items) == count


async def test_little_is_read_to_find_whether_there_is_news(world: World) -> None:
    [rare, common] = await people(world, DJKA, HUBDAT)
    await world.run(_MANY, now=NOW, rare=rare, common=common)
    await world.run("ANALYZE change")
    await settled(world)
    async with world.database.transaction() as session:
        end = await feed.horizon(session)
        for after, there_is in ((START, True), (end, False)):
            async with reading(session, most=6):
                news = await projection.news(session, after)
            assert news.settled == there_is
