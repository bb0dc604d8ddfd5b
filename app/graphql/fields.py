"""Fields below the root whose values are loaded when asked for, and how many items a list is taken to have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.federation.schema_directives import ListSize

Resolver = TypeVar("Resolver", bound=Callable[..., Any])

PAGED = ListSize(
    assumed_size=strawberry.UNSET,
    slicing_arguments=["first"],
    sized_fields=["nodes", "edges"],
    require_one_slicing_argument=False,
)
"""For a field that answers a connection."""
SLICED = ListSize(
    assumed_size=strawberry.UNSET,
    slicing_arguments=["first"],
    sized_fields=strawberry.UNSET,
    require_one_slicing_argument=False,
)
"""For a field that answers a plain list, as long as `first` asks."""


def sized(size: int) -> ListSize:
    """For a list without pages that has about `size` items. `app.graphql.engine.limits` and gateways read it."""
    return ListSize(
        assumed_size=size,
        slicing_arguments=strawberry.UNSET,
        sized_fields=strawberry.UNSET,
        require_one_slicing_argument=False,
    )


def loaded(description: str, *directives: object, name: str | None = None) -> Callable[[Resolver], Resolver]:
    """A field whose value is loaded when it is asked for."""

    def field(resolver: Resolver) -> Resolver:
        made: Any = strawberry.federation.field(
            resolver=resolver, name=name, description=description, directives=list(directives)
        )
        return made  # type: ignore[no-any-return]

    return field
