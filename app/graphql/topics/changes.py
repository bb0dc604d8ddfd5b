"""The changes of registrants in the order of the log: page by page, and as they happen.

A client gets the changes of its own registrants, or with `dashboard:read` everyone's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.changes.log import cursors, feed, tail
from app.changes.log.cursors import InvalidCursor
from app.changes.log.feed import FeedItem, Gone, Position
from app.graphql import paging
from app.graphql.context import Context, Info
from app.graphql.failures import RequestError
from app.graphql.paging import Connection, First
from app.graphql.scalars import given
from app.graphql.topics.registrants import Change, Registrant
from app.registry.registrants import view

PAGE_COST = 20 * tail.PAGE_SIZE
"""Units for a page of a subscription that is not at the end of the log: its changes are read, opened and written."""

AfterChange = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "The cursor of a change, or an `endCursor`: what follows it comes, all of it and once. Left out: from the"
            " beginning of the log."
        )
    ),
]
ResumeAfter = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "The cursor of the last change that you had: what happened since comes first, then what happens. Left out:"
            " from now on."
        )
    ),
]


async def find_changes(info: Info, first: First = 100, after: AfterChange = UNSET) -> Connection[Change] | None:
    context, size = info.context, paging.size(first)
    behind = position_of(given(after)) or feed.START
    try:
        async with context.process.database.statements() as session:
            page = await feed.page(session, context.followed, behind, most=size + 1)
    except Gone as gone:
        raise await lost(context, gone) from None
    return paging.connected(
        [cursors.cursor(item.change.position) for item in page.items],
        [_shown(item, context) for item in page.items],
        first=first,
        after=given(after),
        # An empty page ends here as well: the next request skips what does not concern this client.
        end=cursors.cursor(page.end),
    )


async def end_of_changes(info: Info) -> str | None:
    async with info.context.process.database.statements() as session:
        return cursors.cursor(await feed.horizon(session))


async def follow_changes(info: Info, after: ResumeAfter = UNSET) -> AsyncGenerator[Change, None]:
    context = info.context
    behind = position_of(given(after))

    def turn() -> AbstractAsyncContextManager[None]:
        # A subscription has begun to be answered: it waits as long as it has to.
        return context.process.turns.turn(context.caller.client_id or "", PAGE_COST, refusable=False)

    try:
        async with aclosing(context.process.tail.follow(context.followed, behind, turn)) as items:
            async for item in items:
                yield _shown(item, context)
    except Gone as gone:
        raise await lost(context, gone) from None


async def lost(context: Context, gone: Gone) -> RequestError:
    """What a client is told whose cursor stands on a row that is not in this log. `after` says where to go on."""
    if gone.position.mark is None:
        return paging.no_cursor()
    async with context.process.database.statements() as session:
        shared = await cursors.last_shared(session, gone.position)
    return RequestError(
        "The change of this cursor is not in the log any more: a failover or a restore has lost it. Go on from the"
        " cursor in `extensions.after`, the last place that both logs share; some changes may come once more",
        "CURSOR_LOST",
        "Perubahan pada penanda ini tidak ada lagi dalam catatan: hilang saat alih server atau pemulihan. Lanjutkan"
        " dari penanda dalam `extensions.after`, titik terakhir yang sama; ada yang datang sekali lagi",
        after=cursors.cursor(shared),
    )


def position_of(after: str | None) -> Position | None:
    if after is None:
        return None
    try:
        return cursors.position(after)
    except InvalidCursor:
        raise paging.no_cursor() from None


def _shown(item: FeedItem, context: Context) -> Change:
    """The change as this client may see it. All who follow share the item, so each of its two views is made once."""
    context.shown.note(item.registrant.id, item.registrant.organizer)
    own = context.reader.owns(item.registrant.organizer)
    if own not in item.shown:
        seen = view.from_row(item.registrant, context.process.vault, context.reader)
        item.shown[own] = Change.from_log(item.change, Registrant.of(seen))
    shown: Change = item.shown[own]
    return shown
