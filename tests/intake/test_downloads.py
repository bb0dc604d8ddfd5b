"""A file that is made while it is sent: a turn makes the rows that it costs, in every format."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.intake.downloads import PIECES_OF_A_TURN, in_turns
from app.intake.files.encoding import ROWS_OF_A_PIECE, Cell, Csv, Encoder, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.server.turns import Turns

pytestmark = pytest.mark.anyio

ROWS = 1_000


class CountedTurns(Turns):
    """Turns that count, for each of them, how many rows had been made when it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.ended_at: list[int] = []

    @asynccontextmanager
    async def turn(self, client: str, cost: int, *, refusable: bool = True) -> AsyncIterator[None]:
        async with super().turn(client, cost, refusable=refusable):
            yield
        self.ended_at.append(self.made)

    def cells(self, row: int) -> Sequence[Cell]:
        self.made += 1
        return [row, f"penumpang {row}"]


@pytest.mark.parametrize("kind", [Csv, Xlsx])
async def test_a_turn_makes_the_rows_that_it_costs(kind: Callable[[], Any]) -> None:
    turns, encoder = CountedTurns(), kind()

    async def pieces(encoder: Encoder) -> Any:
        yield encoder.sheet("A", ["nomor", "nama"])
        async for piece in encoded(encoder, range(ROWS), turns.cells):
            yield piece
        yield encoder.end()

    parts = [part async for part in in_turns(turns, "a", pieces(encoder))]
    steps = [after - before for before, after in zip([0, *turns.ended_at], turns.ended_at, strict=False)]
    assert max(steps) == PIECES_OF_A_TURN * ROWS_OF_A_PIECE
    assert sum(steps) == ROWS
    # An empty part would be sent for nothing.
    assert all(parts)
