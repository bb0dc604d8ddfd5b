"""Return pairing: an arus balik registration needs a holding arus mudik one of the same NIK and service, with the same
organizer, on the same day, and leaves from that trip's destination city (S2.3). A return never outlives its outbound.
The two legs of a trip are verified once, together (S2.4), and have one deadline: that of the outbound.

Policies `returnRequiresOutbound` (on by default) and `returnSameDay` (on for hubdat). Outbounds are locked against
ending until their returns are booked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import Raced, ReturnCityMismatch, ReturnWithoutOutbound, refuses
from app.models.statuses import SEAT_HOLDERS
from app.registry.registrants.uniqueness import NikHolder
from app.registry.routes.route import Route
from app.registry.terms.policy import Policy
from app.registry.values import cities
from app.sql import Arrays, statement


class Outbound(NamedTuple):
    """The outbound as it stood when its return was judged. A motorcycle is judged by its rider in the same way."""

    id: UUID
    nik_index: bytes
    route_id: UUID
    status: str
    verify_by: datetime | None
    forfeits_at: datetime | None


_OUTBOUNDS = Arrays("outbound", Outbound)
_KEEP = statement(
    f"""
    SELECT count(*) FROM (
        -- OFFSET 0 has PostgreSQL go by the ids. A plan of an empty table would else read all who hold a seat.
        SELECT r.route_id = outbound.route_id AND r.status = outbound.status
               AND r.verify_by IS NOT DISTINCT FROM outbound.verify_by
               AND NULLIF(coalesce(r.forfeits_at, r.verify_by), 'infinity') IS NOT DISTINCT FROM outbound.forfeits_at
               AS as_judged
        FROM registrant r JOIN {_OUTBOUNDS} ON outbound.nik_index = r.nik_index AND outbound.id = r.id
        WHERE r.id = ANY(CAST(:outbound_id AS uuid[])) ORDER BY r.id OFFSET 0 FOR SHARE OF r
    ) kept WHERE kept.as_judged
    """,
    int,
)


@refuses(ReturnWithoutOutbound, ReturnCityMismatch)
def judge(
    route: Route, outbound: NikHolder | None, organizer: str, registered_at: datetime, policy: Policy, field: str
) -> ReturnWithoutOutbound | ReturnCityMismatch | None:
    """Whether `route` may be the way back of `outbound`, the trip home that the NIK holds with anybody."""
    if not policy.return_requires_outbound:
        return None
    if outbound is None or outbound.organizer != organizer or outbound.status not in SEAT_HOLDERS:
        return ReturnWithoutOutbound(field, same_day=False)
    if policy.return_same_day and wib_day(registered_at) != outbound.registered_on:
        return ReturnWithoutOutbound(field, same_day=True)
    if not leaves_from(route, outbound):
        return ReturnCityMismatch(field, city=outbound.destination_city)
    return None


def pairs(route: Route, outbound: NikHolder | None, organizer: str) -> bool:
    """Whether a return on `route` belongs to `outbound`, so that the return ends when the outbound ends."""
    return (
        outbound is not None
        and outbound.organizer == organizer
        and outbound.status in SEAT_HOLDERS
        and leaves_from(route, outbound)
    )


def leaves_from(route: Route, outbound: NikHolder) -> bool:
    return cities.key(route.origin.city) == cities.key(outbound.destination_city)


async def keep_outbounds(session: Session, outbounds: Sequence[Outbound]) -> None:
    """Lock `outbounds`, so that none of them ends, is verified, is moved or gets another NIK before this transaction is
    over.

    Raises `Raced` when an outbound is no longer what its return was judged by.
    """
    kept = await session.one(_KEEP, **_OUTBOUNDS.of(list(outbounds)))
    if kept != len(outbounds):
        raise Raced
