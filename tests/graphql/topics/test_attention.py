"""`attention`: what waits for somebody. Hubdat sees everything, an organizer its own and its members', and no alarm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from app.clock import wib_day
from app.registry.clients.scopes import DASHBOARD_READ, REGISTRANTS_READ
from app.registry.statistics.attention import ALARM_SHOWN_FOR, MOST_SHOWN_OF_A_LIST
from tests.graphql.conftest import Api
from tests.intake.lists import as_csv, row, sent
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

ASK = """{ attention {
    openCases cases { id direction service openedAt holder { code } claimants { code } }
    failingWebhooks webhooks { failingSince disabledAt organizer { code } }
    runningImports imports { id dryRun rowsRead rowsDone createdAt startedAt waitsUntil organizer { code } }
    shortAllowances allowances { perDay used alarmedAt isShutOut organizer { code } } } }"""
NOTHING: dict[str, Any] = {"cases": [], "webhooks": [], "imports": [], "allowances": []}
NONE = {"failingWebhooks": 0, "runningImports": 0, "shortAllowances": 0}
HOUR = timedelta(hours=1)


async def asked(api: Api, organizer: str = "hubdat") -> Any:
    scopes = (REGISTRANTS_READ, DASHBOARD_READ) if organizer == "hubdat" else None
    return (await api.data(ASK, organizer=organizer, scopes=scopes))["attention"]


def codes(listed: list[dict[str, Any]]) -> list[str]:
    return [one["organizer"]["code"] for one in listed]


async def test_nothing_waits(world: World, api: Api) -> None:
    assert await asked(api) == NOTHING | NONE | {"openCases": 0}
    assert await asked(api, "djka") == NOTHING | NONE | {"openCases": None}


async def test_open_cases_are_told_to_hubdat_the_oldest_first(world: World, api: Api) -> None:
    routes = {one: await world.route(one.organizer, organizer=one.organizer) for one in (HUBDAT, DJKA, DKI)}
    for number in range(MOST_SHOWN_OF_A_LIST + 2):
        for caller, route in routes.items():
            await world.submit(someone(caller, route, number), now=NOW + number * HOUR)
    first = "(SELECT id FROM duplicate_case ORDER BY id LIMIT 1)"
    await world.run(f"UPDATE duplicate_case SET state = 'CONFIRMED', decided_at = :now WHERE id = {first}", now=NOW)
    seen = await asked(api)
    assert seen["openCases"] == MOST_SHOWN_OF_A_LIST + 1
    opened = [f"{NOW + number * HOUR:%FT%TZ}" for number in range(1, MOST_SHOWN_OF_A_LIST + 1)]
    assert [one["openedAt"] for one in seen["cases"]] == opened
    oldest = seen["cases"][0]
    assert (oldest["direction"], oldest["service"], oldest["holder"]) == ("MUDIK", "PASSENGER", {"code": "hubdat"})
    assert oldest["claimants"] == [{"code": "dishub-dki"}, {"code": "djka"}]
    assert (await asked(api, "djka"))["cases"] == []


async def webhook(world: World, organizer: str, **columns: Any) -> None:
    values = {"failing_since": None, "disabled_at": None, "disabled_because": None, "deleted_at": None} | columns
    await world.run(
        """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed, failing_since,
                                disabled_at, disabled_because, deleted_at)
           VALUES (:id, :organizer, :url, '{case.decided}', :now, :now,
                   CASE WHEN CAST(:deleted_at AS timestamptz) IS NULL THEN 'x'::bytea END,
                   :failing_since, :disabled_at, :disabled_because, :deleted_at)""",
        id=uuid7(),
        organizer=organizer,
        url=f"https://{organizer}.example/{len(await world.rows('webhook'))}/{uuid7()}",
        now=NOW,
        **values,
    )


async def test_webhooks_that_fail_come_before_those_that_are_given_up(world: World, api: Api) -> None:
    given_up = {"disabled_because": "FAILING", "failing_since": NOW - 9 * HOUR}
    await webhook(world, "hubdat", **given_up, disabled_at=NOW - 2 * HOUR)
    await webhook(world, "djka", **given_up, disabled_at=NOW - HOUR)
    await webhook(world, "dishub-dki", failing_since=NOW - HOUR)
    await webhook(world, "bumn-satu", failing_since=NOW - 3 * HOUR)
    await webhook(world, "djka")
    await webhook(world, "djka", failing_since=NOW, deleted_at=NOW)
    seen = await asked(api)
    assert seen["failingWebhooks"] == 4
    assert codes(seen["webhooks"]) == ["bumn-satu", "dishub-dki", "djka", "hubdat"]
    assert seen["webhooks"][0]["failingSince"] == f"{NOW - 3 * HOUR:%FT%TZ}"
    assert seen["webhooks"][0]["disabledAt"] is None
    assert seen["webhooks"][2]["disabledAt"] == f"{NOW - HOUR:%FT%TZ}"
    assert codes((await asked(api, "jasa-raharja"))["webhooks"]) == ["bumn-satu"]
    assert codes((await asked(api, "djka"))["webhooks"]) == ["djka"]
    for _ in range(MOST_SHOWN_OF_A_LIST):
        await webhook(world, "hubdat", failing_since=NOW)
    seen = await asked(api)
    assert (seen["failingWebhooks"], len(seen["webhooks"])) == (MOST_SHOWN_OF_A_LIST + 4, MOST_SHOWN_OF_A_LIST)


async def test_imports_that_are_not_finished(world: World, api: Api) -> None:
    jobs = [await sent(world, caller, as_csv([row(1)]), dry_run=caller is BUMN) for caller in (DJKA, BUMN, HUBDAT)]
    await world.run(
        "UPDATE import_job SET rows_read = 7, rows_done = 3, waits_until = :at WHERE dry_run", at=NOW + HOUR
    )
    seen = await asked(api)
    assert seen["runningImports"] == 3
    assert [one["id"] for one in seen["imports"]] == [str(job.id) for job in jobs]
    member = {"dryRun": True, "rowsRead": 7, "rowsDone": 3, "waitsUntil": f"{NOW + HOUR:%FT%TZ}", "startedAt": None}
    assert member.items() <= seen["imports"][1].items()
    await world.run("UPDATE import_job SET state = 'DONE', finished_at = :now WHERE NOT dry_run", now=NOW)
    assert codes((await asked(api))["imports"]) == ["bumn-satu"]
    assert codes((await asked(api, "jasa-raharja"))["imports"]) == ["bumn-satu"]
    assert (await asked(api, "djka"))["imports"] == []


async def used(world: World, organizer: str, **columns: Any) -> None:
    values = {"named": 0, "day": wib_day(NOW), "cut": False, "alarmed_at": None, "withheld": 0} | columns
    await world.run(
        """UPDATE nik_allowance SET named = :named, day = :day, cut = :cut, alarmed_at = :alarmed_at, set_per_day = 100,
               withheld = :withheld
           WHERE organizer_code = :organizer""",
        organizer=organizer,
        **values,
    )


async def test_allowances_that_are_half_used_and_alarms(world: World, api: Api) -> None:
    await used(world, HUBDAT.organizer, named=49)
    await used(world, DJKA.organizer, named=50)
    await used(world, DKI.organizer, named=120)
    await used(world, JASA_RAHARJA.organizer, named=3, alarmed_at=NOW - HOUR)
    await used(world, BUMN.organizer, named=100, day=wib_day(NOW) - timedelta(days=1))
    seen = await asked(api)
    assert seen["shortAllowances"] == 3
    assert codes(seen["allowances"]) == ["jasa-raharja", "dishub-dki", "djka"]
    told = {"perDay": 100, "used": 3, "alarmedAt": f"{NOW - HOUR:%FT%TZ}"}
    assert told.items() <= seen["allowances"][0].items()
    # No organizer learns that it is watched.
    assert (await asked(api, "jasa-raharja"))["allowances"] == []
    await used(world, JASA_RAHARJA.organizer, named=60, alarmed_at=NOW - HOUR)
    [own] = (await asked(api, "jasa-raharja"))["allowances"]
    assert own["alarmedAt"] is None
    await used(world, JASA_RAHARJA.organizer, cut=True, named=1, alarmed_at=NOW - ALARM_SHOWN_FOR)
    [_, _, cut] = (await asked(api))["allowances"]
    assert (cut["perDay"], cut["used"], cut["alarmedAt"]) == (100, 50, None)


async def test_whoever_is_shut_out_stands_before_all_but_alarms(world: World, api: Api) -> None:
    """Also where Hubdat gave it none at all."""
    await used(world, DKI.organizer, named=120, withheld=99)
    await used(world, DJKA.organizer, named=100, withheld=100)
    await used(world, BUMN.organizer, withheld=1)
    await world.run("UPDATE nik_allowance SET set_per_day = 0 WHERE organizer_code = 'bumn-satu'")
    await used(world, HUBDAT.organizer, named=100, withheld=100, day=wib_day(NOW) - timedelta(days=1))
    await used(world, JASA_RAHARJA.organizer, alarmed_at=NOW - HOUR)
    seen = (await asked(api))["allowances"]
    assert [(one["organizer"]["code"], one["isShutOut"]) for one in seen] == [
        ("jasa-raharja", False),
        ("djka", True),
        ("bumn-satu", True),
        ("dishub-dki", False),
    ]
    assert [one["isShutOut"] for one in (await asked(api, "djka"))["allowances"]] == [True]
