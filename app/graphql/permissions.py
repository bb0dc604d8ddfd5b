"""Which scopes a root field asks for: declared once, as federation's directives, which a gateway reads as well.

The engine enforces the scopes from the schema before anything runs: if one selected root field is not allowed, none
runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import isasyncgenfunction
from typing import Any

import strawberry
from graphql import GraphQLField
from strawberry.federation.schema_directives import Authenticated, RequiresScopes

from app.auth.bearer import Unauthorized, insufficient_scope
from app.graphql.internals import directives_of
from app.registry.clients.scopes import DASHBOARD_READ, FEDERATION_READ, HUBDAT_ADMIN, REGISTRANTS_READ

Alternatives = tuple[frozenset[str], ...]
"""A client needs all scopes of one of these sets. Without any set, every authenticated client will do."""

TO_SEE_REGISTRANTS: Alternatives = (frozenset({REGISTRANTS_READ}), frozenset({DASHBOARD_READ}))
TO_SEE_THE_SCHEMA: Alternatives = (
    frozenset({FEDERATION_READ}),
    frozenset({DASHBOARD_READ}),
    frozenset({HUBDAT_ADMIN}),
)
OF_THE_SCHEMA = frozenset({"__schema", "__type", "_service"})
"""Root fields that tell the schema."""
SCHEMA_NOT_TOLD = (
    (
        "Skema hanya diberikan kepada gateway; baca schema.graphql yang disertakan pada registri, atau minta klien"
        " dengan izin federation:read kepada Ditjen Hubdat."
    ),
    (
        "The schema is told to gateways alone; read schema.graphql, which comes with the registry, or ask Ditjen Hubdat"
        " for a client with federation:read."
    ),
)


def open_to(
    resolver: Callable[..., Any], *alternatives: str, description: str, directives: Iterable[object] = ()
) -> Any:
    """A root field for whoever holds one of the scopes `alternatives`; with none, for every authenticated client."""
    return strawberry.federation.field(
        resolver=resolver,
        is_subscription=isasyncgenfunction(resolver),
        description=description,
        directives=list(directives),
        authenticated=not alternatives,
        requires_scopes=[[scope] for scope in alternatives],
    )


def declared(field: GraphQLField) -> Alternatives | None:
    """The scopes that a root field's directives ask for. None: it declares nothing, not even that a token is needed."""
    for directive in directives_of(field):
        if isinstance(directive, RequiresScopes):
            return tuple(frozenset(scopes) for scopes in directive.scopes)
        if isinstance(directive, Authenticated):
            return ()
    return None


def satisfied(alternatives: Alternatives, scopes: frozenset[str]) -> bool:
    return not alternatives or any(wanted <= scopes for wanted in alternatives)


def refusal(required: Iterable[Alternatives], scopes: frozenset[str]) -> Unauthorized | None:
    """The 403 of RFC 6750 §3.1 for the first field whose scopes are missing."""
    for alternatives in required:
        if not satisfied(alternatives, scopes):
            words = SCHEMA_NOT_TOLD if alternatives is TO_SEE_THE_SCHEMA else None
            return insufficient_scope(sorted(alternatives[0]), words)
    return None
