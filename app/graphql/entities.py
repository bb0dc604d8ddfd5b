"""Federation's `_entities`: keys are validated, each type is loaded in one batch, scopes are asked for as at the root.

A representation that names nothing of ours is answered with null and one error; the others are answered as usual.
Strawberry's own resolver would pass raw JSON on as keyword arguments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.graphql.context import Context
from app.graphql.failures import RequestError
from app.graphql.internals import SchemaWithEntities
from app.graphql.permissions import TO_SEE_REGISTRANTS, Alternatives, satisfied
from app.graphql.scalars import identifier
from app.graphql.topics import registrants
from app.graphql.topics.catalogue import Organizer, Route
from app.graphql.topics.terminals import Terminal

LONGEST_KEY = 64
"""In characters."""


@dataclass(frozen=True, slots=True)
class Entity:
    """How the entities of one type are named and loaded, and which scopes they ask for."""

    key: str
    load: Callable[[Context, list[str]], Awaitable[Sequence[object]]]
    scopes: Alternatives = ()


async def _organizers(context: Context, codes: list[str]) -> list[Organizer | None]:
    records = await context.organizers.load_many(codes)
    return [None if record is None else Organizer.from_record(record) for record in records]


async def _terminals(context: Context, codes: list[str]) -> list[Terminal | None]:
    records = await context.terminals.load_many(codes)
    return [None if record is None else Terminal.from_record(record) for record in records]


async def _routes(context: Context, ids: list[str]) -> list[Route | None]:
    records = await context.routes.load_many([identifier(key) for key in ids])
    return [None if record is None else Route.from_record(record) for record in records]


ENTITIES = {
    "Organizer": Entity("code", _organizers),
    "Terminal": Entity("code", _terminals),
    "Route": Entity("id", _routes),
    "Registrant": Entity("id", registrants.by_keys, TO_SEE_REGISTRANTS),
}


class FederatedSchema(SchemaWithEntities):
    async def resolve_entities(self, context: Context, representations: Sequence[object]) -> list[object]:
        return await resolve(context, representations)


async def resolve(context: Context, representations: Sequence[object]) -> list[object]:
    """What each representation names, in their order: an entity, None if there is no such entity, or an error."""
    found: list[object] = [None] * len(representations)
    wanted: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, representation in enumerate(representations):
        named = _named(context, representation)
        if isinstance(named, RequestError):
            found[place] = named
        else:
            wanted[named[0]].append((place, named[1]))
    for typename, places in wanted.items():
        entities = await ENTITIES[typename].load(context, [key for _, key in places])
        for (place, _), entity in zip(places, entities, strict=True):
            found[place] = entity
    return found


def _named(context: Context, representation: object) -> tuple[str, str] | RequestError:
    """The type and the key that a representation names. Its other fields are not looked at."""
    typename = representation.get("__typename") if isinstance(representation, dict) else None
    entity = ENTITIES.get(typename) if isinstance(typename, str) else None
    if entity is None or not isinstance(representation, dict):
        return RequestError(
            f"A representation names one of {', '.join(ENTITIES)}",
            "UNKNOWN_ENTITY",
            f"Representasi menyebut salah satu dari {', '.join(ENTITIES)}",
        )
    key = representation.get(entity.key)
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY:
        return RequestError(
            f"{typename} is named by `{entity.key}`, a string",
            "INVALID_ENTITY_KEY",
            f"{typename} disebut dengan `{entity.key}`, sebuah teks",
        )
    if not satisfied(entity.scopes, context.principal.scopes):
        return RequestError(
            f"The access token lacks a scope for {typename}",
            "FORBIDDEN",
            f"Token akses ini tidak memiliki izin (scope) untuk {typename}",
        )
    return str(typename), key
