"""`Idempotency-Key`: the same key and body are done once and answered alike for a day; another body is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from app.registry.clients import idempotency
from app.registry.clients.idempotency import KeyInUse, KeyReused
from app.registry.rows import reception
from tests.intake.knocking import Doors, opened
from tests.intake.test_signatures import body, client_of, issued, signed
from tests.patience import patience
from tests.registry.rows.records import pushed, record, state
from tests.world import NOW, World, nik_of

pytestmark = pytest.mark.anyio

PATH = "/webhook/pemudik"
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    await world.route()
    async with opened(world) as api:
        await api.token()
        yield api


async def test_the_same_request_gets_the_same_answer(api: Doors, world: World) -> None:
    records = [record(1, kode_booking="BK-1"), record(2, data_nik="x")]
    first = await api.send(PATH, records, Idempotency_Key=KEY)
    assert [one["hasil"] for one in first.json()["hasil"]] == ["diterima", "ditolak"]
    async with world.unchanged("registrant", "change", "keyed_request"):
        again = await api.send(PATH, records, Idempotency_Key=KEY)
        # Quotes are the standard's; without them it is the same key.
        bare = await api.send(PATH, records, Idempotency_Key=KEY.strip('"'))
    assert again.json() == first.json() == bare.json()
    assert again.json()["hasil"][0]["kode_booking"] == "BK-1"
    assert [one["hasil"] for one in (await api.send(PATH, records)).json()["hasil"]] == ["tidak_berubah", "ditolak"]


async def test_the_answer_is_of_then(api: Doors, world: World) -> None:
    first = await api.send(PATH, record(), Idempotency_Key=KEY)
    await pushed(world, state(5))
    assert (await api.send(PATH, record(), Idempotency_Key=KEY)).json() == first.json()


async def test_an_answer_that_the_version_before_kept_is_given(api: Doors, world: World) -> None:
    first = await api.send(PATH, record(), Idempotency_Key=KEY)
    told = orjson.dumps([{k: v for k, v in first.json()["hasil"][0].items() if k not in {"nomor", "kode_booking"}}])
    await world.run("UPDATE keyed_request SET answer = :told, answer_sealed = NULL", told=told.decode())
    async with world.unchanged("registrant", "change", "keyed_request"):
        assert (await api.send(PATH, record(), Idempotency_Key=KEY)).json() == first.json()


async def test_another_body_is_refused(api: Doors, world: World) -> None:
    await api.send(PATH, record(1), Idempotency_Key=KEY)
    async with world.unchanged("registrant", "change", "keyed_request"):
        answer = await api.send(PATH, record(2), Idempotency_Key=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_its_clients(api: Doors, world: World) -> None:
    await world.route(organizer="djka")
    assert (await api.send(PATH, record(1), Idempotency_Key=KEY)).status_code == 200
    answer = await api.send(PATH, record(2), Idempotency_Key=KEY, organizer="djka")
    assert answer.json()["hasil"][0]["hasil"] == "diterima"


async def test_a_request_that_was_refused_as_a_whole_keeps_no_key(api: Doors, world: World) -> None:
    assert (await api.send(PATH, [], Idempotency_Key=KEY)).status_code == 400
    assert (await api.send(PATH, record(), Idempotency_Key=KEY)).status_code == 200


async def test_racing_duplicates_do_the_work_once(api: Doors, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes while the first is at work is told so, and later gets its answer."""
    push, calls = reception.push, []

    async def counted(*what: object, **how: object) -> object:
        calls.append(1)
        while sum(one.done() for one in asked) < 7:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return await push(*what, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(reception, "push", counted)
    asked = [asyncio.create_task(api.send(PATH, record(), Idempotency_Key=KEY)) for _ in range(8)]
    async with patience():
        answers = await asyncio.gather(*asked)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, *[409] * 7]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error"]["code"] == "IDEMPOTENCY_KEY_IN_USE"
    assert refused.headers["retry-after"] == "1"
    [first] = [answer for answer in answers if answer.status_code == 200]
    assert (await api.send(PATH, record(), Idempotency_Key=KEY)).json() == first.json()
    assert len(calls) == 1
    assert await world.count("registrant") == 1


async def test_what_failed_left_no_key(api: Doors, world: World) -> None:
    """A transaction that is rolled back gives it free: nobody waits for an answer that never comes."""
    keyed = idempotency.keyed(world.vault, "hubdat-test", "k", b"{}")

    async def fails() -> None:
        async with world.database.transaction() as session:
            assert await idempotency.take(session, world.vault, keyed, NOW) is None
            async with world.database.transaction() as other:
                with pytest.raises(KeyInUse):
                    await idempotency.take(other, world.vault, keyed, NOW)
            await idempotency.keep(session, world.vault, keyed, "[]", NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with world.database.transaction() as session:
        assert await idempotency.take(session, world.vault, keyed, NOW) is None


async def test_a_key_is_good_for_a_day(world: World) -> None:
    first = idempotency.keyed(world.vault, "hubdat-test", "k", b"1")
    other = idempotency.keyed(world.vault, "hubdat-test", "k", b"2")
    later = NOW + idempotency.ANSWER_KEPT_FOR
    async with world.database.transaction() as session:
        await idempotency.keep(session, world.vault, first, "[1]", NOW)
        assert await idempotency.take(session, world.vault, first, later - timedelta(seconds=1)) == "[1]"
        with pytest.raises(KeyReused):
            await idempotency.take(session, world.vault, other, NOW)
        assert await idempotency.take(session, world.vault, other, later) is None
        await idempotency.keep(session, world.vault, other, "[2]", later)
        assert await idempotency.take(session, world.vault, other, later) == "[2]"
    await world.sweep(later + timedelta(hours=23))
    assert await world.count("keyed_request") == 1
    await world.sweep(later + timedelta(hours=24))
    assert await world.count("keyed_request") == 0


async def test_nothing_of_a_person_is_kept(api: Doors, world: World) -> None:
    key = f"{nik_of(1)}-rahasia"
    await api.send(PATH, record(data_pemesan="Siti Rahasia", kode_booking="BK-1"), Idempotency_Key=key)
    kept = str(await world.rows("keyed_request"))
    assert nik_of(1) not in kept
    assert not [word for word in ("ahasia", "BK-1", "Siti") if word in kept]


async def test_a_signed_retry_with_a_key_gets_its_answer(api: Doors, world: World) -> None:
    """The key is asked for first: its answer is no replay."""
    secret = await issued(world, await client_of(api, world))
    await asyncio.sleep(0)
    headers = signed(secret, body())
    first = await api.send(PATH, body(), Idempotency_Key=KEY, **headers)
    again = await api.send(PATH, body(), Idempotency_Key=KEY, **headers)
    assert (first.status_code, again.json()) == (200, first.json())
    replayed = await api.send(PATH, body(), Idempotency_Key='"another"', **headers)
    assert replayed.json()["error"]["code"] == "MESSAGE_REPLAYED"


async def test_a_key_waits_for_nobody(api: Doors, world: World) -> None:
    """Another key's request is not in the way."""
    keyed = idempotency.keyed(world.vault, "hubdat-test", "k", b"1")
    async with world.database.transaction() as session:
        await idempotency.take(session, world.vault, keyed, NOW)
        assert (await api.send(PATH, record(), Idempotency_Key='"k"')).status_code == 200
