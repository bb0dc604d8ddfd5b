"""Processes that die and answers that get lost: nothing is half done, and whoever asks again is not served twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import make_url

from app.db import Database
from app.errors import Unavailable
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Submission
from app.vault.keys import Keys
from app.vault.vault import Vault
from tests import queries
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.doomed import DOOMED
from tests.patience import patience
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

BATCH = 20


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def submit_until_killed(url: str, keys: Keys, batches: list[list[Submission]], told: Connection) -> None:
    """Says how many batches it has been told of as committed."""

    async def submit() -> None:
        database, vault = Database(url), Vault(keys)
        for number, batch in enumerate(batches):
            told.send(number)
            await database.attempt(lambda session, some=batch: submission.submit(session, vault, some, NOW))  # type: ignore[misc]
        await asyncio.sleep(60)

    asyncio.run(submit())


def stop_in_mid_transaction(url: str, keys: Keys, batch: list[Submission], told: Connection) -> None:
    async def submit() -> None:
        async with Database(url).transaction() as session:
            told.send(len(await submission.submit(session, Vault(keys), batch, NOW)))
            await asyncio.sleep(60)

    asyncio.run(submit())


async def killed(work: Callable[..., None], world: World, url: str, given: Any, enough: Callable[[int], bool]) -> int:
    """The last thing that a process said which was killed as soon as it had said `enough`."""
    hears, says = DOOMED.Pipe(duplex=False)
    process = DOOMED.Process(target=work, args=(url, world.vault.keys, given, says), daemon=True)
    process.start()
    says.close()
    try:
        while not enough(said := await asyncio.to_thread(hears.recv)):
            pass
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
    with suppress(EOFError):
        while hears.poll():
            said = hears.recv()
    hears.close()
    process.close()
    await others_gone(world)
    return int(said)


async def others_gone(world: World) -> None:
    """Until the server has noticed that a client is dead."""
    others = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (state = 'active' OR state LIKE 'idle in transaction%') AND backend_type = 'client backend'
    """
    async with patience():
        while await world.one(others):  # noqa: ASYNC110 - nothing tells of another connection's end
            await asyncio.sleep(0.01)


async def test_killed_in_mid_transaction(world: World, database_url: str) -> None:
    there, home = await world.route(quota=BATCH), await world.way_back(quota=BATCH)
    batch = [someone(HUBDAT, there, number, return_route_id=home) for number in range(BATCH)]
    async with world.unchanged():
        said = await killed(stop_in_mid_transaction, world, database_url, batch, lambda verdicts: verdicts == BATCH)
    assert said == BATCH
    # Its seats and its NIKs are free again.
    assert [verdict.replayed for verdict in await world.submit(*batch)] == [False] * BATCH
    await assert_agrees(world)


async def test_killed_at_any_moment(world: World, database_url: str) -> None:
    """Each batch is there whole or not at all, and none that was acknowledged is missing."""
    there, home = await world.route(), await world.way_back()
    people = [someone(HUBDAT, there, number, return_route_id=home) for number in range(100 * BATCH)]
    batches = [people[start : start + BATCH] for start in range(0, len(people), BATCH)]
    last = await killed(submit_until_killed, world, database_url, batches, lambda number: number >= 5)
    registered = await world.count("registrant")
    assert registered in {2 * BATCH * last, 2 * BATCH * (last + 1)}
    assert [await world.taken(), await world.taken("Solo - Jakarta")] == [registered // 2] * 2
    await assert_agrees(world)


# --- the database goes away -------------------------------------------------------------------------------------------


async def test_a_connection_that_is_ended_by_the_server(world: World) -> None:
    route = await world.route(quota=1)

    async def work(session: Any) -> Any:
        verdicts = await submission.submit(session, world.vault, [someone(HUBDAT, route)], NOW)
        backend = await queries.value(session, "SELECT pg_backend_pid()")
        await world.run("SELECT pg_terminate_backend(:pid, 5000)", pid=backend)
        return verdicts

    async with world.unchanged():
        with pytest.raises(Unavailable):
            await world.database.attempt(work)
    assert not (await world.accepted(someone(HUBDAT, route))).replayed


# --- the answer gets lost ---------------------------------------------------------------------------------------------


class Line:
    """Between a client and the database. While it is bad, it breaks when a commit has happened and is to be told."""

    def __init__(self, host: str, port: int) -> None:
        self.bad = False
        self._there = (host, port)
        self._calls: set[asyncio.Task[None]] = set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._there)
        committing = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, back, committing.set))
                both.create_task(self._carry(there, writer, lambda: None, breaks=committing.is_set))
        finally:
            back.close()
            writer.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        commits: Callable[[], None],
        breaks: Callable[[], bool] = lambda: False,
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.bad and b"COMMIT" in data:
                    commits()
                if breaks():
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def bad_line(url: str) -> AsyncIterator[tuple[Line, Database]]:
    address = make_url(url)
    line = Line(address.host or "", address.port or 0)
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    far_away = Database(address.set(port=port).render_as_string(hide_password=False))
    try:
        yield line, far_away
    finally:
        await far_away.dispose()
        server.close()


async def asked_twice(url: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """The answer to `work` the second time: the first time it was done, and the answer was lost."""
    async with bad_line(url) as (line, far_away):
        line.bad = True
        with pytest.raises(Unavailable):
            await far_away.attempt(work)
        line.bad = False
        return await far_away.attempt(work)


async def test_a_submission_whose_answer_was_lost(world: World, database_url: str) -> None:
    there, home = await world.route(quota=1), await world.way_back(quota=1)
    given = someone(HUBDAT, there, return_route_id=home)
    [again] = await asked_twice(database_url, lambda session: submission.submit(session, world.vault, [given], NOW))
    assert isinstance(again, Accepted)
    assert again.replayed
    assert again.return_view is not None
    assert await world.count("registrant") == 2
    assert [await world.taken(), await world.taken("Solo - Jakarta")] == [1, 1]
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'REGISTRANT_MOVED'") == 2
    await assert_agrees(world)


@pytest.mark.parametrize(("to", "taken"), [(RegistrantStatus.VERIFIED, 1), (RegistrantStatus.CANCELLED, 0)])
async def test_a_move_whose_answer_was_lost(world: World, database_url: str, to: RegistrantStatus, taken: int) -> None:
    held = await world.registered(someone(HUBDAT, await world.route(quota=1)))
    move = lifecycle.Move(caller=HUBDAT, ref=Ref(id=held.id), to=to, reason="Permintaan peserta")
    [again] = await asked_twice(database_url, lambda session: lifecycle.move(session, world.vault, [move], NOW))
    assert again.status == to
    assert await world.taken() == taken
    assert await world.run("SELECT to_status FROM change WHERE from_status = 'REGISTERED'") == [(to,)]
    await assert_agrees(world)
