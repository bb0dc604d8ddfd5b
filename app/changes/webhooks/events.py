"""What webhooks tell organizers: which change is which event, and what the event says of the change.

An event has ids and codes only. It holds no NIK, no name and no reason, and does not say who made the change. An
organizer that claims a NIK is told nothing of the holder's registrant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from app.models.enums import ChangeKind, RegistrantStatus, WebhookEvent
from app.models.statuses import ENDED, YET_TO_DEPART
from app.registry.webhooks import reminders

KINDS = (
    ChangeKind.REGISTRANT_MOVED,
    ChangeKind.REGISTRANT_REROUTED,
    ChangeKind.ROUTE_RESCHEDULED,
    ChangeKind.DUPLICATE_REFUSED,
    ChangeKind.DUPLICATE_SUSPECTED,
    ChangeKind.QUOTA_FILLED,
    ChangeKind.QUOTA_RETURNED,
    ChangeKind.WINDOW_SAVED,
    ChangeKind.WINDOW_WITHDRAWN,
    ChangeKind.IMPORT_FINISHED,
    ChangeKind.CASE_DECIDED,
    ChangeKind.NIK_ALLOWANCE_USED,
    ChangeKind.NIK_ALARM_RAISED,
    ChangeKind.SWEEP_HALTED,
    ChangeKind.NIK_BLOCKED,
    ChangeKind.NIK_BLOCK_LIFTED,
    ChangeKind.DEADLINE_NEARS,
)
"""Changes of another kind are no event."""
MOVES = {
    RegistrantStatus.VERIFIED: WebhookEvent.REGISTRANT_VERIFIED,
    RegistrantStatus.DEPARTED: WebhookEvent.REGISTRANT_DEPARTED,
    RegistrantStatus.CANCELLED: WebhookEvent.REGISTRANT_CANCELLED,
    RegistrantStatus.FORFEITED: WebhookEvent.REGISTRANT_FORFEITED,
    RegistrantStatus.NO_SHOW: WebhookEvent.REGISTRANT_NO_SHOW,
}
"""The event of a move, by the status that the registrant comes to. A move to a status that is not here is no event,
except for a step back.
"""
_EVENTS = {
    ChangeKind.REGISTRANT_REROUTED: WebhookEvent.REGISTRANT_REROUTED,
    ChangeKind.ROUTE_RESCHEDULED: WebhookEvent.ROUTE_RESCHEDULED,
    ChangeKind.DUPLICATE_REFUSED: WebhookEvent.DUPLICATE_FOUND,
    ChangeKind.DUPLICATE_SUSPECTED: WebhookEvent.DUPLICATE_FOUND,
    ChangeKind.QUOTA_FILLED: WebhookEvent.QUOTA_FILLED,
    ChangeKind.QUOTA_RETURNED: WebhookEvent.QUOTA_RETURNED,
    ChangeKind.WINDOW_WITHDRAWN: WebhookEvent.WINDOW_WITHDRAWN,
    ChangeKind.IMPORT_FINISHED: WebhookEvent.IMPORT_FINISHED,
    ChangeKind.CASE_DECIDED: WebhookEvent.CASE_DECIDED,
    ChangeKind.NIK_ALLOWANCE_USED: WebhookEvent.NIK_ALLOWANCE_USED,
    ChangeKind.NIK_ALARM_RAISED: WebhookEvent.NIK_ALARM_RAISED,
    ChangeKind.SWEEP_HALTED: WebhookEvent.SWEEP_HALTED,
    ChangeKind.NIK_BLOCKED: WebhookEvent.NIK_BLOCKED,
    ChangeKind.NIK_BLOCK_LIFTED: WebhookEvent.NIK_BLOCK_LIFTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedChange:
    """A row of the change log, as much of it as events are made from."""

    id: int
    at: datetime
    kind: str
    season: int | None
    organizer: str | None
    registrant_id: UUID | None
    route_id: UUID | None
    from_status: str | None
    to_status: str | None
    facts: Mapping[str, Any]


def event_of(change: LoggedChange) -> WebhookEvent | None:
    if change.kind == ChangeKind.REGISTRANT_MOVED:
        # Whoever comes from an end to one of these was reopened.
        if change.from_status in ENDED and change.to_status in YET_TO_DEPART:
            return WebhookEvent.REGISTRANT_REOPENED
        return MOVES.get(RegistrantStatus(change.to_status or ""))
    if change.kind == ChangeKind.WINDOW_SAVED:
        return WebhookEvent.WINDOW_AMENDED if change.facts.get("amends") else None
    if change.kind == ChangeKind.DEADLINE_NEARS:
        return reminders.EVENTS[change.facts["hours"]]
    return _EVENTS.get(ChangeKind(change.kind))


def subject_of(change: LoggedChange) -> str:
    """What the event is about: a registrant, else a case, an import, a block, a route, else the organizer.

    The events of one subject arrive in order.
    """
    case, job, block = (change.facts.get(name) for name in ("case", "job", "block"))
    return str(change.registrant_id or case or job or block or change.route_id or change.organizer)


def payload(event: str, change: LoggedChange | None, at: datetime, *, own: bool) -> bytes:
    """The body, the same at each attempt. `own`: the receiver is the organizer of the change, or coordinates it."""
    data = {} if change is None else _data(change, own=own)
    return orjson.dumps(
        {
            "type": event,
            "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": {name: value for name, value in data.items() if value is not None},
        }
    )


def _data(change: LoggedChange, *, own: bool) -> dict[str, object]:
    data: dict[str, object] = {"organizer": change.organizer, "season": change.season}
    if own:
        data |= {"registrantId": _text(change.registrant_id), "routeId": _text(change.route_id)}
    if event_of(change) is WebhookEvent.REGISTRANT_REOPENED:
        data |= {"from": change.from_status, "to": change.to_status}
    if change.kind in {ChangeKind.DUPLICATE_REFUSED, ChangeKind.DUPLICATE_SUSPECTED}:
        data["refused"] = change.kind == ChangeKind.DUPLICATE_REFUSED
    return data | {name: change.facts.get(fact) for name, fact in _TOLD.get(ChangeKind(change.kind), {}).items()}


_DUPLICATE = {"caseId": "case", "claimant": "claimant"}
_TOLD: dict[ChangeKind, dict[str, str]] = {
    ChangeKind.REGISTRANT_REROUTED: {"fromRouteId": "from_route"},
    ChangeKind.ROUTE_RESCHEDULED: {
        "departsAt": "departs_at",
        "previousDepartsAt": "previous",
        "registrants": "registrants",
    },
    ChangeKind.DUPLICATE_REFUSED: _DUPLICATE,
    ChangeKind.DUPLICATE_SUSPECTED: _DUPLICATE,
    ChangeKind.QUOTA_RETURNED: {"seats": "seats"},
    ChangeKind.WINDOW_SAVED: {"kind": "kind", "opensAt": "opens_at", "closesAt": "closes_at", "amends": "amends"},
    ChangeKind.WINDOW_WITHDRAWN: {
        "windowId": "window",
        "kind": "kind",
        "opensAt": "opens_at",
        "closesAt": "closes_at",
    },
    ChangeKind.IMPORT_FINISHED: {
        "jobId": "job",
        "state": "state",
        "mode": "mode",
        "dryRun": "dry_run",
        "rows": "rows",
        "results": "results",
        "codes": "codes",
        "missing": "missing",
        "error": "error",
    },
    ChangeKind.NIK_BLOCKED: {"blockId": "block", "untilSeason": "untilSeason"},
    ChangeKind.NIK_BLOCK_LIFTED: {"blockId": "block"},
    ChangeKind.DEADLINE_NEARS: {"verifyBy": "verify_by"},
    ChangeKind.CASE_DECIDED: {"caseId": "case", "state": "state", "mistypedBy": "mistyped_by"},
    ChangeKind.NIK_ALLOWANCE_USED: {"percent": "percent", "perDay": "perDay", "used": "used"},
    ChangeKind.NIK_ALARM_RAISED: {"suspected": "suspected", "sign": "sign", "niks": "niks"},
    ChangeKind.SWEEP_HALTED: {
        "halted": "halted",
        "ends": "ends",
        "people": "people",
        "holders": "holders",
        "until": "until",
    },
}
"""For each kind of change, the facts that its event tells: the name in the event, and the name in the log."""


def _text(id: UUID | None) -> str | None:  # noqa: A002
    return None if id is None else str(id)
