"""Windows (waves): whether an organizer was open at the `registeredAt` of a registration. A wave may have no end.

An amendment is a new row that supersedes the old one, so the history stays. Order of the ends is a CHECK of the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.errors import ArrivedLate, InvalidValue, NotFound, Refusal, RegistrationClosed, SeasonClosed, refuses
from app.models.enums import ChangeKind, ProlongationCause, WindowKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.outages import Outage, moved
from app.registry.terms import organizer_lock, season_bounds, seasons
from app.registry.values.texts import line
from app.sql import statement

LONGEST_NOTE = 500
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    id: UUID
    opens_at: datetime
    closes_at: datetime | None = None
    """The first instant behind the window. None: it has no end ("melihat kuota akhir")."""
    until_quota_is_full: bool = False
    note: str | None = None
    kind: str = WindowKind.REGISTRATION

    def open_at(self, at: datetime) -> bool:
        return self.opens_at <= at and (self.closes_at is None or at < self.closes_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowInput:
    organizer: str
    opens_at: datetime
    closes_at: datetime | None = None
    kind: str = WindowKind.REGISTRATION
    until_quota_is_full: bool = False
    note: str | None = None
    amends: UUID | None = None
    """The window in force that this one takes the place of."""


class _WindowOfOrganizer(NamedTuple):
    organizer: str
    id: UUID
    opens_at: datetime
    closes_at: datetime | None
    until_quota_is_full: bool
    note: str | None
    kind: str


_OF = statement(
    """
    SELECT organizer_code AS organizer, id, opens_at, closes_at, until_quota_is_full, note, kind
    FROM registration_window
    WHERE season = :season AND organizer_code = ANY(CAST(:organizers AS text[])) AND superseded_at IS NULL
    ORDER BY opens_at, id
    """,
    _WindowOfOrganizer,
)
_INSTANT = "INTERVAL '1 microsecond'"
_INSERT = statement(
    """
    WITH amended AS (UPDATE registration_window SET superseded_at = :now WHERE id = :replaces)
    INSERT INTO registration_window (id, season, organizer_code, kind, opens_at, closes_at, until_quota_is_full, note,
                                     saved_at, replaces)
    VALUES (:id, :season, :organizer, :kind, :opens_at, :closes_at, :until_quota_is_full, :note, :now, :replaces)
    """
)


# The deadlines that its old end set are those that are equal to it: its last instant (`app.registry.prolonging`).
_PROLONG = statement(
    f"""
    INSERT INTO prolongation (id, cause, season, organizer_code, after, until, ends_at, made_at)
    VALUES (:id, '{ProlongationCause.PERIOD}', :season, :organizer, CAST(:closed_at AS timestamptz) - 2 * {_INSTANT},
            CAST(:closed_at AS timestamptz) - {_INSTANT}, CAST(:closes_at AS timestamptz) - {_INSTANT}, :now)
    """
)


@refuses(RegistrationClosed)
def judge(windows: Sequence[Window], at: datetime, *, on_day: bool = False) -> RegistrationClosed | None:
    """None if a registration window is open at `at`. Else the refusal, with the next opening if there is one.

    `on_day`: only the day (WIB) of `at` is known. It is enough that a window is open at some time of that day.
    """
    waves = [window for window in windows if window.kind == WindowKind.REGISTRATION]
    if _open(waves, at, on_day=on_day):
        return None
    later = min((wave.opens_at for wave in waves if wave.opens_at > at), default=None)
    return RegistrationClosed("registeredAt", opens_at=later)


@refuses(ArrivedLate)
def judge_arrival(
    windows: Sequence[Window],
    at: datetime,
    arrived_at: datetime,
    days: int,
    *,
    on_day: bool = False,
    outages: Sequence[Outage] = (),
) -> ArrivedLate | None:
    """Whether a registration of `at` arrived more than `days` days after its window had closed, which an outage of the
    registry prolongs.
    """
    waves = [window for window in windows if window.kind == WindowKind.REGISTRATION]
    closings = [wave.closes_at for wave in _open(waves, at, on_day=on_day)]
    ends = [closes_at for closes_at in closings if closes_at is not None]
    if not ends or len(ends) < len(closings) or arrived_at <= moved(max(ends) + timedelta(days=days), outages):
        return None
    return ArrivedLate("registeredAt", days=days)


def _open(waves: Sequence[Window], at: datetime, *, on_day: bool) -> list[Window]:
    if not on_day:
        return [wave for wave in waves if wave.open_at(at)]
    first, next_day = start_of_wib_day(wib_day(at)), start_of_wib_day(wib_day(at) + timedelta(days=1))
    return [wave for wave in waves if wave.opens_at < next_day and (wave.closes_at is None or wave.closes_at > first)]


async def of(session: Session, season: int, organizers: Collection[str]) -> dict[str, tuple[Window, ...]]:
    """The windows in force of each of `organizers`, of both kinds, in the order of their opening."""
    found: dict[str, list[Window]] = defaultdict(list)
    for row in await session.rows(_OF, season=season, organizers=list(organizers)):
        facts = row._asdict()
        found[facts.pop("organizer")].append(Window(**facts))
    return {organizer: tuple(found[organizer]) for organizer in organizers}


@refuses(SeasonClosed, NotFound, InvalidValue)
async def save(session: Session, caller: Caller, given: WindowInput, season: int, now: datetime) -> Refusal | None:
    """Add a wave, or amend a wave. The same again changes nothing."""
    wanted = _tidy(given)
    if isinstance(wanted, Refusal):
        return wanted
    if not await organizer_lock.lock(session, given.organizer):
        return NotFound("organizer")
    required = await seasons.require_open(session, season)
    if isinstance(required, Refusal):
        return required
    beyond = season_bounds.judge_window(wanted.opens_at, wanted.closes_at, required.ends_on)
    if beyond is not None:
        return beyond
    in_force = (await of(session, season, [given.organizer]))[given.organizer]
    amended = next((window for window in in_force if window.id == given.amends), None)
    twin = next((window for window in in_force if replace(window, id=wanted.id) == wanted), None)
    if twin is not None and amended in {None, twin}:
        return None
    if given.amends is not None and (amended is None or amended.kind != wanted.kind):
        return NotFound("amends")
    await _put_in(session, caller, given, wanted, amended, season=season, now=now)
    if amended is not None:
        await _prolong(session, given.organizer, amended, wanted, season=season, now=now)
    return None


async def _prolong(
    session: Session, organizer: str, amended: Window, wanted: Window, *, season: int, now: datetime
) -> None:
    """A verification period's later end is that of whoever is registered, too. An earlier one is not."""
    closed_at, closes_at = amended.closes_at, wanted.closes_at
    if wanted.kind != WindowKind.VERIFICATION or closed_at is None or closes_at is None or closes_at <= closed_at:
        return
    values = {"closed_at": closed_at, "closes_at": closes_at, "season": season, "organizer": organizer}
    await session.run(_PROLONG, id=uuid7(), now=now, **values)


def _tidy(given: WindowInput) -> Window | InvalidValue:
    note = None if given.note is None else line("note", given.note, most=LONGEST_NOTE)
    if isinstance(note, InvalidValue):
        return note
    if given.kind not in tuple(WindowKind):
        return InvalidValue("kind", "Nilai tidak dikenal.", "Not a known value.")
    for name, instant in (("opensAt", given.opens_at), ("closesAt", given.closes_at)):
        if instant is not None and instant.tzinfo is None:
            return InvalidValue(name, "Tulis zona waktunya, misalnya +07:00.", "The time must name its zone.")
    if given.closes_at is None and given.kind == WindowKind.VERIFICATION:
        return InvalidValue("closesAt", "Masa verifikasi harus punya akhir.", "A verification period needs an end.")
    if given.closes_at is not None and given.closes_at <= given.opens_at:
        return InvalidValue(
            "closesAt",
            "Waktu tutup harus sesudah waktu buka; periksa keduanya.",
            "It closes before it opens; check both.",
        )
    return Window(
        id=uuid7(),
        opens_at=given.opens_at,
        closes_at=given.closes_at,
        until_quota_is_full=given.until_quota_is_full,
        note=note,
        kind=given.kind,
    )


async def _put_in(
    session: Session,
    caller: Caller,
    given: WindowInput,
    wanted: Window,
    amended: Window | None,
    *,
    season: int,
    now: datetime,
) -> None:
    window = asdict(wanted)
    await session.run(_INSERT, season=season, organizer=given.organizer, replaces=given.amends, now=now, **window)
    entry = change_log.Entry(
        kind=ChangeKind.WINDOW_SAVED,
        season=season,
        organizer=given.organizer,
        client_id=caller.client_id,
        facts={
            **_told(wanted),
            "amends": given.amends and str(given.amends),
            "window": str(wanted.id),
            "was": amended and _told(amended),
        },
    )
    await change_log.append(session, [entry], now)


def _told(window: Window) -> dict[str, object]:
    return {
        "kind": window.kind,
        "opens_at": window.opens_at.isoformat(),
        "closes_at": window.closes_at and window.closes_at.isoformat(),
        "until_quota_is_full": window.until_quota_is_full,
    }
