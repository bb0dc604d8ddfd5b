"""Whose a submission is: the caller's, or a member's that it coordinates."""

import pytest

from app.errors import NotYours
from app.registry.caller import Caller, organizer_of

ALONE = Caller("djka-test", "djka")
COORDINATOR = Caller("jasa-raharja-test", "jasa-raharja", frozenset({"bumn-satu", "bumn-dua"}))


def test_what_is_a_callers_own() -> None:
    assert ALONE.organizers == {"djka"}
    assert COORDINATOR.organizers == {"jasa-raharja", "bumn-satu", "bumn-dua"}
    assert COORDINATOR.owns("jasa-raharja")
    assert COORDINATOR.owns("bumn-dua")
    assert not COORDINATOR.owns("djka")
    assert not ALONE.owns("jasa-raharja")


@pytest.mark.parametrize(
    ("caller", "member", "organizer"),
    [
        (ALONE, None, "djka"),
        (ALONE, "", "djka"),
        (ALONE, "djka", "djka"),
        (COORDINATOR, None, "jasa-raharja"),
        (COORDINATOR, "bumn-satu", "bumn-satu"),
    ],
)
def test_a_submission_belongs_to_its_source(caller: Caller, member: str | None, organizer: str) -> None:
    assert organizer_of(caller, member) == organizer


@pytest.mark.parametrize(("caller", "member"), [(ALONE, "bumn-satu"), (COORDINATOR, "djka"), (COORDINATOR, "nobody")])
def test_nobody_submits_for_others(caller: Caller, member: str) -> None:
    refused = organizer_of(caller, member)
    assert isinstance(refused, NotYours)
    assert refused.field == "member"
