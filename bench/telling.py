"""Whether time tells what an answer does not: `make bench ARGS=telling`.

Each path that must not tell of a NIK is walked 2,000 times for NIKs that somebody holds, and 2,000 times for NIKs that
nobody holds (or, where these would be registered, that are blocked), in turns. The figure is the AUC: how often one of
the first took longer than one of the second. 0.50 says nothing; it fails outside of 0.45 and 0.55.
"""

from __future__ import annotations

import asyncio
import bisect
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

from app import clock, migration
from app.clock import wib_day
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.errors import NikUndecided
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.niks import check
from app.registry.niks.check import Check
from app.registry.registrants import lookup, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Submission
from app.vault.vault import Vault, open_vault
from bench import seed
from tests import queries

SAMPLES = 2_000
BOUNDS = (0.45, 0.55)
CALLER = Caller("bench", seed.SUBMITTER)
OWN = seed.nik_of(3 * seed.REGISTRANTS)
"""Of somebody whom the caller has registered."""

Walk = Callable[[str], Awaitable[object]]


class Told(NamedTuple):
    """What the time of a path tells."""

    auc: float
    held: float
    """The median, in seconds, of NIKs that somebody holds."""
    free: float


USED_UP = "UPDATE nik_allowance SET set_per_day = 1000000, named = 1000000, withheld = 0, day = CAST(:today AS date)"
"""A refusal tells nothing any more, and the organizer is not shut out yet."""
BLOCK = """
    INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
    SELECT gen_random_uuid(), index, 'bench', 2026, 2030, now(), 'hubdat'
    FROM unnest(CAST(:free AS bytea[])) AS one (index)
"""


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url:
            found = asyncio.run(measure(url, folder))
    print(f"\n{'time of an answer that must not tell':48}{'AUC':>6}{'held ms':>9}{'not ms':>9}")
    for path, one in found.items():
        print(f"{path:48}{one.auc:6.3f}{one.held * 1000:9.3f}{one.free * 1000:9.3f}")
    if any(not BOUNDS[0] <= one.auc <= BOUNDS[1] for one in found.values()):
        raise SystemExit("Time tells.")


async def measure(url: str, folder: Path) -> dict[str, Told]:
    database = Database(url)
    await migration.upgrade(database)
    vault = open_vault(Settings(home=folder))
    _, route = await seed.seed(database, vault)
    found: dict[str, Told] = {}
    own = await registered(database, vault, route)
    facts = {"today": wib_day(clock.now()), "free": [vault.blind_index(nik) for nik in sorted({*niks()[1]})]}
    for path, (prepare, walk) in walks(database, vault, route, own).items():
        for one in prepare:
            async with database.transaction() as session:
                await queries.run(session, one, {name: value for name, value in facts.items() if f":{name}" in one})
        found[path] = await told(walk)
    await database.dispose()
    return found


async def registered(database: Database, vault: Vault, route: UUID) -> UUID:
    """Somebody of the caller's own, whose NIK can be corrected."""
    [one] = await database.attempt(lambda session: submission.submit(session, vault, [person(OWN, route)], clock.now()))
    assert isinstance(one, submission.Accepted), one
    return one.view.id


def person(nik: str, route: UUID) -> Submission:
    return Submission(caller=CALLER, nik=nik, name="Warga Contoh", route_id=route, identity_document="KTP")


def walks(database: Database, vault: Vault, route: UUID, own: UUID) -> dict[str, tuple[Sequence[str], Walk]]:
    """How the registry is prepared, one after the other, and what is called with a NIK."""

    async def submit(nik: str) -> object:
        return await database.attempt(
            lambda session: submission.submit(session, vault, [person(nik, route)], clock.now())
        )

    async def submit_undecided(nik: str) -> object:
        [answer] = await database.attempt(
            lambda session: submission.submit(session, vault, [person(nik, route)], clock.now())
        )
        assert isinstance(answer, NikUndecided), answer
        return answer

    async def correct_undecided(nik: str) -> object:
        change = Correction(reason="Salah ketik", nik=nik)
        answer = await database.attempt(
            lambda session: corrections.correct(session, vault, CALLER, Ref(id=own), change, clock.now())
        )
        assert isinstance(answer, NikUndecided), answer
        return answer

    async def look(nik: str) -> object:
        async with database.transaction() as session:
            return await lookup.find(session, vault, CALLER, [Ref(nik=nik)], everyone=False, now=clock.now())

    async def check_used_up(nik: str) -> object:
        caller = Caller(None, seed.SUBMITTER)
        async with database.statements() as session:
            return await check.check(session, vault, [Check(caller, nik)], clock.now())

    hours = f"now() + interval '{timedelta(hours=1)}'"
    return {
        "correction, NIK_UNDECIDED": ([USED_UP], correct_undecided),
        "submission to a full route": (["UPDATE route SET quota = taken"], submit),
        "submission before the window": ([f"UPDATE registration_window SET opens_at = {hours}"], submit),
        "look-up by NIK": ([], look),
        "check when the allowance is used up": (["UPDATE nik_allowance SET set_per_day = 0"], check_used_up),
        # The free ones are blocked: what nobody holds and nobody has blocked would be registered.
        "submission, NIK_UNDECIDED": (
            [
                USED_UP,
                BLOCK,
                "UPDATE registration_window SET opens_at = now() - interval '1 day'",
                "UPDATE route SET quota = 2000000000",
            ],
            submit_undecided,
        ),
    }


def niks() -> tuple[list[str], list[str]]:
    """Those that somebody holds, and those that nobody holds: the same ones for each path."""
    dice = random.Random(1)
    held = [seed.nik_of(dice.randrange(seed.REGISTRANTS)) for _ in range(SAMPLES)]
    return held, [seed.nik_of(seed.REGISTRANTS + dice.randrange(seed.REGISTRANTS)) for _ in range(SAMPLES)]


async def told(walk: Walk) -> Told:
    held, free = niks()
    dice = random.Random(2)
    for nik in (held + free)[:: SAMPLES // 100]:
        await walk(nik)
    samples = [(nik, place) for place, niks in enumerate((held, free)) for nik in niks]
    dice.shuffle(samples)
    took: tuple[list[float], list[float]] = ([], [])
    for nik, place in samples:
        began = time.perf_counter()
        await walk(nik)
        took[place].append(time.perf_counter() - began)
    return Told(share_of_longer(*took), median(took[0]), median(took[1]))


def share_of_longer(some: Sequence[float], others: Sequence[float]) -> float:
    """Of all pairs, in how many the first is longer; a tie counts half (Mann and Whitney)."""
    ordered = sorted(others)
    longer = sum(bisect.bisect_left(ordered, one) + bisect.bisect_right(ordered, one) for one in some)
    return longer / (2 * len(some) * len(others))
