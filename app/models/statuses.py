"""Which statuses hold a seat or a NIK, and what else is said of several statuses at once: for the rules, and as SQL."""

from collections.abc import Iterable

from app.models.enums import RegistrantStatus

SEAT_HOLDERS = (RegistrantStatus.REGISTERED, RegistrantStatus.VERIFIED, RegistrantStatus.DEPARTED)
NIK_HOLDERS = (*SEAT_HOLDERS, RegistrantStatus.NO_SHOW)
"""A no-show keeps the NIK; its seat has left."""
ENDED = (RegistrantStatus.CANCELLED, RegistrantStatus.FORFEITED, RegistrantStatus.NO_SHOW)
YET_TO_DEPART = (RegistrantStatus.REGISTERED, RegistrantStatus.VERIFIED)
"""What can still be cancelled, and ends with its outbound."""


def _status_in(statuses: Iterable[RegistrantStatus]) -> str:
    members = ", ".join(f"'{status}'" for status in statuses)
    return f"status IN ({members})"


# Conditions of SQL text. An alias goes in front: `r.{HOLDS_SEAT}`.
HOLDS_SEAT = _status_in(SEAT_HOLDERS)
HOLDS_NIK = _status_in(NIK_HOLDERS)
"""The predicate of the unique index and of every `ON CONFLICT` that names it: one literal, so they cannot differ."""
IS_YET_TO_DEPART = _status_in(YET_TO_DEPART)
AWAITS_VERIFICATION = f"status = '{RegistrantStatus.REGISTERED}'"
IS_NO_SHOW = f"status = '{RegistrantStatus.NO_SHOW}'"
IS_FORFEITED = f"status = '{RegistrantStatus.FORFEITED}'"
HAS_ENDED = _status_in(ENDED)
"""What Hubdat can reopen."""
AWAITS_DEPARTURE = f"status = '{RegistrantStatus.VERIFIED}'"
VERIFIED_OR_LATER = (RegistrantStatus.VERIFIED, RegistrantStatus.DEPARTED, RegistrantStatus.NO_SHOW)
WAS_VERIFIED = _status_in(VERIFIED_OR_LATER)
"""Whatever became of it since. Of a cancelled registrant `verified_at` tells."""
FORFEITS_AT = "coalesce(forfeits_at, verify_by)"
"""When the sweep forfeits whoever awaits verification: `infinity` is never. The index of the sweep has this literal."""
