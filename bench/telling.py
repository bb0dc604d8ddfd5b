"""Whether time tells what an answer does not: `make bench ARGS=telling`.

Each path that must not tell of a NIK is walked 2,000 times for NIKs that somebody holds, and 2,000 times for NIKs that
nobody holds, in turns. The figure is the AUC: how often one of the first took longer than one of the second. 0.50 says
nothing; it fails outside of 0.45 and 0.55.
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
from uuid import UUID

from app import clock, migration
from app.config import Settings
from app.db import Database
from app.embedded import postgres
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

Walk = Callable[[str], Awaitable[object]]


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url:
            found = asyncio.run(measure(url, folder))
    print(f"\n{'time of an answer that must not tell':48}{'AUC':>6}")
    for path, auc in found.items():
        print(f"{path:48}{auc:6.3f}")
    if any(not BOUNDS[0] <= auc <= BOUNDS[1] for auc in found.values()):
        raise SystemExit("Time tells.")


async def measure(url: str, folder: Path) -> dict[str, float]:
    database = Database(url)
    await migration.upgrade(database)
    vault = open_vault(Settings(home=folder))
    _, route = await seed.seed(database, vault)
    found = {}
    for path, (prepare, walk) in walks(database, vault, route).items():
        async with database.transaction() as session:
            await queries.run(session, prepare)
        found[path] = await auc(walk)
    await database.dispose()
    return found


def walks(database: Database, vault: Vault, route: UUID) -> dict[str, tuple[str, Walk]]:
    """How the registry is prepared, and what is called with a NIK."""

    async def submit(nik: str) -> object:
        one = Submission(caller=CALLER, nik=nik, name="Warga Contoh", route_id=route, identity_document="KTP")
        return await database.attempt(lambda session: submission.submit(session, vault, [one], clock.now()))

    async def look(nik: str) -> object:
        async with database.transaction() as session:
            return await lookup.find(session, vault, CALLER, [Ref(nik=nik)], everyone=False, now=clock.now())

    async def check_used_up(nik: str) -> object:
        caller = Caller(None, seed.SUBMITTER)
        async with database.statements() as session:
            return await check.check(session, vault, [Check(caller, nik)], clock.now())

    hours = f"now() + interval '{timedelta(hours=1)}'"
    return {
        "submission to a full route": ("UPDATE route SET quota = taken", submit),
        "submission before the window": (f"UPDATE registration_window SET opens_at = {hours}", submit),
        "look-up by NIK": ("SELECT 1", look),
        "check when the allowance is used up": ("UPDATE nik_allowance SET set_per_day = 0", check_used_up),
    }


async def auc(walk: Walk) -> float:
    dice = random.Random(1)
    held = [seed.nik_of(dice.randrange(seed.REGISTRANTS)) for _ in range(SAMPLES)]
    free = [seed.nik_of(seed.REGISTRANTS + dice.randrange(seed.REGISTRANTS)) for _ in range(SAMPLES)]
    for nik in (held + free)[:: SAMPLES // 100]:
        await walk(nik)
    samples = [(nik, place) for place, niks in enumerate((held, free)) for nik in niks]
    dice.shuffle(samples)
    took: tuple[list[float], list[float]] = ([], [])
    for nik, place in samples:
        began = time.perf_counter()
        await walk(nik)
        took[place].append(time.perf_counter() - began)
    return share_of_longer(*took)


def share_of_longer(some: Sequence[float], others: Sequence[float]) -> float:
    """Of all pairs, in how many the first is longer; a tie counts half (Mann and Whitney)."""
    ordered = sorted(others)
    longer = sum(bisect.bisect_left(ordered, one) + bisect.bisect_right(ordered, one) for one in some)
    return longer / (2 * len(some) * len(others))
