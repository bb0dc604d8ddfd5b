"""Whoever reads people leaves a trace that names them: at every root field of the schema, and at every path.

The fields come from the schema and the paths from the table of doors, so a new one is walked by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from graphql import GraphQLArgument, get_named_type
from starlette.applications import Starlette
from starlette.routing import Route

from app import clock
from app.changes.log import cursors, feed
from app.models.enums import RegistrantStatus
from app.registry import breach
from app.registry.niks.reads import STRETCH
from tests.graphql.conftest import EVERYDAY, Api
from tests.graphql.live.serving import Live
from tests.intake.lists import imported, row
from tests.patience import patience
from tests.privacy.aims import AIMS, AT_ONCE, FOR_THE_MINISTRY, NOBODY, Target, few
from tests.privacy.people import Person, Society
from tests.privacy.test_isolation import sent
from tests.privacy.walking import Walk
from tests.web.addresses import OF_THE_PAGES
from tests.world import DKI, NOW

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]


class Own(Target):
    """What the caller may see: its own people, routes and jobs."""

    def __init__(self, society: Society) -> None:
        super().__init__(society, DKI)
        self.people = society.owned_by(DKI)
        self.one_of_each = self.people
        self.organizers = [DKI.organizer]
        self.routes = list(self.own.values())
        self.webhooks = [str(society.webhooks[DKI.organizer])]
        self.jobs = [str(society.jobs[DKI.organizer])]


def masked(one: Person) -> str:
    return f"************{one.nik[-4:]}"


def shown(text: str, people: Sequence[Person]) -> set[str]:
    """Who of `people` stands in an answer: by NIK, by name, or by the id."""
    return {masked(one) for one in people if one.nik in text or one.name in text or str(one.id) in text}


async def traced(society: Society, client: str) -> set[str | None]:
    async with society.world.database.transaction() as session:
        looks = await breach.looks_of(session, society.world.vault, client, NOW, NOW + timedelta(days=1))
    # An export names nobody: whoever was erased may have been in it.
    assert all(look.exact for look in looks if look.what != "/export")
    return {nik for look in looks for nik in look.people}


async def client_of(society: Society, api: Api, organizer: str, scopes: tuple[str, ...] | None = None) -> str:
    """The client that `Api` calls as."""
    await api.token(organizer, scopes)
    newest = (
        "SELECT id FROM client WHERE organizer_code = :code AND id NOT LIKE '%-test' ORDER BY issued_at DESC, id DESC"
    )
    found = [one for [one] in await society.world.run(newest, code=organizer)]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("field", sorted(set(AIMS) - FOR_THE_MINISTRY))
async def test_every_root_field_leaves_a_trace_of_whom_it_showed(
    api: Api, society: Society, walk: Walk, field: str
) -> None:
    people = [one for one in society.owned_by(DKI) if one.kind != "erased"]
    texts = []
    for part in few(AIMS[field](Own(society)), AT_ONCE.get(field, 8)):
        document, variables = walk.document(field, part)
        answer = await api.post(organizer="dishub-dki", scopes=EVERYDAY, **sent(document, variables))
        texts.append(answer.text)
    client = await client_of(society, api, "dishub-dki", EVERYDAY)
    assert shown("".join(texts), people) <= await traced(society, client)


async def test_the_walk_shows_people(api: Api, society: Society, walk: Walk) -> None:
    """Else it would prove nothing."""
    people = [one for one in society.owned_by(DKI) if one.kind != "erased"]
    for field in ("registrants", "registrant", "booking", "changes", "_entities", "checkNiks", "importJob"):
        texts = []
        for part in few(AIMS[field](Own(society)), AT_ONCE.get(field, 8)):
            document, variables = walk.document(field, part)
            texts.append((await api.post(organizer="dishub-dki", scopes=EVERYDAY, **sent(document, variables))).text)
        found = shown("".join(texts), people)
        assert found == {masked(one) for one in people} or (field == "importJob" and found), field


BY_NIK: dict[str, dict[str, Any]] = {
    "registrant": {},
    "verifyRegistrant": {},
    "departRegistrant": {"healthy": True},
    "cancelRegistrant": {"reason": "Uji"},
    "moveRegistrant": {"routeId": str(UUID(int=1))},
    "correctRegistrant": {"input": {"reason": "Uji", "name": "Lain"}},
    "handOverMotorcycle": {},
}
"""Every field that takes one `RegistrantRef`, and what it asks for beside it."""


# --- paths ------------------------------------------------------------------------------------------------------------


async def asked(api: Api, method: str, path: str, content: Any = None) -> str:
    token = await api.token("dishub-dki", EVERYDAY)
    how = {} if content is None else {"json": content}
    answer = await api.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **how)
    assert answer.status_code == 200, (path, answer.text)
    return text_of(answer.content)


def text_of(content: bytes) -> str:
    """Also of a workbook."""
    if not content.startswith(b"PK"):
        return content.decode()
    with ZipFile(BytesIO(content)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


def row_of(one: Person, **changes: str) -> dict[str, str]:
    truck = {"rute_perjalanan": "dishub-dki truck", "nomor_polisi": one.plate, "nomor_stnk": one.registration_number}
    seat = {"rute_perjalanan": "dishub-dki home"}
    values = {"data_nik": one.nik, "data_pemesan": "Nama Lain", "source": "DISHUB-DKI"}
    return row(1) | values | (truck if one.kind == "motorcycle" else seat) | changes


async def calls(society: Society, people: Sequence[Person]) -> dict[str, list[tuple[str, str, Any]]]:
    """By the path of each route, what is asked there of one's own people."""
    rows = [row_of(one) for one in people if one.kind != "motorcycle"]
    job = await imported(society.world, DKI, rows)
    snapshot = society.jobs[DKI.organizer]
    return {
        **{f"/export.{form}": [("GET", f"/export.{form}?all=true", None)] for form in ("csv", "jsonl", "xlsx")},
        "/import/{id}/result.{format}": [("GET", f"/import/{job.id}/result.{form}", None) for form in ("csv", "xlsx")],
        "/import/{id}": [("GET", f"/import/{job.id}", None)],
        "/webhook/pemudik": [("POST", "/webhook/pemudik", rows)],
        "/legacy/cek-nik": [("POST", "/legacy/cek-nik", {"nik": one.nik}) for one in people],
        "/consolidation/{date}": [("GET", "/consolidation/2026-03-02", None)],
        "/import/{id}/cancel-missing": [("POST", f"/import/{snapshot}/cancel-missing", None)],
    }


NOT_OF_PEOPLE = {
    "/",
    "/.well-known/oauth-authorization-server",
    "/data/{season}/{file}",
    "/graphql",
    "/healthz",
    "/import",
    "/metrics",
    "/oauth/jwks.json",
    "/oauth/revoke",
    "/oauth/token",
    "/readyz",
    "/template.xlsx",
    "/uji/{organizer}/klien",
    "/openapi.json",
    *OF_THE_PAGES,
}
"""GraphQL is walked above. What is imported is answered by a job. A page asks GraphQL for whom it shows."""


async def test_every_path_leaves_a_trace_of_whom_it_showed(api: Api, society: Society, application: Starlette) -> None:
    people = [one for one in society.owned_by(DKI) if one.kind != "erased"]
    walked = await calls(society, people)
    assert {route.path for route in application.routes if isinstance(route, Route)} == walked.keys() | NOT_OF_PEOPLE
    client, seen = await client_of(society, api, "dishub-dki", EVERYDAY), {}
    for path, asked_for in walked.items():
        text = "".join([await asked(api, *one) for one in asked_for])
        seen[path] = shown(text, people)
        assert seen[path] <= await traced(society, client), path
        await society.world.run("DELETE FROM people_read")
        await society.world.run("DELETE FROM nik_access")
    assert {path: len(found) for path, found in seen.items() if found} == {
        "/export.csv": 10,
        "/export.jsonl": 10,
        "/export.xlsx": 10,
        "/import/{id}/result.{format}": 9,
        "/webhook/pemudik": 9,
        "/legacy/cek-nik": 8,
    }


Refs = list[dict[str, Any]]
MANY_BY_NIK: dict[str, Callable[[Society, Refs], dict[str, Any]]] = {
    "verifyRegistrants": lambda _, refs: {"refs": refs},
    "departRegistrants": lambda _, refs: {"refs": refs, "healthy": True},
    "moveRegistrants": lambda society, refs: {
        "inputs": [{"ref": ref, "routeId": str(society.routes["dishub-dki"]["home"])} for ref in refs]
    },
}
"""Root fields that take many references to people."""

# --- acts by NIK ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", sorted(BY_NIK))
async def test_whoever_names_somebody_by_nik_looks_at_the_nik(
    api: Api, society: Society, walk: Walk, field: str
) -> None:
    """Whatever is to be done, and whether it is done: whose person it is does not matter either."""
    niks = [society.of("dishub-dki", "registered").nik, society.of("djka", "registered").nik, NOBODY]
    given = [{"ref": {"nik": {"nik": nik}}, **BY_NIK[field]} for nik in niks]
    document, variables = walk.document(field, given, depth=0)
    await api.post(document, variables, organizer="dishub-dki")
    looked = await society.world.run(
        "SELECT nik_index FROM nik_access WHERE purpose = 'LOOKUP' AND organizer_code = 'dishub-dki'"
    )
    assert sorted(index for [index] in looked) == sorted(society.world.vault.blind_index(nik) for nik in niks)


@pytest.mark.parametrize("field", sorted(MANY_BY_NIK))
async def test_whoever_names_many_by_nik_looks_at_each(api: Api, society: Society, walk: Walk, field: str) -> None:
    niks = [society.of("dishub-dki", "registered").nik, society.of("djka", "registered").nik, NOBODY]
    refs = [{"nik": {"nik": nik}} for nik in niks]
    document, variables = walk.document(field, [MANY_BY_NIK[field](society, refs)], depth=0)
    await api.data(document, variables, organizer="dishub-dki")
    looked = await society.world.run(
        "SELECT nik_index FROM nik_access WHERE purpose = 'LOOKUP' AND organizer_code = 'dishub-dki'"
    )
    assert sorted(index for [index] in looked) == sorted(society.world.vault.blind_index(nik) for nik in niks)


async def test_every_field_that_takes_many_refs_is_among_them(walk: Walk) -> None:
    taking = {
        name
        for name, (_, one) in walk.root_fields().items()
        if "refs" in one.args
        or ("inputs" in one.args and "ref" in getattr(named_type(one.args["inputs"]), "fields", ()))
    }
    assert taking - FOR_THE_MINISTRY == set(MANY_BY_NIK)


def named_type(argument: GraphQLArgument) -> object:
    return get_named_type(argument.type)


async def test_every_field_that_takes_a_ref_is_among_them(walk: Walk) -> None:
    roots = walk.root_fields()
    taking = {name for name, (_, one) in roots.items() if "ref" in one.args} - FOR_THE_MINISTRY
    assert taking == set(BY_NIK)


# --- subscriptions ----------------------------------------------------------------------------------------------------


async def told(society: Society, client: str, what: str) -> list[breach.LookOfClient]:
    async with society.world.database.transaction() as session:
        looks = await breach.looks_of(session, society.world.vault, client, NOW, NOW + timedelta(days=1))
    return [look for look in looks if look.what == what]


async def until_exact(society: Society, client: str, what: str) -> list[breach.LookOfClient]:
    async with patience():
        while not all(look.exact for look in await told(society, client, what)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return await told(society, client, what)


async def test_a_subscription_writes_a_row_a_minute(
    api: Api, live: Live, society: Society, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded while it goes on, exact when it ends."""
    assert walk.schema.subscription_type is not None
    assert set(walk.schema.subscription_type.fields) == {"changes", "importProgress"}
    people = [one for one in society.owned_by(DKI) if one.kind != "erased"]
    async with live.client("dishub-dki", scopes=EVERYDAY) as client:
        await client.subscribe("1", walk.subscription("changes"), after=cursors.cursor(feed.START))
        heard: list[Any] = []
        async with patience():
            while shown(json.dumps(heard), people) != {masked(one) for one in people}:
                heard.append(await client.hear())
        name = await client_of(society, api, "dishub-dki", EVERYDAY)
        [going_on] = await told(society, name, "changes")
        assert not going_on.exact
        assert set(going_on.people) >= {masked(one) for one in people}
        monkeypatch.setattr(clock, "now", lambda: NOW + STRETCH)
        for one in people[:2]:
            await society.world.moved(one.id, RegistrantStatus.VERIFIED, DKI)
            heard.append(await client.hear())
    looks = await until_exact(society, name, "changes")
    assert [look.at for look in looks] == [NOW, NOW + STRETCH]
    assert set(looks[0].people) >= {masked(one) for one in people}


async def test_who_is_missing_is_traced_by_a_subscription_too(api: Api, live: Live, society: Society) -> None:
    document = """subscription ($id: ID!) { importProgress(id: $id) {
        missingRegistrants(first: 50) { nodes { id } } } }"""
    async with live.client("dishub-dki", scopes=EVERYDAY) as client:
        await client.subscribe("1", document, id=str(society.jobs["dishub-dki"]))
        heard = json.dumps(await client.hear())
        assert (await client.hear())["type"] == "complete"
    name = await client_of(society, api, "dishub-dki", EVERYDAY)
    [look] = await until_exact(society, name, "importProgress")
    found = shown(heard, [one for one in society.owned_by(DKI) if one.kind != "erased"])
    assert found
    assert found <= set(look.people)
