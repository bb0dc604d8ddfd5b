"""Reopening many: by route, booking or cause, in pages, and as a dry run that changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.models.enums import RegistrantStatus
from app.registry.undo import bulk
from app.registry.undo.bulk import Cause, Where
from tests.world import DJKA, DKI, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
REASON = "Gangguan sistem"
HOUR = timedelta(hours=1)


async def page(world: World, now: Any = NOW, **asked: Any) -> Any:
    how = {name: asked.pop(name) for name in ("after", "dry_run") if name in asked}
    return await world.database.attempt(
        lambda session: bulk.reopen_all(session, world.vault, HUBDAT, Where(**asked), REASON, now, **how)
    )


def told(found: bulk.ReopenedPage) -> list[str]:
    return [getattr(one, "code", None) or one.status for one in found.verdicts]  # type: ignore[union-attr]


async def test_a_route(world: World) -> None:
    route, other = await world.route(quota=2), await world.route("lain")
    left = [await world.verified(someone(HUBDAT, route, number)) for number in (1, 2)]
    elsewhere = await world.verified(someone(HUBDAT, other, 3))
    after = LEAVES + 3 * HOUR
    assert (await world.sweep(after)).no_shows == 3
    async with world.unchanged():
        tried = await page(world, after, route_id=route, dry_run=True)
    assert told(tried) == ["VERIFIED", "VERIFIED"]
    done = await page(world, after, route_id=route)
    assert (done.ids, told(done), done.next) == (tried.ids, told(tried), None)
    assert sorted(done.ids) == sorted(one.id for one in left)
    assert await world.status(elsewhere.id) == "NO_SHOW"
    assert (await page(world, after, route_id=route)).ids == []


async def test_a_booking(world: World) -> None:
    route = await world.route()
    family = [await world.registered(someone(HUBDAT, route, number, reference="BK-1")) for number in (1, 2, 3)]
    alike = await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 4, reference="BK-1"))
    for one, caller in [*((one, HUBDAT) for one in family), (alike, DJKA)]:
        await world.moved(one.id, S.CANCELLED, caller)
    await world.registered(someone(DKI, await world.route("dki", organizer="dishub-dki"), 2))
    found = await page(world, organizer="hubdat", reference="BK-1")
    assert told(found) == ["REGISTERED", "NIK_ALREADY_REGISTERED", "REGISTERED"]
    assert await world.status(alike.id) == "CANCELLED"


async def test_a_cause(world: World) -> None:
    """What a client of DJKA cancelled in one hour, and what the registry forfeited."""
    djka, hubdat = await world.route("d", organizer="djka"), await world.route()
    early = await world.registered(someone(DJKA, djka, 1))
    wrong = await world.registered(someone(DJKA, djka, 2))
    other = await world.registered(someone(DJKA, djka, 3))
    overdue = await world.registered(someone(HUBDAT, hubdat, 4))
    await world.moved(early.id, S.CANCELLED, DJKA)
    await world.moved(wrong.id, S.CANCELLED, DJKA, now=NOW + HOUR, reason="Salah kirim")
    await world.moved(other.id, S.CANCELLED, DJKA, now=NOW + HOUR, reason="Sakit")
    night = NOW + timedelta(days=8)
    assert (await world.sweep(night)).forfeited == 1
    cancelled: dict[str, Any] = {"status": "CANCELLED", "since": NOW + HOUR, "until": NOW + 2 * HOUR}
    by_reason = Cause(**cancelled, client="djka-test", reason="Salah kirim")
    assert (await page(world, night, cause=by_reason, dry_run=True)).ids == [wrong.id]
    assert (await page(world, night, cause=Cause(**cancelled, by_itself=True))).ids == []
    assert (await page(world, night, cause=Cause(**cancelled, client="hubdat-test"))).ids == []
    forfeited = Cause(status="FORFEITED", since=night, until=night + HOUR, by_itself=True)
    assert (await page(world, night, cause=forfeited, organizer="djka")).ids == []
    assert told(await page(world, night, cause=forfeited, organizer="hubdat")) == ["REGISTERED"]
    assert await world.status(overdue.id) == "REGISTERED"
    assert (await page(world, night, cause=Cause(**cancelled))).ids == [wrong.id, other.id]
    assert await world.status(early.id) == "CANCELLED"


async def test_pages_go_on_behind_the_last_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_TOGETHER", 2)
    route = await world.route(quota=4)
    people = [await world.registered(someone(HUBDAT, route, number)) for number in range(4)]
    for one in people[:3]:
        await world.moved(one.id, S.CANCELLED)
    await world.run("UPDATE route SET quota = 3")
    first = await page(world, route_id=route)
    assert (told(first), first.next) == (["REGISTERED", "REGISTERED"], people[1].id)
    second = await page(world, route_id=route, after=first.next)
    assert (told(second), second.next) == (["QUOTA_FULL"], None)


@pytest.mark.parametrize(
    ("asked", "field"),
    [({}, "where"), ({"organizer": "hubdat"}, "where"), ({"reference": "BK-1"}, "organizer")],
)
async def test_something_must_be_named(world: World, asked: dict[str, Any], field: str) -> None:
    refused = await page(world, **asked)
    assert (refused.code, refused.field) == ("INVALID_VALUE", field)
