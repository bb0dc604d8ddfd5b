"""Random examples: the same ones in every run, so that a run does not fail by chance. `make nightly` tries others.

Tests take `given` from here, as hypothesis takes its settings when a test is defined. No example has a deadline: on a
machine that does other things too, the first one would miss it.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

__all__ = ["given", "lives"]

settings.register_profile("daily", deadline=None, derandomize=True, database=None)
settings.register_profile("nightly", deadline=None, max_examples=1_000, database=None, print_blob=True)
settings.load_profile("daily")


def lives() -> settings:
    """Of tests whose example is a whole life of the registry: it takes a second, and is not made smaller."""
    return settings(
        max_examples=settings().max_examples // 10,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
