"""When a client's NIK checks look like somebody walking through NIKs, to learn who is registered, and not like people.

Two signs, each with its threshold here. Neither refuses anything: a person looks, and may revoke the client.

WALKING: of a client's last 100 different NIKs, 30 lie next to another one of them: the same birthday and district with
the next serial, or the next day with the same serial. Real people seldom do (twins; of a whole town in one sorted list
some 7 in 100), in whatever order they come.

UNKNOWN: of a client's last 1,000 checks (at least 500 NIKs), fewer than 2 % of the NIKs were known then or are by now.
Most are unknown when an organizer checks before it registers, so it is given time to: an hour, or 26 of them when it
brings its people by file or by daily list.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from app.db import Session
from app.models.enums import IntegrationScheme, NikOutcome, Purpose

WALKING, UNKNOWN = "walking", "unknown"

WINDOW = 100
STEPS = 30
SERIAL, DAY = 1, 100_000_000
"""Where they stand among the 16 digits."""
MOST_CLIENTS = 1_000
"""That one process follows; the one that was longest silent is forgotten."""

CHECKS = 1_000
FEWEST_NIKS = 500
KNOWN_SHARE = 0.02
OVER = timedelta(days=1)
TIME_TO_REGISTER = timedelta(hours=1)
TIME_TO_BRING_A_LIST = timedelta(hours=26)

AGAIN_AFTER = timedelta(hours=1)
"""An alarm about the same client and sign is raised once in that time."""


class Walk:
    """The last NIKs of one client, as Python hashes them: under a key of this process that nobody has."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, bool]] = deque()
        self._known: set[int] = set()
        self._steps = 0

    def look(self, digits: str) -> bool:
        """Take in one more NIK. Whether the client is walking."""
        own = hash(digits)
        if own in self._known:
            return False
        is_step = not self._known.isdisjoint(map(hash, neighbours(digits)))
        self._recent.append((own, is_step))
        self._known.add(own)
        self._steps += is_step
        if len(self._recent) > WINDOW:
            oldest, was_step = self._recent.popleft()
            self._known.discard(oldest)
            self._steps -= was_step
        return self._steps >= STEPS


class Walks:
    """Of one process, of all clients."""

    def __init__(self) -> None:
        self._walks: OrderedDict[str, Walk] = OrderedDict()

    def look(self, client_id: str, digits: str) -> bool:
        walk = self._walks.get(client_id)
        if walk is None:
            walk = self._walks[client_id] = Walk()
            if len(self._walks) > MOST_CLIENTS:
                self._walks.popitem(last=False)
        else:
            self._walks.move_to_end(client_id)
        return walk.look(digits)


def neighbours(digits: str) -> tuple[str, str, str, str]:
    """The serials beside it, and the days beside it."""
    number = int(digits)
    return str(number + SERIAL), str(number - SERIAL), str(number + DAY), str(number - DAY)


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """A client whose checks are of people who are nobody here, and stay so."""

    client_id: str
    organizer: str
    checked: int
    known: int


_AT_ONCE = ", ".join(f"'{scheme}'" for scheme in (IntegrationScheme.GRAPHQL, IntegrationScheme.WEBHOOK))
_UNFOLLOWED = text(
    f"""
    WITH watched AS (
        SELECT client.id, client.organizer_code,
               CAST(:now AS timestamptz) - CASE WHEN organizer.schemes && ARRAY[{_AT_ONCE}]
                   THEN CAST(:time_to_register AS interval) ELSE CAST(:time_to_bring_a_list AS interval) END AS until
        FROM client JOIN organizer ON organizer.code = client.organizer_code WHERE client.revoked_at IS NULL
    )
    SELECT watched.id AS client_id, watched.organizer_code AS organizer, count(*) AS checked,
           count(*) FILTER (WHERE seen.known OR EXISTS (
               SELECT FROM registrant r WHERE r.nik_index = seen.nik_index)) AS known
    FROM watched CROSS JOIN LATERAL (
        SELECT nik_index, bool_or(outcome <> '{NikOutcome.AVAILABLE}') AS known FROM (
            SELECT nik_index, outcome FROM nik_access a WHERE a.client_id = watched.id AND purpose = '{Purpose.CHECK}'
                AND a.at <= watched.until AND a.at > watched.until - CAST(:over AS interval)
            ORDER BY a.at DESC LIMIT :checks
        ) looks GROUP BY nik_index
    ) seen
    GROUP BY watched.id, watched.organizer_code HAVING count(*) >= :fewest ORDER BY watched.id
    """
)


async def unfollowed(session: Session, now: datetime) -> list[Unfollowed]:
    """The clients that show the sign UNKNOWN."""
    rows = await session.execute(
        _UNFOLLOWED,
        {
            "now": now,
            "time_to_register": TIME_TO_REGISTER,
            "time_to_bring_a_list": TIME_TO_BRING_A_LIST,
            "over": OVER,
            "checks": CHECKS,
            "fewest": FEWEST_NIKS,
        },
    )
    found: Sequence[Unfollowed] = [Unfollowed(*row) for row in rows]
    return [one for one in found if one.known < KNOWN_SHARE * one.checked]
