"""Lists and history for who runs the registry: seasons, clients, blocks, releases, and who changed what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.changes.log import admin_changes, cursors, feed
from app.changes.log.feed import Gone
from app.errors import Refusal, RefusalError
from app.graphql import paging
from app.graphql.context import Info
from app.graphql.fields import loaded, sized
from app.graphql.paging import After, Connection, First, OldestFirst
from app.graphql.scalars import given
from app.graphql.topics import catalogue
from app.graphql.topics.catalogue import Organizer, QuotaRelease
from app.graphql.topics.changes import AfterChange, lost, position_of
from app.graphql.topics.niks import Reason
from app.graphql.vocabulary import AdminChangeKind
from app.registry.clients import clients
from app.registry.niks import block_list
from app.registry.niks.block_list import ListedBlock
from app.registry.routes import release_list
from app.registry.terms import seasons

OfOrganizer = Annotated[ID | None, strawberry.argument(description="Of this one; left out: of all.")]


@strawberry.type(description="A programme year.")
class Season:
    year: int = strawberry.field(description="Its number.")
    ends_on: date = strawberry.field(description="Its last day.")
    closed_at: datetime | None = strawberry.field(description="Since when it is read only. Null: it is open.")
    purged_at: datetime | None = strawberry.field(description="Since when its people are anonymous.")
    publishes_figures: bool = strawberry.field(
        description="Whether everybody may read its figures at `/data/{year}/`; see `publishFigures`."
    )

    @classmethod
    def from_record(cls, season: seasons.Season) -> Season:
        return cls(
            year=season.year,
            ends_on=season.ends_on,
            closed_at=season.closed_at,
            purged_at=season.purged_at,
            publishes_figures=season.publishes_figures,
        )


@strawberry.type(description="A client of an organizer, as Hubdat lists it.")
class ListedClient:
    id: ID = strawberry.field(description="Its `client_id`.")
    scopes: list[str] = strawberry.federation.field(description="What it may do.", directives=[sized(9)])
    issued_at: datetime = strawberry.field(description="When it was made.")
    revoked_at: datetime | None = strawberry.field(description="When it was ended.")
    last_used_at: datetime | None = strawberry.field(
        description="When it last got an access token, to the minute. Null: never, or not since version 0.3."
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, client: clients.Client) -> ListedClient:
        return cls(
            id=ID(client.id),
            scopes=list(client.scopes),
            issued_at=client.issued_at,
            revoked_at=client.revoked_at,
            last_used_at=client.last_used_at,
            organizer_code=client.organizer,
        )

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await catalogue.get_organizer(info, self.organizer_code)


@strawberry.type(description="A block of a NIK, as Hubdat lists it. A block knows no NIK, only its keyed digest.")
class NikBlock:
    id: ID = strawberry.field(description="A UUID; `adminChanges` names it.")
    reason: str = strawberry.field(description="Why.")
    from_season: int = strawberry.field(description="The first season that it is for.")
    until_season: int = strawberry.field(description="The last one.")
    since: datetime = strawberry.field(description="When it was issued.")
    client: str | None = strawberry.field(description="By which client. Null: by the registry itself.")
    registrant_id: ID | None = strawberry.field(description="The forfeited registrant that it came from.")
    lifted_at: datetime | None = strawberry.field(description="When it was lifted. Null: it was not.")
    lifted_by: str | None = strawberry.field(description="By which client.")
    lift_reason: str | None = strawberry.field(description="Why it was lifted.")
    issued_by_person: str | None = strawberry.field(
        description="The e-mail of who issued it on the pages. Null: a program, or the registry itself."
    )
    lifted_by_person: str | None = strawberry.field(description="The e-mail of who lifted it on the pages.")
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, block: ListedBlock) -> NikBlock:
        return cls(
            id=ID(str(block.id)),
            reason=block.reason,
            from_season=block.from_season,
            until_season=block.until_season,
            since=block.since,
            client=block.client_id,
            registrant_id=None if block.registrant_id is None else ID(str(block.registrant_id)),
            lifted_at=block.lifted_at,
            lifted_by=block.lifted_by,
            lift_reason=block.lift_reason,
            issued_by_person=block.issued_by_person,
            lifted_by_person=block.lifted_by_person,
            organizer_code=block.organizer,
        )

    @loaded("Who issued it.")
    async def organizer(self, info: Info) -> Organizer:
        return await catalogue.get_organizer(info, self.organizer_code)


@strawberry.type(description="What became of one value.")
class ValueChange:
    name: str = strawberry.field(
        description="Which, such as `verifyWithinDays`: as in the schema, where it stands there."
    )
    from_: str | None = strawberry.field(
        name="from", description="What it was: a text, or JSON. Null: nothing, or before version 0.3."
    )
    to: str | None = strawberry.field(description="What it is.")


@strawberry.type(description="What somebody who runs the registry changed.")
class AdminChange:
    at: datetime = strawberry.field(description="When.")
    kind: AdminChangeKind = strawberry.field(description="What.")
    client: str | None = strawberry.field(description="By which client. Null: on the command line.")
    person: str | None = strawberry.field(description="The e-mail of who did it on the pages. Null: a program did.")
    season: int | None = strawberry.field(description="Of which season.")
    subject: str | None = strawberry.field(
        description="The id of the window, client, case, block or release; of a daily release, its `dailyId`."
    )
    route_id: ID | None = strawberry.field(description="The route of a release.")
    reason: str | None = strawberry.field(description="Why, where a reason is asked for.")
    values: list[ValueChange] = strawberry.federation.field(description="From what to what.", directives=[sized(5)])
    organizer_code: strawberry.Private[str | None]

    @classmethod
    def from_record(cls, change: admin_changes.AdminChange) -> AdminChange:
        return cls(
            at=change.at,
            kind=AdminChangeKind(change.kind),
            client=change.client_id,
            person=change.person,
            season=change.season,
            subject=change.subject,
            route_id=None if change.route_id is None else ID(str(change.route_id)),
            reason=change.reason,
            values=[ValueChange(name=one.name, from_=one.before, to=one.after) for one in change.fields],
            organizer_code=change.organizer,
        )

    @loaded("Whom it concerns.")
    async def organizer(self, info: Info) -> Organizer | None:
        return None if self.organizer_code is None else await catalogue.find_organizer(info, self.organizer_code)


async def every_season(info: Info) -> list[Season] | None:
    async with info.context.transaction() as session:
        return [Season.from_record(one) for one in await seasons.all_of(session)]


async def publish_figures(
    info: Info,
    season: Annotated[int, strawberry.argument(description="Of which season.")],
    on: Annotated[bool, strawberry.argument(description="True: everybody may read them. False: nobody any more.")],
    reason: Reason,
) -> Season | None:
    context = info.context
    verdict = await context.attempt(
        lambda session: seasons.publish_figures(session, context.caller, season, reason, context.now, on=on)
    )
    if isinstance(verdict, Refusal):
        raise RefusalError(verdict)
    return Season.from_record(verdict)


async def every_client(info: Info, organizer: OfOrganizer = UNSET) -> list[ListedClient] | None:
    context, wanted = info.context, given(organizer)
    async with context.transaction() as session:
        found = await clients.all_of(session)
    seen = found if context.admin else [one for one in found if one.organizer == context.caller.organizer]
    return [ListedClient.from_record(one) for one in seen if wanted in {None, one.organizer}]


async def find_blocks(
    info: Info,
    organizer: OfOrganizer = UNSET,
    lifted: Annotated[
        bool | None, strawberry.argument(description="True: lifted ones. False: those that were not.")
    ] = UNSET,
    oldest_first: OldestFirst = False,
    first: First = 50,
    after: After = UNSET,
) -> Connection[NikBlock] | None:
    position, size = paging.position(given(after)), paging.size(first)
    async with info.context.transaction() as session:
        found = await block_list.page(
            session,
            organizer=given(organizer),
            lifted=given(lifted),
            oldest_first=oldest_first,
            after=position,
            first=size,
        )
    nodes = [NikBlock.from_record(one) for one in found]
    return paging.connection([one.id for one in found], nodes, first=first, after=given(after))


async def find_releases(
    info: Info,
    organizer: OfOrganizer = UNSET,
    due: Annotated[
        bool | None, strawberry.argument(description="True: those that count by now. False: those to come.")
    ] = UNSET,
    first: First = 50,
    after: After = UNSET,
) -> Connection[QuotaRelease] | None:
    position, size = paging.position(given(after)), paging.size(first)
    now = info.context.now
    async with info.context.transaction() as session:
        found = await release_list.page(
            session, organizer=given(organizer), due=given(due), now=now, after=position, first=size
        )
    nodes = [QuotaRelease.from_record(one, now) for one in found]
    return paging.connection([one.id for one in found], nodes, first=first, after=given(after))


async def find_admin_changes(
    info: Info,
    organizer: OfOrganizer = UNSET,
    kinds: Annotated[
        list[AdminChangeKind] | None, strawberry.argument(description="Of these kinds; left out: of all.")
    ] = UNSET,
    first: First = 100,
    after: AfterChange = UNSET,
) -> Connection[AdminChange] | None:
    size = paging.size(first)
    behind = position_of(given(after)) or feed.START
    try:
        async with info.context.transaction() as session:
            page = await admin_changes.page(
                session, behind, most=size + 1, organizer=given(organizer), kinds=given(kinds)
            )
    except Gone as gone:
        raise await lost(info.context, gone) from None
    return paging.connected(
        [cursors.cursor(one.position) for one in page.changes],
        [AdminChange.from_record(one) for one in page.changes],
        first=first,
        after=given(after),
        end=cursors.cursor(page.end),
    )
