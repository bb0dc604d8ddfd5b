"""A guessed name is never confirmed: whatever an organizer sends, what it is answered, and what it sees afterwards, is
the same to the byte for the right name of another organizer's person and for a wrong one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from typing import Any

import openpyxl
import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from app.changes.log import feed
from app.changes.webhooks import announcing, events
from app.changes.webhooks.announcing import CHANGE, ChangeRow, change_of
from app.models.enums import CaseState, ImportChanges, WebhookEvent
from app.registry import case_decisions
from app.registry.registrants import cases
from app.sql import statement
from tests import world as worlds
from tests.changes.counting import count_all
from tests.databases import Cleaner
from tests.graphql.conftest import EVERYDAY, Api
from tests.graphql.live.serving import Live
from tests.intake.lists import as_csv, as_xlsx, row, sent, worked_off
from tests.privacy.aims import AIMS, Target, few
from tests.privacy.people import Person, Society
from tests.privacy.test_following import heard
from tests.privacy.test_isolation import sent as as_sent
from tests.privacy.walking import Walk
from tests.world import DJKA, NOW

pytestmark = pytest.mark.anyio

WRONG = "Orang Lain Sekali"
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CURSORS = re.compile(r'"A[\w-]{20,}"')
KINDS = ("registered", "verified", "departed", "pair", "motorcycle")


def taking_names(schema: GraphQLSchema) -> set[str]:
    """The root fields that take the name of a person: of an input with a NIK, or of a file of rows."""
    assert schema.mutation_type is not None
    assert schema.query_type is not None
    roots = schema.mutation_type.fields | schema.query_type.fields
    return {name for name, one in roots.items() if any(_names(get_named_type(arg.type)) for arg in one.args.values())}


def _names(type_: Any, depth: int = 0) -> bool:
    if type_.name == "Upload":
        return True
    if not isinstance(type_, GraphQLInputObjectType) or depth > 3:
        return False
    below = (_names(get_named_type(one.type), depth + 1) for one in type_.fields.values())
    return {"nik", "name"} <= type_.fields.keys() or any(below)


def renamed(asked: Any, names: dict[str, str]) -> Any:
    """`asked`, with the name of each NIK that stands in `names`, beside the NIK."""
    if isinstance(asked, list):
        return [renamed(one, names) for one in asked]
    if not isinstance(asked, dict):
        return asked
    found = {name: renamed(value, names) for name, value in asked.items()}
    nik = found.get("nik")
    return found | ({"name": names[nik]} if isinstance(nik, str) and nik in names else {})


def plain(text: str, names: dict[str, str]) -> str:
    """Without ids, cursors, and the names that were sent."""
    for name in sorted(names.values()):
        text = text.replace(name, "NAME")
    return CURSORS.sub('"CURSOR"', UUIDS.sub("ID", text))


async def test_the_walk_covers_every_field_that_takes_a_name(walk: Walk) -> None:
    assert taking_names(walk.schema) == {
        "submitRegistrant",
        "submitRegistrants",
        "submitBooking",
        "correctRegistrant",
        "importRegistrants",
    }


class Guess:
    """DJKA sends DKI's people under `names`, by every door, and both look at what they may see."""

    def __init__(self, api: Api, society: Society, walk: Walk, people: list[Person], names: dict[str, str]) -> None:
        self.api, self.society, self.walk, self.people, self.names = api, society, walk, people, names
        self.seen: list[tuple[str, str]] = []

    def see(self, what: str, text: str) -> None:
        names = dict(self.names)
        if what.startswith("dishub-dki"):
            # Whose people they are: it reads the right names anyway.
            names |= {one.reference: one.name for one in self.people}
        self.seen.append((what, plain(text, names)))

    async def fields(self) -> None:
        target = Target(self.society, DJKA)
        target.one_of_each = self.people
        for field in sorted(taking_names(self.walk.schema) & {*AIMS}):
            asked = renamed(AIMS[field](target), self.names)
            if field == "importRegistrants":
                hows = ({"mode": "SNAPSHOT"}, {"dryRun": True}, {"changes": "APPLY"})
                asked = [{"file": self.file(), **how} for how in hows]
            for part in few(asked):
                document, variables = self.walk.document(field, part, depth=1)
                answer = await self.api.post(organizer="djka", scopes=EVERYDAY, **as_sent(document, variables))
                self.see(field, answer.text)

    def rows(self) -> list[dict[str, str]]:
        return [
            {**row(1), "data_nik": nik, "data_pemesan": name, "rute_perjalanan": "djka home", "source": "DJKA"}
            for nik, name in self.names.items()
        ]

    def file(self) -> bytes:
        return as_csv(self.rows())

    async def doors(self) -> None:
        token = await self.api.token("djka", EVERYDAY)
        headers = {"Authorization": f"Bearer {token}"}
        for query in ("", "?changes=APPLY"):
            answer = await self.api.http.post(f"/webhook/pemudik{query}", json=self.rows(), headers=headers)
            self.see("webhook", answer.text)
        for extension, content in (("csv", self.file()), ("xlsx", as_xlsx(self.rows()))):
            for dry_run, changes in product((True, False), ImportChanges):
                how = {"dry_run": dry_run, "changes": changes, "extension": extension}
                await sent(self.society.world, DJKA, content, **how)
        waiting = "SELECT count(*) FROM import_job WHERE state = 'QUEUED'"
        while await self.society.world.one(waiting):
            job = await worked_off(self.society.world)
            assert job.rows_done == len(self.names)
            csv, xlsx = [
                await self.api.http.get(f"/import/{job.id}/result.{form}", headers=headers) for form in ("csv", "xlsx")
            ]
            self.see("result", csv.text)
            sheets = {sheet.title: [*sheet.values] for sheet in openpyxl.load_workbook(BytesIO(xlsx.content))}
            self.see("result", str(sheets))
            query = f"""{{ importJob(id: "{job.id}") {{ {JOB} }}
                importRows(jobId: "{job.id}", first: 100) {{ nodes {{ sheet row result code explanation }} }} }}"""
            found = await self.api.data(query, organizer="djka", scopes=EVERYDAY)
            self.see("importJob, importRows", json.dumps(found, sort_keys=True))

    async def decided(self) -> None:
        async with self.society.world.database.transaction() as session:
            for case in await cases.page(session, CaseState.OPEN, after=None, first=100):
                # Whoever is asked for a correction is told. So nobody is asked where the names alone are the reason.
                asks = case.was_refused and case.direction == "MUDIK"
                state = CaseState.NOT_DUPLICATE if asks else CaseState.CONFIRMED
                mistyped_by = case.holder if asks else None
                await case_decisions.decide(
                    session, worlds.HUBDAT, case.id, state, "Diperiksa", NOW, mistyped_by=mistyped_by
                )

    async def looks(self) -> None:
        await count_all(self.society.world.database)
        for organizer in ("djka", "dishub-dki"):
            for field, selection in LOOKS.items():
                answer = await self.api.post(f"{{ {field} {selection} }}", organizer=organizer, scopes=EVERYDAY)
                assert "errors" not in answer.json(), answer.text
                self.see(f"{organizer} {field}", answer.text)

    async def follows(self, live: Live) -> None:
        """Each organizer, live and from the beginning of the log."""
        for caller in (DJKA, worlds.DKI):
            document = self.walk.subscription("changes")
            told = await heard(live, self.society, document, caller.organizers, caller.organizer, EVERYDAY)
            self.see(f"{caller.organizer} live", json.dumps(told, sort_keys=True))

    async def deliveries(self) -> None:
        """What the webhooks of each organizer are told."""
        world = self.society.world
        await world.run("UPDATE webhook SET events = :events", events=[str(event) for event in WebhookEvent])
        async with world.database.transaction() as session:
            after: feed.Position | None = feed.START
            while after is not None:
                after = await announcing.step(session, after, NOW)
            told = statement(
                f"""SELECT {CHANGE}, d.event, w.organizer_code AS receiver FROM webhook_delivery d
                    JOIN webhook w ON w.id = d.webhook_id JOIN change c ON c.id = d.change_id
                    WHERE w.organizer_code IN ('djka', 'dishub-dki') AND d.event NOT LIKE 'import%' ORDER BY d.place""",
                _Told,
            )
            for one in await session.rows(told):
                change = change_of(one)
                body = events.payload(one.event, change, NOW, own=one.receiver == change.organizer)
                self.see(f"{one.receiver} {one.event}", body.decode())

    async def everything(self, live: Live) -> list[tuple[str, str]]:
        await self.fields()
        await self.doors()
        await self.looks()
        await self.decided()
        await self.looks()
        await self.follows(live)
        await self.deliveries()
        return self.seen


@dataclass(slots=True, kw_only=True)
class _Told(ChangeRow):
    event: str
    receiver: str


JOB = """state mode changes dryRun season rowsRead rowsDone new updated unchanged stale refused
    codes { code rows } unreadRows missing failure { code }"""
LOOKS = {
    "cases(first: 50)": """{ nodes { season direction service state suspect reason openedAt decidedAt decidedBy
        claims { organizer { code } attempts firstAt lastAt } holder { code } } }""",
    "statistics": """{ duplicates duplicatePairs { holder { code } claimant { code } refused suspected }
        total { taken remaining } }""",
    "registrants(first: 100)": "{ nodes { nik name status flags } }",
    "changes(first: 100)": "{ nodes { kind from to reason registrant { nik name } } }",
    "me": "{ scopes budget { capacity } }",
    "importJobs(first: 50)": f"{{ nodes {{ {JOB} }} }}",
}


async def test_a_right_name_and_a_wrong_one_are_answered_alike(
    api: Api, society: Society, walk: Walk, cleaner: Cleaner, live: Live
) -> None:
    people = [society.of("dishub-dki", kind) for kind in KINDS]
    right = {one.nik: one.name for one in people}
    wrong = {one.nik: WRONG for one in people}
    tokens = dict(api.tokens)
    seen = await Guess(api, society, walk, people, right).everything(live)
    await cleaner.put_back()
    # The clients that were issued meanwhile are gone.
    api.tokens.clear()
    api.tokens.update(tokens)
    other = await Guess(api, society, walk, people, wrong).everything(live)
    assert [what for what, _ in seen] == [what for what, _ in other]
    for (what, one), (_, another) in zip(seen, other, strict=True):
        assert one == another, what
    told = {what for what, _ in seen}
    assert {"dishub-dki duplicate.found", "dishub-dki case.decided", "djka case.decided"} <= told
    feeds = "".join(text for what, text in seen if what == "dishub-dki changes(first: 100)")
    assert "CASE_SETTLED" in feeds
    assert "CORRECTION_ASKED" in feeds
    assert any("REFUSED" in text or "NIK_ALREADY_REGISTERED" in text for _, text in seen)
