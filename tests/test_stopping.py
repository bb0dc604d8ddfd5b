"""The signal to end is heard, and goes to whoever handled it before."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from app.stopping import heard
from tests.patience import patience

pytestmark = pytest.mark.anyio


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that the server's own handler was given."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


async def test_a_signal_is_heard_and_passed_on(handled: list[int]) -> None:
    servers = signal.getsignal(signal.SIGTERM)
    stopping = asyncio.Event()
    with heard(stopping):
        signal.raise_signal(signal.SIGTERM)
        async with patience():
            await stopping.wait()
        assert handled == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is servers


async def test_nobodys_signal_is_left_alone(handled: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with heard(asyncio.Event()):
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


async def test_only_a_main_thread_can_hear(handled: list[int]) -> None:
    servers = signal.getsignal(signal.SIGTERM)

    async def elsewhere() -> None:
        with heard(asyncio.Event()):
            assert signal.getsignal(signal.SIGTERM) is servers

    await asyncio.to_thread(asyncio.run, elsewhere())
