"""For every root field of the schema, arguments that point at people who belong to somebody else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from app.graphql.paging import cursor_of
from app.registry.caller import Caller
from tests.graphql.conftest import EVERYDAY
from tests.intake.lists import as_csv, row
from tests.privacy.people import KINDS, Person, Society
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, TERMINALS, nik_of

CALLERS = {
    "a stranger": DJKA,
    "a coordinator": JASA_RAHARJA,
    "its member": BUMN,
    "the ministry's everyday client": HUBDAT,
}
Asked = list[dict[str, Any]]
"""The arguments of several calls of one field."""

NOW_TEXT = NOW.isoformat()
EPOCH, DOOMSDAY = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
REASON = "Uji batas pandang"
STATUSES = ["REGISTERED", "VERIFIED", "DEPARTED", "FORFEITED", "CANCELLED", "NO_SHOW"]


class Target:
    """What `caller` points at: the people and routes of others.

    Where each call costs a transaction, one of each kind of person, or of `kinds`, stands for all of them.
    """

    def __init__(self, society: Society, caller: Caller, kinds: Collection[str] = KINDS) -> None:
        self.society = society
        self.caller = caller
        self.people = society.foreign_to(caller)
        victim = self.people[0].organizer
        self.one_of_each = [one for one in self.people if one.organizer == victim and one.kind in kinds]
        self.organizers = sorted({one.organizer for one in self.people})
        self.routes = [
            str(route) for code, routes in society.routes.items() if not caller.owns(code) for route in routes.values()
        ]
        self.webhooks = [str(one) for code, one in society.webhooks.items() if not caller.owns(code)]
        self.jobs = [str(job) for code, job in society.jobs.items() if not caller.owns(code)]
        self.own = {name: str(route) for name, route in society.routes[caller.organizer].items()}

    def refs(self, people: Sequence[Person]) -> list[dict[str, object]]:
        return [ref for one in people for ref in one.refs()]

    def cursors(self) -> list[str]:
        return [cursor_of(one.id) for one in self.people]

    def submission(self, one: Person, **changes: Any) -> dict[str, Any]:
        """As if this person came to the caller as well, under the name of somebody else."""
        papers = {"plate": "B 1 XX", "registrationNumber": "1"} if one.kind == "motorcycle" else None
        values = {
            "nik": one.nik,
            "name": "Orang Lain Sekali",
            "routeId": self.own["truck" if papers else "home"],
            "identityDocument": "KTP",
            "motorcycle": papers,
        }
        return values | changes

    def submissions(self) -> list[dict[str, Any]]:
        standing = [one for one in self.one_of_each if one.kind not in {"cancelled", "erased"}]
        return [
            *(self.submission(one) for one in standing),
            *(self.submission(one, routeId=self.own["back"], motorcycle=None) for one in standing),
            *(self.submission(one, returnRouteId=self.own["back"]) for one in standing),
            *(self.submission(one, routeId=self.routes[0]) for one in standing),
            *(self.submission(one, member=one.organizer) for one in standing),
        ]


def of_each_ref(**arguments: Any) -> Callable[[Target], Asked]:
    return lambda target: [{"ref": ref, **arguments} for ref in target.refs(target.one_of_each)]


def of_all_refs(**arguments: Any) -> Callable[[Target], Asked]:
    return lambda target: [{"refs": target.refs(target.people), **arguments}]


def _bookings(**arguments: Any) -> Callable[[Target], Asked]:
    """By the booking codes of others: as one's own, and as theirs."""
    return lambda target: [
        {"reference": one.reference, "organizer": organizer, **arguments}
        for one in target.one_of_each
        if one.reference
        for organizer in (None, one.organizer)
    ]


def _registrants(target: Target) -> Asked:
    filters: list[dict[str, Any]] = [
        {},
        *({"organizer": code} for code in target.organizers),
        *({"routeId": route} for route in target.routes[:6]),
        *({"reference": one.reference} for one in target.one_of_each),
        *({"status": [status]} for status in STATUSES),
        {"status": STATUSES},
        *({"direction": direction} for direction in ("MUDIK", "BALIK")),
        *({"service": service} for service in ("PASSENGER", "MOTORCYCLE")),
        {"verifyBefore": DOOMSDAY},
        {"registeredFrom": EPOCH, "registeredTo": DOOMSDAY},
        {"season": 2026},
        {"organizer": target.organizers[0], "routeId": target.routes[0], "season": 2026, "status": STATUSES},
    ]
    pages = [{"where": where, "first": 40} for where in filters]
    behind = [{"first": 40, "after": cursor} for cursor in target.cursors()[::8]]
    return [*pages, *behind, *([{"first": 2}] * 2)]


def _corrections(target: Target) -> Asked:
    own = target.society.of(target.caller.organizer, "registered")
    return [
        *({"ref": ref, "input": {"reason": REASON, "name": "Diambil Alih"}} for ref in target.refs(target.one_of_each)),
        # One's own, towards a NIK that somebody else holds.
        *(
            {"ref": {"id": str(own.id)}, "input": {"reason": REASON, "nik": one.nik}}
            for one in target.one_of_each
            if one.kind in {"registered", "verified", "departed", "no-show", "forfeited"}
        ),
    ]


def _entities(target: Target) -> Asked:
    registrants = [
        {"__typename": "Registrant", "id": str(one.id), "nik": one.nik, "reference": one.reference}
        for one in target.people
    ]
    returns = [{"__typename": "Registrant", "id": str(one.return_id)} for one in target.people if one.return_id]
    catalogue = [
        *({"__typename": "Organizer", "code": code} for code in target.organizers),
        *({"__typename": "Route", "id": route} for route in target.routes),
        *({"__typename": "Terminal", "code": code} for code in TERMINALS),
    ]
    by_nik = [{"__typename": "Registrant", "nik": one.nik} for one in target.one_of_each]
    return [{"representations": part} for part in (registrants, returns, catalogue, by_nik)]


def _route_filters(target: Target) -> Asked:
    filters: list[dict[str, Any]] = [
        {},
        *({"organizer": code} for code in target.organizers),
        {"direction": "BALIK", "service": "PASSENGER"},
        {"originCity": "Kota Jakarta Timur", "destinationCity": "Solo"},
        {"withSeats": True, "season": 2026},
        *({"provisional": provisional} for provisional in (True, False)),
    ]
    return [{"where": where, "first": 3} for where in filters] + [
        {"first": 3, "after": cursor} for cursor in target.cursors()[:2]
    ]


def _statistics(target: Target) -> Asked:
    filters: list[dict[str, Any]] = [
        {},
        {"organizer": target.caller.organizer},
        *({"organizer": code} for code in target.organizers),
        {"direction": "MUDIK", "service": "PASSENGER", "from": "2026-01-01", "to": "2026-12-31", "season": 2026},
    ]
    return [{"where": where} for where in filters]


def _checks(target: Target) -> Asked:
    return [
        {"nik": one.nik, **asked}
        for one in target.one_of_each
        for asked in (
            *({"direction": way, "service": of} for way in ("MUDIK", "BALIK") for of in ("PASSENGER", "MOTORCYCLE")),
            {},
        )
    ]


def _bulk_checks(target: Target) -> Asked:
    # And both ways of a person whose NIK was corrected.
    niks = [one.nik for one in target.people] + [one.before[0] for one in target.people if one.before]
    return [*({"niks": niks, "direction": direction} for direction in ("MUDIK", "BALIK")), {"niks": niks}]


def _route_inputs(target: Target) -> Asked:
    new = {"name": "Diambil alih", "direction": "MUDIK", "origin": "pulo-gebang", "destination": "tirtonadi"}
    taken = [{**new, "id": route} for route in target.routes]
    given = [{**new, "organizer": code} for code in target.organizers]
    return [{"inputs": [*taken, *given]}]


def _webhook_inputs(target: Target) -> Asked:
    new = {"url": "https://hook-of-a-stranger.example/", "events": ["QUOTA_FILLED"]}
    taken = [{**new, "id": one} for one in target.webhooks]
    given = [{**new, "organizer": code} for code in target.organizers]
    return [{"input": one} for one in [*taken, *given]]


def _files(target: Target) -> Asked:
    """Lists of other organizers' people, as theirs and as one's own; `tried` sends bytes as a file."""
    people = [one for one in target.one_of_each if one.kind not in {"cancelled", "erased"}]
    listed = as_csv(
        {**row(1), "data_nik": one.nik, "source": source} for one in people for source in (one.organizer.upper(), "")
    )
    return [{"file": listed}, {"file": listed, "mode": "SNAPSHOT", "covers": target.organizers[:1]}]


def _nothing(target: Target) -> Asked:
    return [{}]


_AIMS: dict[str, Callable[[Target], Asked]] = {
    # Reading.
    "_entities": _entities,
    "_service": _nothing,
    "me": _nothing,
    "checkNik": _checks,
    "checkNiks": _bulk_checks,
    "registrant": of_each_ref(),
    "registrants": _registrants,
    "booking": lambda target: [
        {"reference": one.reference, "organizer": organizer}
        for one in target.people
        if one.reference
        for organizer in (None, one.organizer)
    ],
    "organizer": lambda target: [{"code": code} for code in target.organizers],
    "organizers": _nothing,
    "windows": lambda target: [{}, *({"organizer": code, "season": 2026} for code in target.organizers)],
    "route": lambda target: [
        {"id": route} for route in [*target.routes[:5], *(str(one.id) for one in target.people[:3])]
    ],
    "routes": _route_filters,
    "terminal": lambda target: [{"code": code} for code in [*TERMINALS, *target.organizers]],
    "terminals": lambda target: [{}, {"city": "Kota Surakarta"}, {"provisional": True}, {"provisional": False}],
    "statistics": _statistics,
    "changes": lambda target: [
        *({"first": 20, "after": cursor} for cursor in [None, *target.society.cursors[::8]]),
        *([{"first": 2}] * 2),
    ],
    "endOfChanges": _nothing,
    "importJob": lambda target: [{"id": job} for job in target.jobs],
    "importJobs": lambda target: [{"first": 3}, *({"first": 3, "after": cursor} for cursor in target.cursors()[:1])],
    "importRows": lambda target: [
        {"jobId": job, "first": 40, **where} for job in target.jobs for where in ({}, {"result": "REFUSED"})
    ],
    "consolidation": lambda target: [{"date": "2026-03-02", "organizer": code} for code in target.organizers],
    "cases": lambda target: [{"first": 40}, {"state": "OPEN", "first": 40}],
    "webhooks": lambda target: [{}, *({"organizer": code} for code in target.organizers)],
    "seasons": _nothing,
    "clients": lambda target: [{}, *({"organizer": code} for code in target.organizers)],
    "blocks": lambda target: [{"first": 40}, *({"organizer": code, "first": 10} for code in target.organizers)],
    "releases": lambda target: [{"first": 2}, *({"organizer": code, "first": 2} for code in target.organizers)],
    "adminChanges": lambda target: [{"first": 40}, *({"organizer": code, "first": 10} for code in target.organizers)],
    "sweepHalts": _nothing,
    "pulse": _nothing,
    "attention": _nothing,
    "casePeople": lambda target: [{"id": str(target.society.case)}],
    "nikAccesses": lambda target: [{"nik": one.nik} for one in target.one_of_each],
    "heldOnNik": lambda target: [{"nik": one.nik, "purpose": REASON} for one in target.one_of_each],
    # Writing.
    "submitRegistrant": lambda target: [{"input": one} for one in target.submissions()],
    "submitRegistrants": lambda target: [{"inputs": target.submissions()}],
    "verifyRegistrant": of_each_ref(posko="Posko lain"),
    "verifyRegistrants": of_all_refs(posko="Posko lain"),
    "departRegistrant": of_each_ref(healthy=True, at=NOW_TEXT),
    "departRegistrants": of_all_refs(healthy=True),
    "cancelRegistrant": of_each_ref(reason=REASON),
    "moveRegistrant": lambda target: [
        {"ref": ref, "routeId": route}
        for ref in target.refs(target.one_of_each)
        for route in (target.own["home"], target.routes[0])
    ],
    "moveRegistrants": lambda target: [
        {"inputs": [{"ref": ref, "routeId": target.own["home"]} for ref in target.refs(target.people)]}
    ],
    "submitBooking": lambda target: [
        {"input": {"reference": "BK-NEW", "registrants": [one]}} for one in target.submissions()
    ],
    "holdSeats": lambda target: [{"routeId": route} for route in target.routes[:6]],
    "giveBackSeats": lambda target: [{"hold": one} for one in target.routes[:3]],
    "verifyBooking": _bookings(posko="Posko lain"),
    "departBooking": _bookings(healthy=True),
    "cancelBooking": _bookings(reason=REASON),
    "correctRegistrant": _corrections,
    "handOverMotorcycle": of_each_ref(at=NOW_TEXT),
    "importRegistrants": _files,
    "importAsTried": lambda target: [{"jobId": job} for job in target.jobs],
    "cancelMissing": lambda target: [{"jobId": job} for job in target.jobs],
    "saveTerminals": lambda target: [
        {"inputs": [{"code": code, "name": "Diambil alih", "city": "Solo"} for code in TERMINALS]}
    ],
    "saveRoutes": _route_inputs,
    "mergeRoute": lambda target: [{"provisional": route, "into": target.own["home"]} for route in target.routes[:6]],
    "mergeTerminal": lambda target: [{"provisional": code, "into": "tirtonadi"} for code in TERMINALS],
    "releaseQuota": lambda target: [{"routeId": route, "seats": 1} for route in target.routes[:6]],
    "releaseQuotaDaily": lambda target: [
        {"routeId": route, "seats": 1, "at": "08:00", "from": "2026-03-03", "to": "2026-03-04"}
        for route in target.routes[:6]
    ],
    "cancelRelease": lambda target: [{"id": one} for one in target.routes[:3]],
    "saveWebhook": _webhook_inputs,
    "rotateWebhookSecret": lambda target: [{"id": one} for one in target.webhooks],
    "testWebhook": lambda target: [{"id": one} for one in target.webhooks],
    "redeliverWebhook": lambda target: [{"id": one, "since": EPOCH} for one in target.webhooks],
    "deleteWebhook": lambda target: [{"id": one} for one in target.webhooks],
    # Hubdat's.
    "saveOrganizer": lambda target: [{"input": {"code": code, "name": "Diambil alih"}} for code in target.organizers],
    "saveWindow": lambda target: [{"input": {"organizer": code, "opensAt": NOW_TEXT}} for code in target.organizers],
    "withdrawWindow": lambda target: [{"id": one, "reason": REASON} for one in target.routes[:2]],
    "issueClient": lambda target: [{"organizer": code, "scopes": ["registrants:read"]} for code in target.organizers],
    "rotateClientSecret": lambda target: [{"id": f"{code}-test"} for code in target.organizers],
    "revokeClient": lambda target: [{"id": f"{code}-test"} for code in target.organizers],
    "issueWebhookSecret": lambda target: [{"clientId": f"{code}-test"} for code in target.organizers],
    "blockNik": lambda target: [{"nik": one.nik, "reason": REASON} for one in target.one_of_each],
    "liftNikBlock": lambda target: [{"nik": one.nik, "reason": REASON} for one in target.one_of_each],
    "liftBlock": lambda target: [{"id": one, "reason": REASON} for one in target.routes[:2]],
    "publishFigures": lambda _: [{"season": 2026, "on": True, "reason": REASON}],
    "setNikAllowance": lambda target: [{"organizer": code, "reason": REASON} for code in target.organizers],
    "decideCase": lambda target: [{"id": str(target.society.case), "state": "CONFIRMED", "reason": REASON}],
    "eraseRegistrant": of_each_ref(reason=REASON),
    "allowSweep": lambda target: [
        {"organizer": code, "ends": "NO_SHOW", "until": EPOCH, "reason": REASON} for code in target.organizers
    ],
    "reopenRegistrant": of_each_ref(reason=REASON),
    "reopenRegistrants": lambda target: [
        *({"where": {"routeId": route}, "reason": REASON} for route in target.routes),
        *({"where": {"organizer": code, "reference": "BK-1"}, "reason": REASON} for code in target.organizers),
    ],
}

ALL_ITS_OWN = (*EVERYDAY, "clients:write")
"""The scopes of a client that may do whatever an organizer may."""


_MORE: dict[str, Callable[[Target], Asked]] = {
    "booking": lambda _: [{"season": 2026}],
    "cancelBooking": lambda target: [{"only": target.refs(target.one_of_each)[:2]}],
    "cancelMissing": lambda _: [{"evenThough": True}],
    "cases": lambda target: [
        {"correctionAsked": True},
        {"oldestFirst": True},
        *({"after": cursor} for cursor in target.cursors()[:1]),
    ],
    "checkNiks": lambda _: [{"service": "MOTORCYCLE"}],
    "consolidation": lambda _: [{"season": 2026}],
    "departBooking": lambda target: [
        {"direction": "MUDIK", "service": "PASSENGER", "at": NOW_TEXT, "only": target.refs(target.one_of_each)[:2]}
    ],
    "departRegistrants": lambda _: [{"at": NOW_TEXT}],
    "holdSeats": lambda _: [{"seats": 2, "minutes": 5}],
    "importAsTried": lambda _: [{"evenThough": True}],
    "importRegistrants": lambda _: [
        {"changes": "APPLY", "asOf": NOW_TEXT, "dryRun": True},
        {"mode": "SNAPSHOT", "season": 2026, "day": "2026-03-02", "evenThough": True},
    ],
    "importRows": lambda target: [
        {"differing": True},
        {"code": "NIK_ALREADY_REGISTERED"},
        *({"after": cursor} for cursor in target.cursors()[:1]),
    ],
    "issueClient": lambda _: [{"publicKeys": "{}"}],
    "redeliverWebhook": lambda target: [{"delivery": target.routes[0]}],
    "registrant": lambda _: [{"purpose": REASON}],
    "releaseQuota": lambda _: [{"at": NOW_TEXT}],
    "verifyBooking": lambda target: [{"at": NOW_TEXT, "only": target.refs(target.one_of_each)[:2]}],
    "verifyRegistrant": lambda _: [{"at": NOW_TEXT}],
    "verifyRegistrants": lambda _: [{"at": NOW_TEXT}],
}
"""What may be left out: with the first call of its field, once more. A test says that every argument is given."""


def _with_more(field: str) -> Callable[[Target], Asked]:
    def asked(target: Target) -> Asked:
        calls = _AIMS[field](target)
        return [*calls, *({**calls[0], **more} for more in _MORE.get(field, _none)(target) if calls)]

    return asked


def _none(target: Target) -> Asked:
    return []


AIMS: dict[str, Callable[[Target], Asked]] = {field: _with_more(field) for field in _AIMS}

FOR_THE_MINISTRY = frozenset(
    {
        "_service",
        "seasons",
        "blocks",
        "releases",
        "adminChanges",
        "sweepHalts",
        "pulse",
        "casePeople",
        "nikAccesses",
        "heldOnNik",
        "saveOrganizer",
        "saveWindow",
        "withdrawWindow",
        "blockNik",
        "liftNikBlock",
        "liftBlock",
        "publishFigures",
        "setNikAllowance",
        "allowSweep",
        "decideCase",
        "eraseRegistrant",
        "reopenRegistrant",
        "reopenRegistrants",
    }
)
"""What only `hubdat:admin` may call, or whoever reads the figures of all."""

NOBODY = nik_of(839_999)
"""A NIK that no registrant has."""


AT_ONCE = {
    "reopenRegistrants": 1,
    "clients": 1,
    "departRegistrants": 1,
    "verifyRegistrants": 1,
    "registrants": 2,
    "windows": 1,
    "cases": 1,
    "route": 1,
    "releases": 1,
    "changes": 2,
    "statistics": 1,
    "webhooks": 1,
    "importJob": 1,
    "importJobs": 1,
    "importRows": 1,
    "importAsTried": 1,
    "cancelMissing": 1,
    "booking": 1,
    "submitBooking": 1,
    "verifyBooking": 1,
    "departBooking": 1,
    "cancelBooking": 1,
}
"""Calls in one document, of a field that answers much."""


def few(asked: Asked, most: int = 8) -> list[Asked]:
    """So many calls at a time that a deep selection still fits."""
    return [asked[start : start + most] for start in range(0, len(asked), most)]
