"""Families of the demo's dishub-dki, whose bus leaves today: what a posko sees at its gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

ROUTES = """{ routes(where: {organizer: "dishub-dki", direction: MUDIK, service: PASSENGER}, first: 1) {
    nodes { origin { code } destination { code } } } }"""
SAVE = (
    "mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) { ... on Route { id } ... on Problem { code } } }"
)
BOOK = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) { __typename
    ... on SubmittedBooking { booking { registrants { id name direction } } }
    ... on RefusedBooking { problems { code message } } ... on Problem { code message } } }"""
NAMES = (
    "Siti Rahayu Kusumaningrum",
    "Raden Mas Muhammad Fathan Al Ghifari Nugroho Kusumawardhana bin Abdurrahman",
    "Ayu",
)
Asked = Callable[..., Any]
serials = count(9000)


def nik() -> str:
    """Of nobody: the demo's people have other districts, or serial numbers from 9500 on."""
    return f"317205010190{next(serials)}"


def route(asked: Asked, name: str, leaves: datetime, *, back: bool = False, service: str = "PASSENGER") -> str:
    places = asked(ROUTES)["routes"]["nodes"][0]
    ends = ("destination", "origin") if back else ("origin", "destination")
    origin, destination = (places[end]["code"] for end in ends)
    direction = "BALIK" if back else "MUDIK"
    given = {"name": name, "direction": direction, "service": service, "origin": origin, "destination": destination}
    [saved] = asked(SAVE, inputs=[{**given, "departsAt": leaves.isoformat()}])["saveRoutes"]
    return str(saved["id"])


def family(
    asked: Asked, code: str, people: int = 3, *, leaves_in: timedelta = timedelta(hours=3), returns: bool = False
) -> Sequence[dict[str, Any]]:
    """Its registrants, the ways home in their order."""
    leaves = datetime.now(UTC).replace(microsecond=0) + leaves_in
    home = route(asked, f"Pulang {code}", leaves)
    back = {"returnRouteId": route(asked, f"Balik {code}", leaves + timedelta(days=6), back=True)} if returns else {}
    travellers = [
        {"nik": nik(), "name": NAMES[number % len(NAMES)], "routeId": home, "identityDocument": "KTP", **back}
        for number in range(people)
    ]
    answer = asked(BOOK, input={"reference": code, "registrants": travellers})["submitBooking"]
    assert answer["__typename"] == "SubmittedBooking", answer
    found = answer["booking"]["registrants"]
    return [one for one in found if one["direction"] == "MUDIK"]


def rider(asked: Asked, code: str) -> dict[str, Any]:
    """One whose motorcycle leaves tomorrow."""
    leaves = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    papers = {"plate": "B 2345 ZZZ", "registrationNumber": f"DEMO-{code}"}
    traveller = {
        "nik": nik(),
        "name": NAMES[0],
        "routeId": route(asked, f"Motor {code}", leaves, service="MOTORCYCLE"),
        "identityDocument": "SIM",
        "motorcycle": papers,
    }
    answer = asked(BOOK, input={"reference": code, "registrants": [traveller]})["submitBooking"]
    assert answer["__typename"] == "SubmittedBooking", answer
    [one] = answer["booking"]["registrants"]
    return dict(one)
