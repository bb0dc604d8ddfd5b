import asyncio
import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.db import Database
from app.errors import InvalidValue, NotFound
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from tests import queries

pytestmark = pytest.mark.anyio

ADMIN = Caller("hubdat-aaaaaaaa", "hubdat")


@pytest.fixture(autouse=True)
async def organizers(database: Database) -> None:
    async with database.transaction() as session:
        await queries.run(
            session,
            "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}'), ('djka', 'DJKA', '{}')",
        )


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        return [tuple(row) for row in await queries.run(session, statement)]


async def issued(database: Database, now: datetime, **changes: Any) -> Issued:
    wanted = {"organizer": "djka", "scopes": ["nik:check"], "public_keys": None, **changes}
    async with database.transaction() as session:
        answer = await clients.issue(session, ADMIN, now=now, **wanted, own=None)
    assert isinstance(answer, Issued)
    return answer


async def refused(database: Database, now: datetime, **changes: Any) -> Any:
    wanted = {"organizer": "djka", "scopes": ["nik:check"], "public_keys": None, **changes}
    async with database.transaction() as session:
        answer = await clients.issue(session, ADMIN, now=now, **wanted, own=None)
    for table in ("client", "client_secret", "check_budget", "change"):
        assert await rows(database, f"SELECT count(*) FROM {table}") == [(0,)]
    return answer


def jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


def public(key: Any) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


async def test_a_client_is_issued_with_one_secret_that_only_its_digest_is_kept_of(
    database: Database, now: datetime
) -> None:
    answer = await issued(database, now, scopes=["registrants:write", "nik:check", "nik:check"])

    assert answer.secret is not None
    assert len(answer.secret) == 43
    assert re.fullmatch(r"djka-[a-z2-7]{8}", answer.client.id)
    assert answer.client == clients.Client(
        id=answer.client.id,
        organizer="djka",
        scopes=["nik:check", "registrants:write"],
        issued_at=now,
        revoked_at=None,
    )
    assert answer.secret not in repr(answer)
    digest = hashlib.sha256(answer.secret.encode()).digest()
    assert await rows(database, "SELECT client_id, digest, issued_at FROM client_secret") == [
        (answer.client.id, digest, now)
    ]
    assert await rows(database, "SELECT client_id, tokens, refilled_at FROM check_budget") == [
        (answer.client.id, 5000.0, now)
    ]
    assert await rows(database, "SELECT check_capacity, check_refill, public_keys FROM client") == [(5000, 100, None)]
    assert await rows(database, "SELECT at, kind, organizer_code, client_id, facts FROM change") == [
        (
            now,
            "CLIENT_ISSUED",
            "djka",
            "hubdat-aaaaaaaa",
            {"client": answer.client.id, "scopes": ["nik:check", "registrants:write"]},
        )
    ]


async def test_a_client_has_the_budget_that_is_asked_for(database: Database, now: datetime) -> None:
    await issued(database, now, capacity=7, refill=2)
    assert await rows(database, "SELECT check_capacity, check_refill FROM client") == [(7, 2)]
    assert await rows(database, "SELECT tokens FROM check_budget") == [(7.0,)]


@pytest.mark.parametrize("budget", [{"capacity": 0}, {"refill": 0}])
async def test_a_budget_of_nothing_is_refused(database: Database, now: datetime, budget: dict[str, int]) -> None:
    answer = await refused(database, now, **budget)
    assert isinstance(answer, InvalidValue)
    assert answer.field == "budget"


async def test_an_unknown_organizer_is_refused(database: Database, now: datetime) -> None:
    answer = await refused(database, now, organizer="nobody")
    assert isinstance(answer, NotFound)
    assert answer.field == "organizer"


@pytest.mark.parametrize(
    ("scopes", "english"),
    [
        ([], "Name at least one scope."),
        (
            ["nik:check", "nik:all"],
            (
                "The scopes are: "
                "nik:check, registrants:write, registrants:read, routes:write, posko:act, dashboard:read, "
                "hubdat:admin, federation:read, clients:write."
            ),
        ),
        (["hubdat:admin", "nik:check"], "Only for clients of hubdat: hubdat:admin."),
        (
            ["hubdat:admin", "dashboard:read"],
            "Only for clients of hubdat: dashboard:read, hubdat:admin.",
        ),
    ],
)
async def test_scopes_that_a_client_may_not_hold_are_refused(
    database: Database, now: datetime, scopes: list[str], english: str
) -> None:
    answer = await refused(database, now, scopes=scopes)
    assert isinstance(answer, InvalidValue)
    assert answer.field == "scopes"
    assert answer.message("en") == english


async def test_hubdat_may_hold_every_scope(database: Database, now: datetime) -> None:
    answer = await issued(database, now, organizer="hubdat", scopes=["hubdat:admin", "dashboard:read"])
    assert answer.client.scopes == ["dashboard:read", "hubdat:admin"]


async def test_a_client_with_public_keys_has_no_secret(database: Database, now: datetime) -> None:
    elliptic = ECKey.generate_key("P-256")
    edwards = OKPKey.generate_key("Ed25519", parameters={"kid": "mine", "use": "sig"})
    rsa = RSAKey.generate_key(2048, parameters={"alg": "PS256"})

    answer = await issued(database, now, public_keys=jwks(public(elliptic), public(edwards), public(rsa)))

    assert answer.secret is None
    assert await rows(database, "SELECT count(*) FROM client_secret") == [(0,)]
    assert await rows(database, "SELECT public_keys FROM client") == [
        (
            {
                "keys": [
                    {**public(elliptic), "kid": elliptic.thumbprint(), "use": "sig"},
                    {**public(edwards), "kid": "mine", "use": "sig"},
                    {**public(rsa), "kid": rsa.thumbprint(), "use": "sig", "alg": "PS256"},
                ]
            },
        )
    ]


EC = public(ECKey.generate_key("P-256"))
NOT_A_SET = 'This must be a JWK Set: {"keys": [...]}.'
NOT_ACCEPTED = "A key must be EC P-256, Ed25519, or RSA of 2048 to 4096 bits."
PRIVATE = "Send public keys only, never private ones."


@pytest.mark.parametrize(
    ("keys", "english"),
    [
        ("", NOT_A_SET),
        ("not json", NOT_A_SET),
        ("[]", NOT_A_SET),
        ('{"keys": {}}', NOT_A_SET),
        ('{"keys": [1]}', NOT_A_SET),
        ("[" * 10_000, NOT_A_SET),
        (" " * 20_000 + jwks(EC), NOT_A_SET),
        (jwks(), "There must be 1 to 5 keys."),
        (jwks(*[{**EC, "kid": str(place)} for place in range(6)]), "There must be 1 to 5 keys."),
        (jwks(EC, EC), "Each key needs a kid of its own."),
        (jwks({**EC, "kid": "a"}, {**public(ECKey.generate_key()), "kid": "a"}), "Each key needs a kid of its own."),
        (jwks(dict(ECKey.generate_key("P-256").as_dict(private=True))), PRIVATE),
        (jwks(dict(RSAKey.generate_key(2048).as_dict(private=True))), PRIVATE),
        (jwks(dict(OctKey.generate_key(256).as_dict(private=True))), PRIVATE),
        (jwks({**EC, "use": "enc"}), "use must be sig, and kid at most 100 characters."),
        (jwks({**EC, "kid": 5}), "use must be sig, and kid at most 100 characters."),
        (jwks({**EC, "kid": "a" * 101}), "use must be sig, and kid at most 100 characters."),
        (jwks({**EC, "kid": "a\x00"}), "use must be sig, and kid at most 100 characters."),
        (jwks(public(ECKey.generate_key("P-384"))), NOT_ACCEPTED),
        (jwks(public(OKPKey.generate_key("X25519"))), NOT_ACCEPTED),
        (jwks(public(OKPKey.generate_key("Ed448"))), NOT_ACCEPTED),
        (jwks({**EC, "alg": "RS256"}), NOT_ACCEPTED),
        (jwks({**EC, "x": "AAAA"}), NOT_ACCEPTED),
        (jwks({**EC, "x": 7}), NOT_ACCEPTED),
        (jwks({**EC, "crv": "P-999"}), NOT_ACCEPTED),
        (jwks({"kty": "EC"}), NOT_ACCEPTED),
        (jwks({"kty": "AKP"}), NOT_ACCEPTED),
        (jwks({"kty": ["EC"]}), NOT_ACCEPTED),
        (jwks({}), NOT_ACCEPTED),
        (jwks({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), NOT_ACCEPTED),
        (jwks({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), NOT_ACCEPTED),
    ],
)
async def test_unfit_public_keys_are_refused(database: Database, now: datetime, keys: str, english: str) -> None:
    answer = await refused(database, now, public_keys=keys)
    assert isinstance(answer, InvalidValue)
    assert answer.field == "publicKeys"
    assert answer.message("en") == english


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_a_short_rsa_key_is_refused(database: Database, now: datetime) -> None:
    answer = await refused(database, now, public_keys=jwks(public(RSAKey.generate_key(1024))))
    assert answer.message("en") == NOT_ACCEPTED


async def test_rotating_keeps_the_secret_before_and_ends_the_one_before_that(database: Database, now: datetime) -> None:
    first = await issued(database, now)
    secrets = [first.secret]
    for minute in (1, 2):
        async with database.transaction() as session:
            answer = await clients.rotate(session, ADMIN, first.client.id, now + timedelta(minutes=minute), own=None)
        assert isinstance(answer, Issued)
        assert answer.client == first.client
        secrets.append(answer.secret)
        live = await rows(database, "SELECT digest FROM client_secret ORDER BY issued_at")
        assert live == [(clients.digest(str(secret)),) for secret in secrets[-2:]]

    assert len(set(secrets)) == 3
    assert await rows(
        database, "SELECT kind, organizer_code, client_id, facts ->> 'client' FROM change ORDER BY id"
    ) == [
        (kind, "djka", "hubdat-aaaaaaaa", first.client.id)
        for kind in ("CLIENT_ISSUED", "CLIENT_ROTATED", "CLIENT_ROTATED")
    ]


async def test_what_has_no_secret_cannot_be_rotated(database: Database, now: datetime) -> None:
    signing = await issued(database, now, public_keys=jwks(EC))
    revoked = await issued(database, now)
    async with database.transaction() as session:
        await clients.revoke(session, ADMIN, revoked.client.id, now, own=None)
    before = await rows(database, "SELECT kind FROM change")

    answers = []
    for client_id in (signing.client.id, revoked.client.id, "djka-nothere"):
        async with database.transaction() as session:
            answers.append(await clients.rotate(session, ADMIN, client_id, now, own=None))

    assert [type(answer) for answer in answers] == [InvalidValue, InvalidValue, NotFound]
    assert [answer.message("en") for answer in answers[:2] if isinstance(answer, InvalidValue)] == [
        "This client signs with keys of its own and has no secret.",
        "This client has been revoked; issue a new one.",
    ]
    assert await rows(database, "SELECT kind FROM change") == before
    assert await rows(database, "SELECT count(*) FROM client_secret") == [(0,)]


async def test_revoking_ends_client_and_secrets_once(database: Database, now: datetime) -> None:
    first = await issued(database, now)
    other = await issued(database, now)
    for hours in (1, 2):
        async with database.transaction() as session:
            answer = await clients.revoke(session, ADMIN, first.client.id, now + timedelta(hours=hours), own=None)
        assert isinstance(answer, clients.Client)
        assert answer.revoked_at == now + timedelta(hours=1)

    assert await rows(database, "SELECT client_id FROM client_secret") == [(other.client.id,)]
    assert await rows(database, "SELECT facts ->> 'client' FROM change WHERE kind = 'CLIENT_REVOKED'") == [
        (first.client.id,)
    ]


async def test_concurrent_rotations_leave_two_secrets_and_a_revocation_among_them_none(
    database: Database, now: datetime
) -> None:
    first = await issued(database, now)

    async def rotate() -> object:
        async with database.transaction() as session:
            return await clients.rotate(session, ADMIN, first.client.id, now, own=None)

    async def revoke() -> object:
        async with database.transaction() as session:
            return await clients.revoke(session, ADMIN, first.client.id, now, own=None)

    await asyncio.gather(*(rotate() for _ in range(8)))
    assert await rows(database, "SELECT count(*) FROM client_secret") == [(2,)]
    await asyncio.gather(rotate(), rotate(), revoke(), rotate(), revoke(), rotate())
    assert await rows(database, "SELECT count(*) FROM client_secret") == [(0,)]
    assert await rows(database, "SELECT count(*) FROM change WHERE kind = 'CLIENT_REVOKED'") == [(1,)]


async def test_an_unknown_client_cannot_be_revoked(database: Database, now: datetime) -> None:
    async with database.transaction() as session:
        answer = await clients.revoke(session, ADMIN, "djka-nothere", now, own=None)
    assert isinstance(answer, NotFound)
    assert answer.field == "id"
    assert await rows(database, "SELECT count(*) FROM change") == [(0,)]


async def test_clients_are_listed_by_organizer_and_found_by_id(database: Database, now: datetime) -> None:
    hubdat = await issued(database, now, organizer="hubdat", scopes=["hubdat:admin"])
    djka = await issued(database, now + timedelta(hours=1))
    async with database.transaction() as session:
        assert await clients.all_of(session) == [djka.client, hubdat.client]
        assert await clients.get(session, djka.client.id) == djka.client
        assert await clients.get(session, "djka-nothere") is None
