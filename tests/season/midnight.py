"""What must be true at every midnight of a season, whatever people have done by then."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from io import StringIO
from typing import Any

from tests.changes.counting import count_all, differences
from tests.patience import patience
from tests.season.cast import WINDOWS
from tests.season.stage import COORDINATOR, Stage

NOBODY = {
    "a seat is taken that nobody holds, or held and not taken": """
        SELECT route.name, route.taken, count(r.id) FROM route LEFT JOIN registrant r
            ON r.route_id = route.id AND NOT r.lap_infant
            AND r.status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
            AND (r.status <> 'NO_SHOW' OR route.departs_at IS NOT NULL)
        GROUP BY route.id HAVING route.taken <> count(r.id)""",
    "a route is oversold": "SELECT name FROM route WHERE taken > quota",
    "a NIK is held twice": """
        SELECT direction, service FROM registrant
        WHERE status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
        GROUP BY season, nik_index, direction, service HAVING count(*) > 1""",
    "a return stands whose way home has ended": """
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE home.status IN ('CANCELLED', 'FORFEITED') AND back.status IN ('REGISTERED', 'VERIFIED', 'DEPARTED')""",
    "one leg is verified and the other waits": """
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE (home.status = 'REGISTERED' AND back.status = 'VERIFIED')
           OR (back.status = 'REGISTERED' AND home.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW'))""",
    "the legs of a trip have two deadlines": """
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE home.status = 'REGISTERED' AND back.status = 'REGISTERED'
          AND home.verify_by IS DISTINCT FROM back.verify_by""",
    "somebody is blocked of whom the same organizer verified something": """
        SELECT gone.id FROM nik_block block JOIN registrant gone ON gone.id = block.registrant_id
            JOIN registrant other ON other.season = gone.season AND other.organizer_code = gone.organizer_code
                AND (other.nik_index = block.nik_index OR gone.outbound_id = other.id OR other.outbound_id = gone.id)
        WHERE block.lifted_at IS NULL AND other.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW')""",
}
"""What no row may say. Each statement finds the rows that say it."""

COUNTED = {
    name: f"status = '{status}' AND NOT lap_infant"
    for name, status in {
        "registered": "REGISTERED",
        "verified": "VERIFIED",
        "departed": "DEPARTED",
        "forfeited": "FORFEITED",
        "cancelled": "CANCELLED",
        "noShow": "NO_SHOW",
    }.items()
} | {"lapInfants": "lap_infant AND status NOT IN ('CANCELLED', 'FORFEITED')"}
"""The figures, and whom each of them counts."""


async def check(stage: Stage) -> None:
    wrong = {what: [tuple(row) for row in await stage.world.run(sql)] for what, sql in NOBODY.items()}
    assert {what: rows for what, rows in wrong.items() if rows} == {}
    await _nobody_aboard_is_a_no_show(stage)
    await count_all(stage.world.database)
    async with stage.world.database.transaction() as session:
        found = await differences(session)
    assert found == {}, found
    await _the_figures_are_the_table(stage)
    for organizer in WINDOWS:
        await _the_export_is_the_table(stage, organizer)


class Follower:
    """Follows the feed as Hubdat's dashboard does, and knows from it alone where everybody stands."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.statuses: dict[str, str] = {}

    async def catch_up(self, stage: Stage) -> None:
        query = """query ($after: String) { changes(first: 200, after: $after) {
            nodes { from to registrant { id } } pageInfo { hasNextPage endCursor } } }"""
        more = True
        while more:
            page = (await stage.api.data(query, {"after": self.cursor}))["changes"]
            for change in page["nodes"]:
                self._follow(change)
            self.cursor = page["pageInfo"]["endCursor"] or self.cursor
            more = page["pageInfo"]["hasNextPage"]

    def _follow(self, change: dict[str, Any]) -> None:
        registrant = change["registrant"]["id"]
        if change["to"] is not None:
            assert self.statuses.get(registrant) == change["from"], change
            self.statuses[registrant] = change["to"]

    async def check(self, stage: Stage) -> None:
        await self.catch_up(stage)
        stored = {str(row.id): row.status for row in await stage.world.run("SELECT id, status FROM registrant")}
        # A change is in the feed once every older transaction has ended, also one of PostgreSQL's own (ANALYZE).
        async with patience():
            while self.statuses != stored:
                await asyncio.sleep(0.02)
                await self.catch_up(stage)


async def _nobody_aboard_is_a_no_show(stage: Stage) -> None:
    rows = await stage.world.run(
        "SELECT organizer_code, nik_index, direction, service FROM registrant WHERE status = 'NO_SHOW'"
    )
    absent = {tuple(row) for row in rows}
    index = stage.world.vault.blind_index
    aboard = {(organizer, index(nik), *way) for organizer, nik, *way in stage.aboard}
    assert absent & aboard == set()


async def _the_export_is_the_table(stage: Stage, organizer: str) -> None:
    token = await stage.api.token(COORDINATOR.get(organizer, organizer))
    answer = await stage.api.http.get(
        "/export.csv", params={"organizer": organizer, "season": 2024}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    rows = csv.DictReader(StringIO(answer.text.removeprefix("\ufeff")), delimiter=";")
    index = stage.world.vault.blind_index
    told = Counter(
        (index(row["data_nik"]), row["tipe_keberangkatan"], row["status_pemesanan_code"])
        for row in rows
        if row["source"] == organizer
    )
    stored = await stage.world.run(
        """SELECT nik_index, direction, status FROM registrant
           WHERE organizer_code = :organizer AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED')""",
        organizer=organizer,
    )
    codes = {"REGISTERED": "1", "VERIFIED": "2", "DEPARTED": "3"}
    assert told == Counter((row.nik_index, f"Arus {row.direction.lower()}", codes[row.status]) for row in stored)


async def _the_figures_are_the_table(stage: Stage) -> None:
    """As anybody reads them, by GraphQL."""
    counts = ", ".join(COUNTED)
    query = f"""{{ statistics(where: {{ season: 2024 }}) {{ total {{ {counts} }}
        byOrganizer {{ organizer {{ code }} counts {{ {counts} }} }}
        byDirection {{ direction counts {{ {counts} }} }} byService {{ service counts {{ {counts} }} }} }} }}"""
    told = (await stage.api.data(query))["statistics"]
    columns = ", ".join(f'count(*) FILTER (WHERE {condition}) AS "{name}"' for name, condition in COUNTED.items())
    for told_as, column in (("byOrganizer", "organizer_code"), ("byDirection", "direction"), ("byService", "service")):
        stored = await stage.world.run(f"SELECT {column} AS key, {columns} FROM registrant GROUP BY 1")
        expected = {row.key: {name: getattr(row, name) for name in COUNTED} for row in stored}
        found = {_key(one): one["counts"] for one in told[told_as] if any(one["counts"].values())}
        assert found == expected, told_as
        assert told["total"] == {name: sum(one[name] for one in expected.values()) for name in COUNTED}


def _key(one: dict[str, Any]) -> str:
    """Of what these counts are."""
    [key] = (value for name, value in one.items() if name != "counts")
    return str(key["code"] if isinstance(key, dict) else key)
