"""`POST /import` with `Idempotency-Key`: a file that is sent again is the same import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.config import Settings
from app.registry.imports import jobs
from tests.graphql.conftest import Api
from tests.intake.imports.test_imports import opened, post
from tests.intake.lists import as_csv, row, worked_off
from tests.world import World

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": '"4c1f0a52-6f0e-4f4e-9a43-0d6a2a3f9d57"'}
TABLES = ("import_job", "import_file", "keyed_request")
FILE = as_csv([row(1), row(2)])


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    await world.route()
    async with opened(world, Settings()) as api:
        yield api


async def test_the_same_file_under_the_same_key_is_the_same_import(api: Api, world: World) -> None:
    first = await post(api, FILE, headers=KEY)
    async with world.unchanged(*TABLES):
        again = await post(api, FILE, headers=KEY)
    assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
    assert again.json() == first.json()
    other = await post(api, FILE)
    assert other.json()["id"] != first.json()["id"]


async def test_a_repeat_says_how_far_the_import_is_by_now(api: Api, world: World) -> None:
    first = await post(api, FILE, headers=KEY)
    await worked_off(world)
    again = await post(api, FILE, headers=KEY)
    assert (again.json()["id"], again.json()["state"], again.json()["new"]) == (first.json()["id"], "DONE", 2)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"content": as_csv([row(1), row(3)])}, id="another file"),
        pytest.param({"path": "/import?dryRun=true"}, id="another order"),
        pytest.param({"media": "application/octet-stream"}, id="another kind"),
    ],
)
async def test_the_same_key_for_something_else_is_refused(api: Api, world: World, change: dict[str, Any]) -> None:
    await post(api, FILE, headers=KEY)
    async with world.unchanged(*TABLES):
        answer = await post(api, **{"content": FILE, "headers": KEY, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_form_with_the_same_file_is_the_same_import(api: Api, world: World) -> None:
    """The boundary of a form is another one each time."""
    sent = [await post(api, None, media=None, headers=KEY, files={"file": ("a.csv", FILE)}) for _ in range(2)]
    assert [one.status_code for one in sent] == [202, 202]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    assert await world.count("import_job") == 1


async def test_a_key_is_its_clients(api: Api, world: World) -> None:
    first, other = [await post(api, FILE, headers=KEY, organizer=code) for code in ("hubdat", "djka")]
    assert first.json()["id"] != other.json()["id"]


async def test_a_file_that_was_refused_keeps_no_key(api: Api, world: World) -> None:
    assert (await post(api, FILE, "/import?season=2030", headers=KEY)).status_code == 404
    assert (await post(api, FILE, headers=KEY)).status_code == 202


async def test_a_key_that_is_none_is_refused(api: Api, world: World) -> None:
    async with world.unchanged(*TABLES):
        answer = await post(api, FILE, headers={"Idempotency-Key": '""'})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")


async def test_of_two_at_once_one_is_taken(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is written down."""
    create, second = jobs.create, list[Any]()

    async def and_again(*what: Any, **how: Any) -> Any:
        monkeypatch.setattr(jobs, "create", create)
        second.append(await post(api, FILE, headers=KEY))
        return await create(*what, **how)

    monkeypatch.setattr(jobs, "create", and_again)
    assert (await post(api, FILE, headers=KEY)).status_code == 202
    assert (second[0].status_code, second[0].json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
    assert await world.count("import_job") == 1
