"""After any life of the registry the tallies are what `GROUP BY` answers: kept along the way, and counted anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from app.changes.log import tallies
from app.db import Database
from app.vault.vault import Vault
from tests.changes.counting import count_all, differences
from tests.registry.registrants.test_model import LIVES, Lives
from tests.registry.registrants.test_model import stage as build_stage
from tests.registry.stage import Stage

TABLES = ("tally", "tally_day", "tally_route", "tally_deadline", "tally_pair", "tally_duplicate")


@pytest.fixture
def stage(database_url: str, vault: Vault) -> Iterator[Stage]:
    yield from build_stage.__wrapped__(database_url, vault)


@settings(
    max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(life=LIVES)
def test_the_tallies_are_what_a_plain_count_says(stage: Stage, life: list[tuple[str, dict[str, Any]]]) -> None:
    lives, database = Lives(stage), stage.world.database
    stage.runner.run(stage.world.run(f"TRUNCATE {', '.join(TABLES)}, projection"))
    for place, (name, facts) in enumerate(life):
        getattr(lives, name)(**facts)
        # Now and then, so that a step takes in one change, or many.
        if place % 7 == 0:
            stage.runner.run(count_all(database))
            assert stage.run(differences) == {}
    stage.runner.run(count_all(database))
    assert stage.run(differences) == {}
    kept = stage.runner.run(stage.world.rows(*TABLES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "CHANGES_OF_A_STEP", 7)
        stage.runner.run(rebuilt(database, lives))
    assert stage.runner.run(stage.world.rows(*TABLES)) == kept


async def rebuilt(database: Database, lives: Lives) -> None:
    await tallies.rebuild(database, lambda: lives.now, lambda done, whole: None)
