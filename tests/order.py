"""In which order the tests run, and which of them one process runs.

Files go to whichever process is free, the long ones first, so that none is left over at the end. Folders whose files
share a server go to one process. `--shuffle SEED` puts files, and the tests of each file, into a random order: what
passes then does not live on what another test has left behind.
"""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer

SHARED_SERVERS = ("tests/contract", "tests/privacy/silence", "tests/sdk/others", "tests/testmode", "tests/web/browser")
WITH_A_SERVER_OF_ITS_OWN = ("tests/web/browser/test_every_page.py",)
"""A file of these folders that takes much longer than to start a server. So another process may run the file."""

# Measured with `--durations=100` when the suite was last looked at; an order that is out of date costs time alone.
LONGEST = (
    "tests/season/test_season.py",
    "tests/testmode",
    "tests/hostile/test_hostile.py",
    "tests/web/browser",
    "tests/web/browser/test_every_page.py",
    "tests/cluster/test_failover.py",
    "tests/processes/test_imports.py",
    "tests/contract",
    "tests/privacy/silence",
    "tests/processes/test_kills.py",
    "tests/processes/test_serving.py",
    "tests/privacy/test_isolation.py",
    "tests/processes/test_followers.py",
    "tests/intake/files/test_hostile_files.py",
    "tests/processes/test_metrics_of_workers.py",
    "tests/openapi/test_generated.py",
    "tests/processes/test_watchdog.py",
    "tests/privacy/test_reads.py",
    "tests/processes/test_subscriptions.py",
    "tests/privacy/test_learning.py",
    "tests/graphql/test_extremes.py",
    "tests/graphql/topics/test_statistics.py",
    "tests/registry/test_plans.py",
    "tests/privacy/test_masking.py",
    "tests/intake/imports/test_snapshots.py",
    "tests/concurrency/test_deadline.py",
    "tests/demo/test_demo.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run files, and the tests of each, in random order")
    parser.addoption(
        "--without-plans", action="store_true", help="graphql-core alone coerces variables and completes answers"
    )
    parser.addoption(
        "--cluster", action="store_true", help="also the tests of clusters of PostgreSQL whose machines fail"
    )
    parser.addoption("--nightly", action="store_true", help="also what takes long; what is killed is killed five times")
    parser.addoption("--season-people", type=int, default=500, help="how many people live through `tests/season`")
    parser.addoption("--season-seed", type=int, help="which of their lives; left out: a random one, which is printed")
    parser.addoption(
        "--offices-seed", type=int, default=0, help="what `tests/concurrency/test_everything_at_once.py` does"
    )


ON_DEMAND = ("cluster", "nightly")
"""A test with one of these marks runs only with the option of that name."""


def unit_of(nodeid: str) -> str:
    """The folder or the file whose tests one process runs."""
    file = nodeid.partition("::")[0]
    if file in WITH_A_SERVER_OF_ITS_OWN:
        return file
    return next((folder for folder in SHARED_SERVERS if file.startswith(f"{folder}/")), file)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    marks = {mark for mark in ON_DEMAND if not config.getoption(mark)}
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in marks)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


# Behind pytest's own order by the scopes of fixtures.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out(config, items)
    seed = config.getoption("shuffle")
    if seed is None and not hasattr(config, "workerinput"):
        return
    units: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        units[unit_of(item.nodeid)].append(item)
    ranks = {unit: rank for rank, unit in enumerate(LONGEST)}
    ordered = sorted(units, key=lambda unit: ranks.get(unit, len(ranks)))
    if seed is not None:
        # The same in every process.
        dice = random.Random(seed)  # noqa: S311 - a test's dice
        dice.shuffle(ordered)
        for unit in ordered:
            dice.shuffle(units[unit])
    items[:] = chain.from_iterable(units[unit] for unit in ordered)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    """For `--dist loadfile`; the others of xdist stay what they are."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class InUnits(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    config.option.loadscopereorder = False
    return InUnits(config, log)
