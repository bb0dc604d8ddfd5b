"""Enumeration: a client's NIK checks look like a walk through NIKs, to learn who is registered, and not like people.

There are two signs, each with its threshold here. No sign refuses anything: a person looks, and may revoke the client.

WALKING: of a client's last 100 different NIKs, 30 lie next to another of the 100: the same birthday and district with
the next serial, or the next day with the same serial. The order does not matter. NIKs of real people seldom lie so:
twins do, and some 7 in 100 when a whole town comes in one sorted list.

UNKNOWN: of a client's last 1,000 checks (at least 500 NIKs), fewer than 2 % of the NIKs were known at the check or are
known now. Most NIKs are unknown when an organizer checks before it registers. So the organizer gets time to register:
an hour, or 26 hours if it brings its people by file or by daily list.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db import Session
from app.models.enums import IntegrationScheme, NikOutcome, Purpose
from app.sql import statement

WALKING, UNKNOWN = "walking", "unknown"

WALK_NIKS = 100
"""How many NIKs of a client are remembered."""
WALK_STEPS = 30
"""How many of these lie next to another one, when the client is walking."""
NEXT_SERIAL, NEXT_DAY = 1, 100_000_000
"""What is added to the 16 digits."""
MOST_CLIENTS = 1_000
"""That one process follows. The client that was silent for the longest time is forgotten."""

MOST_CHECKS = 1_000
FEWEST_NIKS = 500
KNOWN_SHARE = 0.02
LOOKS_BACK = timedelta(days=1)
TIME_TO_REGISTER = timedelta(hours=1)
TIME_TO_BRING_A_LIST = timedelta(hours=26)

AGAIN_AFTER = timedelta(hours=1)
"""One client and one sign raise an alarm once in this time."""


class Walk:
    """The last NIKs of one client, as Python hashes them. The key of the hash is this process's own: nobody has it."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, bool]] = deque()
        self._known: set[int] = set()
        self._steps = 0

    def look(self, digits: str) -> bool:
        """Remember one more NIK. Answers whether the client is walking."""
        own = hash(digits)
        if own in self._known:
            return False
        is_step = not self._known.isdisjoint(map(hash, neighbours(digits)))
        self._recent.append((own, is_step))
        self._known.add(own)
        self._steps += is_step
        if len(self._recent) > WALK_NIKS:
            oldest, was_step = self._recent.popleft()
            self._known.discard(oldest)
            self._steps -= was_step
        return self._steps >= WALK_STEPS


class Walks:
    """The walks of all clients, as one process sees them."""

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
    """The NIKs with the serial before and after, and with the day before and after."""
    number = int(digits)
    return (
        str(number + NEXT_SERIAL),
        str(number - NEXT_SERIAL),
        str(number + NEXT_DAY),
        str(number - NEXT_DAY),
    )


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """A client whose NIKs were not registered when it checked them, and are not registered now."""

    client_id: str
    organizer: str
    checked: int
    known: int


_KNOWN = ", ".join(f"'{outcome}'" for outcome in (NikOutcome.REGISTERED, NikOutcome.BLOCKED))
_REGISTERS_AT_ONCE = ", ".join(f"'{scheme}'" for scheme in (IntegrationScheme.GRAPHQL, IntegrationScheme.WEBHOOK))
_UNFOLLOWED = statement(
    f"""
    WITH watched AS (
        SELECT client.id, client.organizer_code,
               CAST(:now AS timestamptz) - CASE WHEN organizer.schemes && ARRAY[{_REGISTERS_AT_ONCE}]
                   THEN CAST(:time_to_register AS interval) ELSE CAST(:time_to_bring_a_list AS interval) END AS until
        FROM client JOIN organizer ON organizer.code = client.organizer_code WHERE client.revoked_at IS NULL
    )
    SELECT watched.id AS client_id, watched.organizer_code AS organizer, count(*) AS checked,
           count(*) FILTER (WHERE seen.known OR EXISTS (
               SELECT FROM registrant r WHERE r.nik_index = seen.nik_index)) AS known
    FROM watched CROSS JOIN LATERAL (
        SELECT nik_index, bool_or(outcome IN ({_KNOWN})) AS known FROM (
            SELECT nik_index, outcome FROM nik_access a WHERE a.client_id = watched.id AND purpose = '{Purpose.CHECK}'
                AND a.at <= watched.until AND a.at > watched.until - CAST(:looks_back AS interval)
            ORDER BY a.at DESC LIMIT :most_checks
        ) looks GROUP BY nik_index
    ) seen
    GROUP BY watched.id, watched.organizer_code HAVING count(*) >= :fewest_niks ORDER BY watched.id
    """,
    Unfollowed,
)


async def unfollowed(session: Session, now: datetime) -> list[Unfollowed]:
    """The clients that show the sign UNKNOWN."""
    found = await session.rows(
        _UNFOLLOWED,
        now=now,
        time_to_register=TIME_TO_REGISTER,
        time_to_bring_a_list=TIME_TO_BRING_A_LIST,
        looks_back=LOOKS_BACK,
        most_checks=MOST_CHECKS,
        fewest_niks=FEWEST_NIKS,
    )
    return [one for one in found if one.known < KNOWN_SHARE * one.checked]
