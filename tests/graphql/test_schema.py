"""The contract as a whole: scopes, descriptions, codes, and the file that is committed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_non_null_type,
)

from app.cli import refusals
from app.config import CHECKOUT
from app.graphql import permissions
from app.graphql.schema import EXECUTABLE, SCHEMA, sdl
from tests.graphql.promises import not_promised

FEDERATION = {"_FieldSet", "_Service", "_Any", "_Entity", "_entities", "_service"}
READ = (("registrants:read",), ("dashboard:read",))
ADMIN = (("hubdat:admin",),)
WRITE = (("registrants:write",),)
POSKO = (("registrants:write",), ("posko:act",))
IMPORTS = (("registrants:read",), ("registrants:write",))
ROUTES = (("routes:write",),)
WEBHOOKS = (("registrants:write",), ("hubdat:admin",))
CLIENTS = (("hubdat:admin",), ("clients:write",))

SCOPES = {
    "me": (),
    "checkNik": (("nik:check",),),
    "checkNiks": (("nik:check",),),
    "registrant": (("registrants:read",), ("posko:act",), ("dashboard:read",)),
    "registrants": READ,
    "organizer": (),
    "organizers": (),
    "route": (),
    "routes": (),
    "terminal": (),
    "terminals": (),
    "windows": (),
    "statistics": READ,
    "pulse": (("dashboard:read",),),
    "attention": READ,
    "changes": READ,
    "endOfChanges": READ,
    "webhooks": WEBHOOKS,
    "importJob": IMPORTS,
    "importJobs": IMPORTS,
    "importRows": IMPORTS,
    "consolidation": READ,
    "sweepHalts": ADMIN,
    "allowSweep": ADMIN,
    "cases": (*READ[:1], *ADMIN),
    "seasons": ADMIN,
    "clients": CLIENTS,
    "blocks": ADMIN,
    "releases": ADMIN,
    "adminChanges": ADMIN,
    "casePeople": ADMIN,
    "nikAccesses": ADMIN,
    "heldOnNik": ADMIN,
    "submitRegistrant": WRITE,
    "submitRegistrants": WRITE,
    "verifyRegistrant": POSKO,
    "verifyRegistrants": WRITE,
    "departRegistrant": POSKO,
    "departRegistrants": WRITE,
    "cancelRegistrant": WRITE,
    "moveRegistrant": WRITE,
    "moveRegistrants": WRITE,
    "booking": (("registrants:read",), ("posko:act",)),
    "holdSeats": WRITE,
    "giveBackSeats": WRITE,
    "submitBooking": WRITE,
    "verifyBooking": POSKO,
    "departBooking": POSKO,
    "cancelBooking": WRITE,
    "reopenRegistrant": ADMIN,
    "reopenRegistrants": ADMIN,
    "publishFigures": ADMIN,
    "setNikAllowance": ADMIN,
    "correctRegistrant": WRITE,
    "handOverMotorcycle": WRITE,
    "importRegistrants": WRITE,
    "importAsTried": WRITE,
    "cancelMissing": WRITE,
    "saveTerminals": ROUTES,
    "saveRoutes": ROUTES,
    "releaseQuota": ROUTES,
    "releaseQuotaDaily": ROUTES,
    "cancelRelease": ROUTES,
    "mergeRoute": (*ROUTES, *ADMIN),
    "mergeTerminal": (*ROUTES, *ADMIN),
    "issueWebhookSecret": CLIENTS,
    "saveWebhook": WEBHOOKS,
    "rotateWebhookSecret": WEBHOOKS,
    "testWebhook": WEBHOOKS,
    "redeliverWebhook": WEBHOOKS,
    "deleteWebhook": WEBHOOKS,
    "saveOrganizer": ADMIN,
    "saveWindow": ADMIN,
    "withdrawWindow": ADMIN,
    "issueClient": CLIENTS,
    "rotateClientSecret": CLIENTS,
    "revokeClient": CLIENTS,
    "blockNik": ADMIN,
    "liftNikBlock": ADMIN,
    "liftBlock": ADMIN,
    "decideCase": ADMIN,
    "eraseRegistrant": ADMIN,
}

SUBSCRIBED = {"changes": READ, "importProgress": IMPORTS}


def test_every_root_field_declares_its_scope() -> None:
    assert EXECUTABLE.query_type is not None
    assert EXECUTABLE.mutation_type is not None
    fields = {**EXECUTABLE.query_type.fields, **EXECUTABLE.mutation_type.fields}
    declared = {name: permissions.declared(field) for name, field in fields.items() if name not in FEDERATION}
    assert declared == {name: tuple(frozenset(scopes) for scopes in wanted) for name, wanted in SCOPES.items()}


def test_what_can_fail_alone_fails_alone() -> None:
    """A root field without a value must not take those beside it along, whatever asks for them together."""
    roots = [root for root in (EXECUTABLE.query_type, EXECUTABLE.mutation_type) if root is not None]
    fields = {name: field.type for root in roots for name, field in root.fields.items() if name not in FEDERATION}
    others = {
        name
        for name, type_ in fields.items()
        if is_non_null_type(type_) and not isinstance(get_named_type(type_), GraphQLUnionType)
    }
    assert len(fields) == 82
    assert others == set()


def test_every_subscription_declares_its_scope() -> None:
    assert EXECUTABLE.subscription_type is not None
    declared = {name: permissions.declared(field) for name, field in EXECUTABLE.subscription_type.fields.items()}
    assert declared == {name: tuple(frozenset(scopes) for scopes in wanted) for name, wanted in SUBSCRIBED.items()}


def test_what_declares_nothing_is_told_from_what_is_open_to_every_client() -> None:
    assert EXECUTABLE.query_type is not None
    assert permissions.declared(EXECUTABLE.query_type.fields["_service"]) is None
    assert permissions.declared(EXECUTABLE.query_type.fields["me"]) == ()


def test_the_committed_contract_is_current() -> None:
    assert (CHECKOUT / "schema.graphql").read_text() == sdl()


def test_the_committed_table_of_refusals_is_current() -> None:
    assert (CHECKOUT / "docs/refusals.md").read_text() == refusals.page()


def test_a_code_that_no_description_names_is_noticed() -> None:
    query = "mutation { one: handOverMotorcycle { ...P } verifyRegistrant { ...P } } fragment P on Problem { code }"
    given = {"one": {"code": "TRANSITION_NOT_ALLOWED"}, "verifyRegistrant": {"code": "TRANSITION_NOT_ALLOWED"}}
    failed = {"path": ["one"], "extensions": {"code": "QUOTA_FULL"}}
    answer = httpx.Response(200, json={"data": given, "errors": [failed]})
    assert not_promised(query, answer) == {("one", "TRANSITION_NOT_ALLOWED"), ("one", "QUOTA_FULL")}


def undescribed() -> Iterator[str]:
    for name, type_ in EXECUTABLE.type_map.items():
        if "__" in name or name in FEDERATION or name in {"String", "Int", "Boolean", "ID", "Float"}:
            continue
        if not type_.description:
            yield name
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, member in type_.values.items() if not member.description)
        if isinstance(type_, GraphQLInputObjectType):
            yield from (f"{name}.{field}" for field, given in type_.fields.items() if not given.description)
        if isinstance(type_, GraphQLObjectType):
            for field, found in type_.fields.items():
                if field in FEDERATION:
                    continue
                if not found.description:
                    yield f"{name}.{field}"
                yield from (f"{name}.{field}.{key}" for key, given in found.args.items() if not given.description)


def test_everything_is_described() -> None:
    assert list(undescribed()) == []


def test_the_sdl_of_the_service_is_printed_once() -> None:
    service = EXECUTABLE.type_map["_Service"]
    assert isinstance(service, GraphQLObjectType)
    resolve = service.fields["sdl"].resolve
    assert resolve is not None
    assert resolve(None, None) == SCHEMA.as_str()
    assert resolve(None, None) is resolve(None, None)
