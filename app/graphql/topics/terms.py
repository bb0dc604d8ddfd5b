"""What an organizer decides for a season, when it registers and verifies, and how many NIKs it may learn of: the types
that organizers show.
"""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID

from app.registry.niks import allowance
from app.registry.terms import policy, windows


@strawberry.type(description="A wave of registration. What is registered is judged at its `registeredAt`.")
class RegistrationWindow:
    id: ID = strawberry.field(description="Names it in `WindowInput.amends`.")
    opens_at: datetime = strawberry.field(description="The first instant that is inside.")
    closes_at: datetime | None = strawberry.field(
        description='The first instant that is outside. Null: an open end ("melihat kuota akhir").'
    )
    until_quota_is_full: bool = strawberry.field(description="Announced as open until the quota is full.")
    open: bool = strawberry.field(description="Whether it is open now.")
    note: str | None = strawberry.field(description="What the organizer said about it.")

    @classmethod
    def from_window(cls, window: windows.Window, now: datetime) -> RegistrationWindow:
        return cls(
            id=ID(str(window.id)),
            opens_at=window.opens_at,
            closes_at=window.closes_at,
            until_quota_is_full=window.until_quota_is_full,
            open=window.open_at(now),
            note=window.note,
        )


@strawberry.type(description="A stretch of time.")
class DateRange:
    from_: datetime = strawberry.field(name="from", description="The first instant that is inside.")
    to: datetime = strawberry.field(description="The first instant that is outside.")


@strawberry.type(description="What an organizer decides for itself in the current season.")
class Policy:
    verify_within_days: int | None = strawberry.field(
        description=(
            "A registrant not verified by the end of this day (WIB) after `registeredAt` is forfeited; Hubdat: 7"
            " (terms of 2023 §4, H+7). Null: nobody is forfeited."
        )
    )
    block_when_forfeited: bool = strawberry.field(description="Whether forfeiting blocks the NIK (terms of 2023 §5).")
    block_seasons: int = strawberry.field(description="For how many seasons, the current one included.")
    enforce_window: bool = strawberry.field(
        description="Off: a registration outside every window is accepted with a warning."
    )
    return_requires_outbound: bool = strawberry.field(
        description="Whether a BALIK registrant needs a standing MUDIK one with the same organizer (terms of 2023 §3)."
    )
    return_same_day: bool = strawberry.field(
        description="Whether both must be registered on the same day (WIB) (terms of 2023 §3)."
    )
    no_show_after_minutes: int = strawberry.field(
        description="Minutes after departure at which a VERIFIED registrant who is not aboard becomes NO_SHOW."
    )
    news_grace_hours: int | None = strawberry.field(
        description=(
            "Hours after the midnight (WIB) behind a deadline or a departure in which rows may still tell of it; so"
            " long nobody is forfeited or a no-show. Null: 12 with a scheme of files, webhooks or daily lists, else 0."
        )
    )
    late_arrival_days: int = strawberry.field(
        description="What arrives more days after its window's end is refused or, as `enforceWindow` says, flagged."
    )
    forfeit_at_period_end: bool = strawberry.field(
        description="Whether the end of a verification period forfeits. Off: it flags."
    )
    refuse_early_verification: bool = strawberry.field(
        description="Whether verifying before the verification period begins is refused. Off: it is flagged."
    )
    hold_percent: int = strawberry.field(
        description="Of the seats of a route, how many per cent `holdSeats` may hold at a time, all together."
    )

    @classmethod
    def from_decided(cls, decided: policy.Policy) -> Policy:
        return cls(
            verify_within_days=decided.verify_within_days,
            block_when_forfeited=decided.block_when_forfeited,
            block_seasons=decided.block_seasons,
            enforce_window=decided.enforce_window,
            return_requires_outbound=decided.return_requires_outbound,
            return_same_day=decided.return_same_day,
            no_show_after_minutes=decided.no_show_after_minutes,
            news_grace_hours=decided.news_grace_hours,
            late_arrival_days=decided.late_arrival_days,
            forfeit_at_period_end=decided.forfeit_at_period_end,
            refuse_early_verification=decided.refuse_early_verification,
            hold_percent=decided.hold_percent,
        )


@strawberry.type(
    description=(
        "How many NIKs that are not its own an organizer may learn of in a day (WIB), over all its clients and doors:"
        " five times its holders, at least 20,000 and at most 200,000, or what Hubdat has set. An accepted registration"
        " costs nothing until it ends, and so does a check of what the organizer holds. Used up: checks tell what the"
        " organizer holds and else UNDECIDED, dry runs wait, and refusals say NIK_UNDECIDED; after as many of these"
        " again, submissions are 503."
    )
)
class NikAllowance:
    per_day: int = strawberry.field(description="Today's.")
    used: int = strawberry.field(description="Of today's. Ended registrations may bring it above `perDay`.")
    remaining: int = strawberry.field(description="How many are left today.")
    ends_at: datetime = strawberry.field(description="When the next one begins: midnight WIB.")

    @classmethod
    def of(cls, found: allowance.Allowance, now: datetime) -> NikAllowance:
        return cls(per_day=found.per_day, used=found.used, remaining=found.remaining, ends_at=allowance.ends_at(now))
