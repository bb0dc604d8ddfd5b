"""Files that are made while they are sent: each part is made in a turn of the client, and sent after the turn.

A client that takes its file slowly would otherwise hold a turn that others wait for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.server.turns import Turns

PIECES_OF_A_TURN = 10
"""One turn writes so many pieces. A piece has 20 rows (`files.encoding`)."""
COST_OF_A_TURN = 2_500
"""What a turn costs, in units of CPU: 200 rows are read, opened and written."""


async def first_turn(turns: Turns, client: str) -> None:
    """Before a file begins to be sent it can be refused, as what has begun is not. Raises `TooManyOperations`."""
    async with turns.turn(client, COST_OF_A_TURN):
        pass


async def in_turns(turns: Turns, client: str, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        part = [b""]
        while part:
            # What has begun to be sent should not break off: it waits longer than what has not.
            async with turns.turn(client, COST_OF_A_TURN, refusable=False):
                part = await _next(pieces)
            if content := b"".join(part):
                yield content


async def _next(pieces: AsyncGenerator[bytes, None]) -> list[bytes]:
    part: list[bytes] = []
    async for piece in pieces:
        part.append(piece)
        if len(part) == PIECES_OF_A_TURN:
            break
    return part
