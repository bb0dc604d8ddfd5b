"""Keyset pages: rows in the order of their ids, from behind an opaque cursor; `first` is 1 to 200."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import strawberry

from app.graphql.failures import RequestError
from app.registry.values.trial import cursor_mark

LARGEST_PAGE = 200
"""In items."""
_VERSION = b"\x01"

Node = TypeVar("Node")

First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {LARGEST_PAGE}.")]
After = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor of this list: the page begins behind it. It is opaque and never expires."
    ),
]
OldestFirst = Annotated[
    bool, strawberry.argument(description="The oldest first. A cursor goes on in the order in which it was given.")
]


@strawberry.federation.type(name="PageInfo", shareable=True, description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more behind `endCursor`.")
    has_previous_page: bool = strawberry.field(description="Whether this page began behind a cursor.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Give this as `after` for the next page.")


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[Node]):
    cursor: str = strawberry.field(description="Opaque; give it as `after` to go on from here.")
    node: Node = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    nodes: list[Node] = strawberry.field(description="The items.")
    edges: list[Edge[Node]] = strawberry.field(description="The items, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and where.")


def cursor_of(id: UUID) -> str:
    return urlsafe_b64encode(cursor_mark() + _VERSION + id.bytes).rstrip(b"=").decode()


def position(after: str | None) -> UUID | None:
    """The id behind which a page begins. None: the page is the first. Raises `RequestError` for what is no cursor."""
    if after is None:
        return None
    try:
        raw = urlsafe_b64decode(after + "=" * (-len(after) % 4))
        place = UUID(bytes=raw[len(cursor_mark() + _VERSION) :])
    except ValueError:
        raise no_cursor() from None
    if cursor_of(place) != after:
        raise no_cursor()
    return place


def size(first: int) -> int:
    if not 1 <= first <= LARGEST_PAGE:
        words = f"`first` must be between 1 and {LARGEST_PAGE}", f"`first` harus antara 1 dan {LARGEST_PAGE}"
        raise RequestError(words[0], "INVALID_PAGE_SIZE", words[1], most=LARGEST_PAGE)
    return first


def connection(ids: Sequence[UUID], nodes: Sequence[Node], *, first: int, after: str | None) -> Connection[Node]:
    """`ids` and `nodes` hold one item more than `first` when there is a next page."""
    return connected([cursor_of(key) for key in ids], nodes, first=first, after=after)


def connected(
    cursors: Sequence[str], nodes: Sequence[Node], *, first: int, after: str | None, end: str | None = None
) -> Connection[Node]:
    """`end` is the end cursor of an empty page, for a list to which more is added later."""
    edges = [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors[:first], nodes[:first], strict=True)]
    page_info = PageInfo(
        has_next_page=len(nodes) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else end,
    )
    return Connection(nodes=list(nodes[:first]), edges=edges, page_info=page_info)


def no_cursor() -> RequestError:
    return RequestError(
        "`after` is no cursor; give an `endCursor` as it was answered",
        "INVALID_CURSOR",
        "`after` bukan penanda halaman; kirim `endCursor` seperti yang dijawab",
    )
