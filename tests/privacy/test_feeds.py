"""The doors of the 12 columns tell nobody of another organizer's people, and change nothing of theirs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.registry.caller import Caller
from tests import world as worlds
from tests.graphql.conftest import EVERYDAY, Api
from tests.privacy.aims import CALLERS
from tests.privacy.people import KINDS, Person, Society
from tests.privacy.test_isolation import leaked
from tests.registry.rows.records import WAY_BACK, record

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

NAME = "Orang Lain Sekali"


async def post(api: Api, caller: Caller, path: str, content: Any) -> httpx.Response:
    token = await api.token(caller.organizer, EVERYDAY)
    return await api.http.post(path, json=content, headers={"Authorization": f"Bearer {token}"})


def claims(caller: Caller, one: Person) -> list[dict[str, Any]]:
    """As if this person were the caller's, in every status, both ways; and as if the caller were somebody else."""
    named = {"data_nik": one.nik, "data_pemesan": NAME}
    routes = {"rute_perjalanan": f"{caller.organizer} home"}
    papers = {"nomor_polisi": "B 1 XX", "nomor_stnk": "1", "rute_perjalanan": f"{caller.organizer} truck"}
    back = WAY_BACK | {"rute_perjalanan": f"{caller.organizer} back"}
    return [
        *(record(**named, **routes, status_pemesanan_code=code) for code in (5, 4, 6, 1, 2)),
        record(**named, **back),
        record(**named, **papers),
        record(**named, **routes, source=one.organizer),
        record(**named, **routes, source=one.organizer.upper()),
        # Where the other organizer's passenger is going.
        record(**named, rute_perjalanan=f"{one.organizer} home"),
    ]


@pytest.mark.parametrize("who", sorted(CALLERS))
async def test_the_webhook(api: Api, society: Society, who: str) -> None:
    caller = CALLERS[who]
    victims = [one for one in society.foreign_to(caller) if one.kind in KINDS]
    bodies = []
    async with society.untouched(caller):
        for one in victims:
            answer = await post(api, caller, "/webhook/pemudik", claims(caller, one))
            assert answer.status_code == 200, answer.text
            bodies.append(answer.text)
            assert {each["penyelenggara"] for each in answer.json()["hasil"]} <= {*caller.organizers, None}
    assert leaked(bodies, [], victims) == []
    assert NAME not in "\n".join(bodies)


async def test_what_a_refusal_tells_is_the_checks_answer_and_no_more(api: Api, society: Society) -> None:
    one = society.of("dishub-dki", "pair")
    [claim] = [record(data_nik=one.nik, data_pemesan=NAME, rute_perjalanan="djka home")]
    [told] = (await post(api, worlds.DJKA, "/webhook/pemudik", claim)).json()["hasil"]
    assert told == {
        "nomor": 1,
        "hasil": "ditolak",
        "kode": "NIK_ALREADY_REGISTERED",
        "kolom": "data_nik",
        "pesan": (
            "data_nik: NIK ini sudah terdaftar di DISHUB-DKI (arus mudik, penumpang) pada 2 Maret 2026;"
            " batalkan di sana dahulu."
        ),
        "coba_lagi_detik": None,
        "peringatan": [],
        "perbedaan": [],
        "id": None,
        "penyelenggara": "djka",
        "status_pemesanan_code": None,
        "kode_booking": None,
    }


@pytest.mark.parametrize("who", sorted(CALLERS))
async def test_last_years_check(api: Api, society: Society, who: str) -> None:
    """The NIK is the asker's own words; of everything else only what a check tells."""
    caller = CALLERS[who]
    victims = society.foreign_to(caller)
    bodies = []
    async with society.untouched(caller):
        for one in victims:
            answer = await post(api, caller, "/legacy/cek-nik", {"nik": one.nik})
            for row in answer.json()["data"]:
                foreign = row["source"].lower() not in caller.organizers
                assert foreign == (row["data_pemesan"] is None)
                assert foreign == (row["rute_perjalanan"] is None)
            bodies.append(answer.text.replace(one.nik, ""))
    assert leaked(bodies, [], victims) == []
    assert " home" not in "\n".join(body for body in bodies if f'"source":"{caller.organizer.upper()}' not in body)
