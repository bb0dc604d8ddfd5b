"""Who may travel on a lap: under two on the day of departure, on a passenger route, with KIA or KK."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.registry.routes import lap_infants

LATE_EVENING = datetime(2026, 3, 15, 16, 59, tzinfo=UTC)
"""23:59 WIB on the 15th."""
MIDNIGHT = datetime(2026, 3, 15, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("born_on", "departs_at", "field"),
    [
        (date(2024, 3, 16), LATE_EVENING, None),
        (date(2024, 3, 16), MIDNIGHT, "lapInfant"),
        (date(2024, 3, 15), LATE_EVENING, "lapInfant"),
        (date(2026, 3, 1), LATE_EVENING, None),
        (date(2024, 2, 29), datetime(2026, 2, 28, 3, tzinfo=UTC), None),
        (date(2024, 2, 29), datetime(2026, 3, 1, 3, tzinfo=UTC), "lapInfant"),
        (date(2025, 1, 1), None, "lapInfant"),
    ],
)
def test_the_day_of_departure_counts_in_wib(born_on: date, departs_at: datetime | None, field: str | None) -> None:
    refused = lap_infants.judge(born_on, "KIA", "PASSENGER", departs_at)
    assert (None if refused is None else refused.field) == field


@pytest.mark.parametrize(
    ("document", "service", "field"),
    [
        ("KIA", "PASSENGER", None),
        ("KK", "PASSENGER", None),
        ("KTP", "PASSENGER", "identityDocument"),
        ("SIM", "PASSENGER", "identityDocument"),
        (None, "PASSENGER", "identityDocument"),
        ("KIA", "MOTORCYCLE", "lapInfant"),
    ],
)
def test_papers_and_service(document: str | None, service: str, field: str | None) -> None:
    refused = lap_infants.judge(date(2025, 1, 1), document, service, LATE_EVENING)
    assert (None if refused is None else refused.field) == field
