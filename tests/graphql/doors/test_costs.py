"""What a turn is booked for beside the answer of an operation."""

from __future__ import annotations

import pytest

from app.auth.bearer import Principal
from app.config import Settings
from app.graphql.doors.repeats import COST_OF_AN_ITEM, Asked
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.server.turns import Turns
from tests.world import HUBDAT, NOW, nik_of

NIKS = [nik_of(number) for number in range(3)]
PEOPLE = [{"nik": one, "name": "Warga", "routeId": "1", "identityDocument": "KTP"} for one in NIKS]
SUBMIT = "submitRegistrants(inputs: $inputs) { __typename }"

BOOK = "submitBooking(input: $input) { __typename }"
BOOKING = {"reference": "K1", "registrants": PEOPLE}
WRITTEN_PERSON = f'{{nik: "{nik_of(1)}", name: "Warga", routeId: "1", identityDocument: KTP}}'
WRITTEN_BOOKING = f'{{reference: "K1", registrants: [{WRITTEN_PERSON}, {WRITTEN_PERSON}]}}'
TERMINALS = '[{code: "a", name: "A", city: "Solo"}, {code: "b", name: "B", city: "Solo"}]'
SAVE = "saveTerminals(inputs: $inputs) { __typename }"
WRITTEN = f"saveTerminals(inputs: {TERMINALS}) {{ __typename }}"


@pytest.mark.parametrize(
    ("query", "variables", "more"),
    [
        (f"mutation ($inputs: [SubmitRegistrant!]!) {{ {SUBMIT} }}", {"inputs": PEOPLE}, 3 * COST_OF_AN_ITEM),
        (
            f"mutation ($inputs: [SubmitRegistrant!]!) {{ {SUBMIT} b: {SUBMIT} }}",
            {"inputs": PEOPLE},
            6 * COST_OF_AN_ITEM,
        ),
        (f"mutation {{ a: {WRITTEN} b: {WRITTEN} }}", {}, 4 * COST_OF_AN_ITEM),
        (
            f"mutation {{ ...A ... {{ b: {WRITTEN} }} }} fragment A on Mutation {{ a: {WRITTEN} }}",
            {},
            4 * COST_OF_AN_ITEM,
        ),
        (f"mutation ($inputs: [TerminalInput!]! = {TERMINALS}) {{ {SAVE} b: {SAVE} }}", {}, 4 * COST_OF_AN_ITEM),
        (f"mutation ($input: SubmitBooking!) {{ {BOOK} }}", {"input": BOOKING}, 3 * COST_OF_AN_ITEM),
        (f"mutation {{ submitBooking(input: {WRITTEN_BOOKING}) {{ __typename }} }}", {}, 2 * COST_OF_AN_ITEM),
        ("query ($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }", {"niks": NIKS}, 0),
        ("mutation ($id: ID!) { revokeClient(id: $id) { __typename } }", {"id": "a"}, 0),
    ],
)
def test_what_a_mutation_writes_is_booked_by_its_items(query: str, variables: dict[str, object], more: int) -> None:
    found = Operations(EXECUTABLE, Settings(), Turns()).find(OperationRequest(query, variables, None))
    assert Asked(found, Principal(HUBDAT, frozenset(), NOW), "id").more == more
