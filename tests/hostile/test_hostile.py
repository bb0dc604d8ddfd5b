"""Whatever is sent: a bound refuses it, or its CPU time grows no faster than its size. Nothing is a bug."""

from __future__ import annotations

import pytest
from starlette.routing import Route, WebSocketRoute

from app.db import Database
from app.main import assembled
from app.vault.vault import Vault
from tests.growth import MOST_TIMES_THE_CPU, TIMES_THE_INPUT, Request, assert_linear_over_http, cpu_seconds_awaited
from tests.hostile import driving, testing
from tests.hostile.collection import COLLECTION
from tests.hostile.conftest import Target, with_all
from tests.hostile.sending import SIZES, Hostile

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]
"""While coverage traces each line, CPU time says little, and all of this takes three times as long."""


def test_the_collection_is_large_and_each_of_it_has_a_name() -> None:
    assert len({one.name for one in COLLECTION}) == len(COLLECTION) >= 120


def test_something_is_sent_to_every_address_of_both_registries(database: Database, vault: Vault, list_url: str) -> None:
    sent = {one.of(one.size).path.partition("?")[0] for one in COLLECTION}
    routes = [
        one for one in assembled(database, vault, with_all(list_url)).routes if isinstance(one, Route | WebSocketRoute)
    ]
    assert len(routes) > 40
    assert [one.path for one in routes if not any(map(one.path_regex.match, sent))] == []
    in_test_mode = {path.removeprefix(testing.PREFIX) for path in sent if path.startswith(testing.PREFIX)}
    assert in_test_mode >= {"/graphql", "/webhook/pemudik", "/oauth/token"}


@pytest.mark.parametrize("one", COLLECTION, ids=lambda one: one.name)
async def test_it_is_refused_by_a_bound_or_grows_with_its_size(target: Target, one: Hostile) -> None:
    told: dict[int, str] = {}
    cpu_seconds: dict[int, float] = {}

    async def prepare(size: int) -> Request:
        await target.put_back()
        sent = one.of(size)
        token = await target.token_for(sent)

        async def send() -> None:
            told[size // one.size] = await driving.told(target.application, sent, token)

        return send

    # The largest comes first, so that whatever is done once is never counted for the small one.
    for times in reversed(SIZES):
        cpu_seconds[times] = await cpu_seconds_awaited(await prepare(times * one.size))
        told[times] += await target.worked_off()
    assert tuple(told[times] for times in SIZES) == one.told
    if cpu_seconds[TIMES_THE_INPUT] > MOST_TIMES_THE_CPU * cpu_seconds[1]:
        await assert_linear_over_http(prepare, one.size)


def test_nothing_is_a_bug() -> None:
    """Neither a status of the server's own failure, nor a socket that is broken, nor an error that nobody foresaw."""
    told = {status for one in COLLECTION for status in one.told}
    assert not {status for status in told if status.startswith(("5", "closed 4500")) or "INTERNAL_ERROR" in status}
