import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from sqlmodel import SQLModel
from uuid_utils.compat import uuid7

from app.config import Settings
from app.db import Database
from app.registry import key_rotation
from app.registry.caller import Caller
from app.registry.clients import clients, idempotency
from app.registry.clients.clients import Issued
from app.registry.key_rotation import Rotated
from app.vault import keys
from app.vault.keys import KeysUnusable
from app.vault.vault import Unreadable, Vault, open_vault
from tests import queries
from tests.patience import patience

pytestmark = pytest.mark.anyio

ROUTE = UUID(int=1)


CATALOGUE = f"""
INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30');
INSERT INTO organizer (code, name, schemes) VALUES ('djka', 'DJKA', '{{}}');
INSERT INTO terminal (code, name, city, city_key, kind)
VALUES ('senen', 'Pasar Senen', 'Kota Jakarta Pusat', 'kota jakartapusat', 'STATION'),
       ('tirtonadi', 'Tirtonadi', 'Kota Surakarta', 'kota surakarta', 'TERMINAL');
INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code, destination_code)
VALUES ('{ROUTE}', 2026, 'djka', 'Senen–Solo', 'MUDIK', 'PASSENGER', 'TRAIN', 'senen', 'tirtonadi')
"""
REGISTER = """
INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                        name_sealed, registered_at, arrived_at)
SELECT id, 2026, 'djka', :route, 'MUDIK', 'PASSENGER', 'REGISTERED', nik_index, nik_sealed, name_sealed, :now, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:indexes AS bytea[]), CAST(:niks AS bytea[]), CAST(:names AS bytea[]))
     AS r (id, nik_index, nik_sealed, name_sealed)
"""
SECRETS = """
INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, deleted_at, secret_sealed,
                     old_secret_sealed, old_secret_until)
VALUES ('00000000-0000-0000-0000-000000000001', 'djka', 'https://a.example', '{quota.filled}', :now, :now, NULL,
        :one, :two, :now),
       ('00000000-0000-0000-0000-000000000002', 'djka', 'https://b.example', '{quota.filled}', :now, :now, NULL,
        :one, NULL, NULL),
       ('00000000-0000-0000-0000-000000000003', 'djka', 'https://c.example', '{quota.filled}', :now, :now, :now,
        NULL, NULL, NULL);
INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at)
VALUES ('djka-test', 'djka', '{}', 1, 1, :now);
INSERT INTO client_webhook_secret (id, client_id, secret_sealed, issued_at)
VALUES ('00000000-0000-0000-0000-000000000004', 'djka-test', :two, :now)
"""
RENAME = "UPDATE registrant SET name_sealed = :name WHERE id = :id"


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), database_url=None)


@pytest.fixture
async def database(database: Database) -> Database:
    """With one route to be on."""
    async with database.transaction() as session:
        for statement in CATALOGUE.split(";"):
            await queries.run(session, statement)
    return database


def nik(number: int) -> str:
    return f"32010101{number // 1000 % 12 + 1:02}{number // 12000:02}{number % 1000 + 9000:04}"


async def registered(database: Database, vault: Vault, numbers: Sequence[int], now: datetime) -> list[UUID]:
    ids = [uuid7() for _ in numbers]
    async with database.transaction() as session:
        await queries.run(
            session,
            REGISTER,
            {
                "route": ROUTE,
                "now": now,
                "ids": ids,
                "indexes": [vault.blind_index(nik(number)) for number in numbers],
                "niks": [vault.seal(nik(number)) for number in numbers],
                "names": [vault.seal(f"Orang {number}") for number in numbers],
            },
        )
    return ids


async def stored(database: Database, vault: Vault) -> dict[str, str]:
    async with database.transaction() as session:
        rows = await queries.run(session, "SELECT nik_sealed, name_sealed FROM registrant WHERE erased_at IS NULL")
        return {vault.open_personal(row.nik_sealed): vault.open_personal(row.name_sealed) for row in rows}


async def key_ids(database: Database) -> set[int]:
    return set(await key_rotation.keys_in_use(database))


async def rename(database: Database, vault: Vault, registrant: UUID, name: str) -> None:
    async with database.transaction() as session:
        await queries.run(session, RENAME, {"name": vault.seal(name), "id": registrant})


def unheeded(done: int, total: int) -> None:
    pass


def test_these_columns_are_all_that_is_sealed() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if "sealed" in column.name
    }
    rotated = {f"{one.name}.{column}" for one in key_rotation.SEALED_TABLES for column in one.columns}
    # Files and answers are wiped before long; their keys are kept as long as they are.
    assert sealed == rotated | {"import_file.sealed", "keyed_request.answer_sealed"}


async def test_three_rotations_seal_everything_anew_and_keep_the_previous_key(
    database: Database, settings: Settings, now: datetime
) -> None:
    vault = open_vault(settings)
    index_key = vault.keys.index
    await registered(database, vault, range(2500), now)
    expected = {nik(number): f"Orang {number}" for number in range(2500)}
    seen: list[tuple[int, int]] = []

    first = await key_rotation.rotate(database, vault, lambda done, total: seen.append((done, total)))
    assert first == Rotated(key_id=2, rewritten=2500, added=True, dropped=())
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500), (2500, 2500)]
    assert await key_ids(database) == {2}

    # A transaction that had sealed under the first key commits after the end.
    await registered(database, Vault(replace(vault.keys, data={1: vault.keys.data[1]})), [2500], now)
    expected[nik(2500)] = "Orang 2500"
    assert await stored(database, vault) == expected

    second = await key_rotation.rotate(database, vault, unheeded)
    assert second == Rotated(key_id=3, rewritten=2501, added=True, dropped=(1,))
    held = keys.read_key_file(settings.key_file)
    assert (list(held.data), held.index, held.rotating) == ([3, 2], index_key, False)
    assert await stored(database, open_vault(settings)) == expected


async def test_nothing_fails_while_it_runs(database: Database, settings: Settings, now: datetime) -> None:
    """Two servers read, register and correct without a pause, under vaults of their own."""
    ids = await registered(database, open_vault(settings), range(3000), now)
    names = {nik(number): f"Orang {number}" for number in range(3000)}
    ended = asyncio.Event()

    async def register(vault: Vault) -> None:
        number = 3000
        while not ended.is_set():
            await registered(database, vault, [number], now)
            names[nik(number)] = f"Orang {number}"
            number += 1
            await asyncio.sleep(0)

    async def correct(vault: Vault) -> None:
        number = 0
        while not ended.is_set():
            await rename(database, vault, ids[number], f"Betul {number}")
            names[nik(number)] = f"Betul {number}"
            number = (number + 7) % 3000
            await asyncio.sleep(0)

    async def read(vault: Vault) -> None:
        while not ended.is_set():
            found = await stored(database, vault)
            assert len(found) >= 3000
            await asyncio.sleep(0.05)

    async def rotate() -> Rotated:
        try:
            return await key_rotation.rotate(database, open_vault(settings), unheeded)
        finally:
            ended.set()

    one, other = open_vault(settings), open_vault(settings)
    rotated, *_ = await asyncio.gather(rotate(), register(one), correct(other), read(one), read(other))
    assert (rotated.key_id, rotated.added) == (2, True)
    assert 1 <= rotated.rewritten <= len(names)
    assert await key_ids(database) == {2}
    assert await stored(database, open_vault(settings)) == names


async def test_what_was_cut_off_is_finished_by_the_next_run(
    database: Database, settings: Settings, now: datetime
) -> None:
    vault = open_vault(settings)
    await registered(database, vault, range(1500), now)

    def cut_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await key_rotation.rotate(database, vault, cut_off)
    assert await key_ids(database) == {1, 2}
    assert keys.read_key_file(settings.key_file).rotating is True

    again = await key_rotation.rotate(database, open_vault(settings), unheeded)
    assert again == Rotated(key_id=2, rewritten=500, added=False, dropped=())
    assert await key_ids(database) == {2}
    assert len(await stored(database, vault)) == 1500
    assert keys.read_key_file(settings.key_file).rotating is False


async def test_a_row_that_somebody_holds_is_waited_for_and_its_correction_stays(
    database: Database, vault: Vault, now: datetime
) -> None:
    old, fresh = vault, Vault(replace(vault.keys, data={2: b"n" * 32, **vault.keys.data}))
    ids = await registered(database, old, range(3), now)
    seen: list[tuple[int, int]] = []
    two_done = asyncio.Event()

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        two_done.set()

    async with database.transaction() as session:
        await queries.run(session, RENAME, {"name": old.seal("Betul"), "id": ids[1]})
        resealing = asyncio.create_task(key_rotation.reseal(database, fresh, progress))
        await two_done.wait()
        assert not resealing.done()
    assert await resealing == 3
    assert seen[0] == (2, 3)
    assert seen[-1] == (3, 3)
    assert await stored(database, fresh) == {nik(0): "Orang 0", nik(1): "Betul", nik(2): "Orang 2"}
    assert await key_ids(database) == {2}


async def test_keys_of_the_environment_are_used_in_their_order(database: Database, vault: Vault, now: datetime) -> None:
    await registered(database, vault, range(3), now)
    configured = Vault(replace(vault.keys, data={9: b"n" * 32, **vault.keys.data}))
    rotated = await key_rotation.rotate(database, configured, unheeded)
    assert rotated == Rotated(key_id=9, rewritten=3, added=False, dropped=())
    assert await key_rotation.rotate(database, configured, unheeded) == replace(rotated, rewritten=0)
    with pytest.raises(KeysUnusable) as caught:
        await key_rotation.rotate_signing(configured)
    assert str(caught.value) == "The keys are in the environment: put a new one first in PEMUDIK_SIGNING_KEYS."


async def test_erased_registrants_are_left_alone(database: Database, vault: Vault, now: datetime) -> None:
    await registered(database, vault, range(2), now)
    async with database.transaction() as session:
        await queries.run(
            session,
            (
                "UPDATE registrant SET nik_index = NULL, nik_sealed = NULL, name_sealed = NULL, erased_at = :now,"
                " status = 'CANCELLED' WHERE nik_index = :index"
            ),
            {"now": now, "index": vault.blind_index(nik(0))},
        )
    fresh = Vault(replace(vault.keys, data={2: b"n" * 32, **vault.keys.data}))
    assert await key_rotation.rotate(database, fresh, unheeded) == Rotated(2, 1, added=False, dropped=())
    assert await stored(database, fresh) == {nik(1): "Orang 1"}


async def test_secrets_of_webhooks_are_sealed_anew(database: Database, vault: Vault, now: datetime) -> None:
    """Both of one that is being changed over, and those that clients sign with; a deleted webhook has none."""
    async with database.transaction() as session:
        for statement in SECRETS.split(";"):
            secrets = {"one": vault.seal_secret("whsec_one"), "two": vault.seal_secret("whsec_two"), "now": now}
            await queries.run(session, statement, secrets)
    fresh = Vault(replace(vault.keys, data={2: b"n" * 32, **vault.keys.data}))
    seen: list[tuple[int, int]] = []
    rotated = await key_rotation.rotate(database, fresh, lambda done, total: seen.append((done, total)))
    assert rotated == Rotated(key_id=2, rewritten=3, added=False, dropped=())
    assert seen == [(2, 3), (2, 3), (3, 3), (3, 3)]
    assert await key_ids(database) == {2}
    async with database.transaction() as session:
        rows = await queries.run(session, "SELECT secret_sealed, old_secret_sealed FROM webhook ORDER BY id")
        client = await queries.value(session, "SELECT secret_sealed FROM client_webhook_secret")
    opened = [tuple(sealed and fresh.open_secret(sealed) for sealed in row) for row in rows]
    assert opened == [("whsec_one", "whsec_two"), ("whsec_one", None), (None, None)]
    assert fresh.open_secret(client) == "whsec_two"


async def test_the_key_of_a_kept_answer_stays(database: Database, vault: Vault, now: datetime) -> None:
    async with database.transaction() as session:
        issued = await clients.issue(session, Caller(None, "hubdat"), "djka", ["nik:check"], None, now, own=None)
        assert isinstance(issued, Issued)
        request = idempotency.keyed(vault, issued.client.id, "k", b"{}")
        await idempotency.keep(session, vault, request, "{}", now)
    assert await key_ids(database) == {vault.current_key_id}


async def test_a_value_that_no_key_opens_ends_it_and_changes_nothing(
    database: Database, vault: Vault, now: datetime
) -> None:
    await registered(database, vault, range(2), now)
    stranger = Vault(replace(vault.keys, data={5: b"x" * 32}))
    with pytest.raises(Unreadable, match="data key 1"):
        await key_rotation.rotate(database, stranger, unheeded)
    assert await key_ids(database) == {1}


async def test_one_rotation_at_a_time(database: Database, settings: Settings) -> None:
    vault = open_vault(settings)
    with keys.locked(settings.key_file, wait=False):
        for rotation in (key_rotation.rotate(database, vault, unheeded), key_rotation.rotate_signing(vault)):
            with pytest.raises(KeysUnusable) as caught:
                await rotation
            assert str(caught.value) == "Keys are being rotated by another process; wait until it has ended."
    assert keys.read_key_file(settings.key_file) == vault.keys


async def test_every_server_knows_a_signing_key_before_it_signs(settings: Settings) -> None:
    rotating, serving = open_vault(settings), open_vault(settings)
    (first,) = serving.signing
    sets: list[tuple[str, ...]] = []
    ended = threading.Event()

    def serve() -> None:
        while not ended.wait(0.05):
            kids = tuple(key["kid"] for key in serving.signing)
            if not sets or sets[-1] != kids:
                sets.append(kids)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    second = await key_rotation.rotate_signing(rotating)
    async with patience():
        while len(sets) < 3:  # noqa: ASYNC110 - it is a thread that looks
            await asyncio.sleep(0.05)
    ended.set()
    thread.join()
    assert sets == [(first["kid"],), (first["kid"], second), (second, first["kid"])]
    third = await key_rotation.rotate_signing(rotating)
    assert [key["kid"] for key in open_vault(settings).signing] == [third, second]


@pytest.mark.parametrize(
    ("held", "fresh"), [([1], 2), ([2, 1], 3), ([255, 254], 1), ([1, 255], 2), ([7, 255, 1], 2), ([3], 4)]
)
def test_ids_go_up_and_begin_again(vault: Vault, held: list[int], fresh: int) -> None:
    assert key_rotation.free_id(replace(vault.keys, data=dict.fromkeys(held, b"k" * 32))) == fresh


def test_a_key_that_a_row_still_uses_is_not_dropped(settings: Settings) -> None:
    held = open_vault(settings).keys
    data = {key_id: bytes([key_id]) * 32 for key_id in (5, 4, 3, 2, 1)}
    keys.write_key_file(settings.key_file, replace(held, data=data, rotating=True))
    assert key_rotation.drop_old_keys(settings.key_file, frozenset({5, 2})) == (3, 1)
    left = keys.read_key_file(settings.key_file)
    assert (list(left.data), left.rotating) == ([5, 4, 2], False)
