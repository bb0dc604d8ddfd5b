"""Counts of each test's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from app import metrics


def fresh() -> None:
    """As of a process that has just begun."""
    importlib.reload(metrics)
    metrics.start()


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    fresh()
    yield
    fresh()
