"""Counts of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import metrics


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    metrics.count_in(None)
    yield
    metrics.count_in(None)
