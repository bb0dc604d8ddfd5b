"""Organizers: reading them, saving them, their policy and their windows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.db import Session
from app.errors import Refusal
from app.graphql.context import Info
from app.graphql.fields import loaded
from app.graphql.scalars import given, identifier
from app.graphql.topics import catalogue
from app.graphql.topics.catalogue import Organizer
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.vocabulary import IntegrationScheme, WindowKind
from app.registry.terms import organizers as registry_organizers
from app.registry.terms import policy, seasons, window_history, windows
from app.registry.terms.policy import KEEP
from app.registry.terms.window_history import SavedWindow


@strawberry.input(description="What changes of an organizer's policy in the current season. Left out stays as it is.")
class PolicyInput:
    verify_within_days: int | None = strawberry.field(
        default=UNSET, description="1 to 90 days for verification. Null: nobody is forfeited."
    )
    block_when_forfeited: bool | None = strawberry.field(
        default=UNSET, description="Whether forfeiting blocks the NIK."
    )
    block_seasons: int | None = strawberry.field(default=UNSET, description="For how many seasons, 1 to 10.")
    enforce_window: bool | None = strawberry.field(
        default=UNSET, description="Off: outside every window it is accepted with a warning."
    )
    return_requires_outbound: bool | None = strawberry.field(
        default=UNSET, description="Whether a BALIK registrant needs a standing MUDIK one."
    )
    return_same_day: bool | None = strawberry.field(
        default=UNSET, description="Whether both must be registered on the same day (WIB)."
    )
    no_show_after_minutes: int | None = strawberry.field(
        default=UNSET, description="Minutes after departure, 0 to 1,440."
    )
    news_grace_hours: int | None = strawberry.field(
        default=UNSET, description="0 to 72 hours after midnight (WIB). Null: as the organizer's schemes say."
    )
    late_arrival_days: int | None = strawberry.field(default=UNSET, description="0 to 90 days after the window's end.")
    forfeit_at_period_end: bool | None = strawberry.field(
        default=UNSET, description="Whether the end of a verification period forfeits."
    )
    refuse_early_verification: bool | None = strawberry.field(
        default=UNSET, description="Whether verifying before the verification period is refused."
    )

    hold_percent: int | None = strawberry.field(
        default=UNSET, description="Of a route's seats, how many per cent may be held at a time, 0 to 100."
    )

    def to_input(self) -> policy.PolicyInput:
        return policy.PolicyInput(
            verify_within_days=KEEP if self.verify_within_days is UNSET else self.verify_within_days,
            block_when_forfeited=given(self.block_when_forfeited),
            block_seasons=given(self.block_seasons),
            enforce_window=given(self.enforce_window),
            return_requires_outbound=given(self.return_requires_outbound),
            return_same_day=given(self.return_same_day),
            no_show_after_minutes=given(self.no_show_after_minutes),
            news_grace_hours=KEEP if self.news_grace_hours is UNSET else self.news_grace_hours,
            late_arrival_days=given(self.late_arrival_days),
            forfeit_at_period_end=given(self.forfeit_at_period_end),
            refuse_early_verification=given(self.refuse_early_verification),
            hold_percent=given(self.hold_percent),
        )


@strawberry.input(description="An organizer, new or changed.")
class OrganizerInput:
    code: ID = strawberry.field(description="Small letters, digits and dashes, at most 40. It never changes.")
    name: str | None = strawberry.field(
        default=UNSET, description="As the ministry writes it. Left out: as it is; a new one needs a name."
    )
    coordinator: ID | None = strawberry.field(
        default=UNSET, description="The code of who coordinates it. Left out: as it is. Null: nobody."
    )
    schemes: list[IntegrationScheme] | None = strawberry.field(
        default=UNSET, description="Left out: as they are; GRAPHQL if it is new."
    )
    policy: PolicyInput | None = strawberry.field(default=UNSET, description="Left out: as it is.")

    def to_input(self) -> registry_organizers.OrganizerInput:
        schemes, changed = given(self.schemes), given(self.policy)
        return registry_organizers.OrganizerInput(
            code=self.code,
            name=given(self.name),
            coordinator=KEEP if self.coordinator is UNSET else self.coordinator,
            schemes=None if schemes is None else tuple(schemes),
            policy=None if changed is None else changed.to_input(),
        )


@strawberry.input(
    description="A wave of registration or verification. An amendment takes the place of another; the history stays."
)
class WindowInput:
    organizer: ID = strawberry.field(description="Its code.")
    kind: WindowKind = strawberry.field(default=WindowKind.REGISTRATION, description="What it opens.")
    opens_at: datetime = strawberry.field(description="The first instant that is inside.")
    closes_at: datetime | None = strawberry.field(
        default=UNSET, description='The first instant that is outside. Left out: an open end ("melihat kuota akhir").'
    )
    until_quota_is_full: bool = strawberry.field(
        default=False, description="Announced as open until the quota is full."
    )
    note: str | None = strawberry.field(default=UNSET, description="What the organizer said about it.")
    amends: ID | None = strawberry.field(default=UNSET, description="The window in force that it takes the place of.")
    season: int | None = strawberry.field(default=UNSET, description="Left out: the current one.")

    def to_input(self) -> windows.WindowInput:
        amends = given(self.amends)
        return windows.WindowInput(
            organizer=self.organizer,
            kind=self.kind,
            opens_at=self.opens_at,
            closes_at=given(self.closes_at),
            until_quota_is_full=self.until_quota_is_full,
            note=given(self.note),
            amends=None if amends is None else identifier(amends),
        )


@strawberry.type(description="A window as it was saved once: what is in force, and what was before.")
class Window:
    id: ID = strawberry.field(
        description="Names it in `WindowInput.amends` and `withdrawWindow`, while it is in force."
    )
    season: int = strawberry.field(description="The programme year.")
    kind: WindowKind = strawberry.field(description="What it opens.")
    opens_at: datetime = strawberry.field(description="The first instant that is inside.")
    closes_at: datetime | None = strawberry.field(description="The first instant that is outside. Null: an open end.")
    until_quota_is_full: bool = strawberry.field(description="Announced as open until the quota is full.")
    note: str | None = strawberry.field(description="What the organizer said about it.")
    saved_at: datetime = strawberry.field(description="Since when it is, or was, in force.")
    amends: ID | None = strawberry.field(description="The window whose place it took.")
    ended_at: datetime | None = strawberry.field(
        description="When it was amended or withdrawn: amended, if another one `amends` it. Null: it is in force."
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, record: SavedWindow) -> Window:
        return cls(
            id=ID(str(record.id)),
            season=record.season,
            kind=WindowKind(record.kind),
            opens_at=record.opens_at,
            closes_at=record.closes_at,
            until_quota_is_full=record.until_quota_is_full,
            note=record.note,
            saved_at=record.saved_at,
            amends=None if record.replaces is None else ID(str(record.replaces)),
            ended_at=record.superseded_at,
            organizer_code=record.organizer,
        )

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await catalogue.get_organizer(info, self.organizer_code)


OrganizerResult = Annotated[
    Organizer | Problem,
    strawberry.union("OrganizerResult", description="The organizer as it is now, or why not."),
]


async def find_organizer(
    info: Info, code: Annotated[ID, strawberry.argument(description="Its code, such as `hubdat`.")]
) -> Organizer | None:
    return await catalogue.find_organizer(info, code)


async def every_organizer(info: Info) -> list[Organizer] | None:
    context = info.context
    async with context.transaction() as session:
        records = await registry_organizers.all_of(session, await seasons.latest(session))
    for record in records:
        context.organizers.prime(record.code, record)
    return [Organizer.from_record(record) for record in records]


async def save_organizer(
    info: Info, input: Annotated[OrganizerInput, strawberry.argument(description="The organizer.")]
) -> OrganizerResult:
    context = info.context

    async def save(session: Session) -> registry_organizers.Organizer | Refusal:
        season = await seasons.current(session)
        return await registry_organizers.save(session, context.caller, input.to_input(), season, context.now)

    verdict = await context.attempt(save)
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return Organizer.from_record(verdict)


async def every_window(
    info: Info,
    organizer: Annotated[ID | None, strawberry.argument(description="Of this one; left out: of all.")] = UNSET,
    season: Annotated[int | None, strawberry.argument(description="The current one if left out.")] = UNSET,
) -> list[Window] | None:
    async with info.context.transaction() as session:
        year = given(season) or await seasons.latest(session)
        found = await window_history.all_of(session, year, given(organizer))
    return [Window.from_record(record) for record in found]


async def withdraw_window(
    info: Info,
    id: Annotated[ID, strawberry.argument(description="A window in force that has not begun.")],
    reason: Reason,
) -> OrganizerResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: window_history.withdraw(session, context.caller, identifier(id), reason, context.now)
    )
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return await catalogue.get_organizer(info, verdict)


async def save_window(
    info: Info, input: Annotated[WindowInput, strawberry.argument(description="The wave.")]
) -> OrganizerResult:
    context = info.context

    async def save(session: Session) -> Refusal | None:
        season = given(input.season) or await seasons.current(session)
        return await windows.save(session, context.caller, input.to_input(), season, context.now)

    refused = await context.attempt(save)
    if refused is not None:
        return Problem.from_refusal(refused, context)
    return await catalogue.get_organizer(info, input.organizer)
