"""What metrics cost one NIK check, in microseconds, the best of five rounds: `python -m bench.counting`."""

from __future__ import annotations

import os
import random
import tempfile
import timeit
from collections.abc import Callable
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path

TIMES = 20_000


def niks(dice: random.Random) -> list[str]:
    """Of nobody: serials from 9000 on."""
    born = [date(1946, 1, 1) + timedelta(days=dice.randrange(28_000)) for _ in range(TIMES)]
    return [f"3372{dice.randrange(1, 41):02}{day:%d%m%y}{dice.randrange(9000, 9010)}" for day in born]


def cost(what: Callable[[], object], times: int = TIMES) -> float:
    return min(timeit.repeat(what, number=times, repeat=5)) / times * 1e6


def main(folder: Path) -> None:
    # Not before the folder is known.
    from app import alarm, metrics, request_log, tracing  # noqa: PLC0415
    from app.metrics import page  # noqa: PLC0415
    from app.models.enums import NikOutcome  # noqa: PLC0415
    from app.registry.caller import Caller  # noqa: PLC0415
    from app.registry.niks.check import Answer, Check  # noqa: PLC0415
    from app.registry.niks.claims import ALL  # noqa: PLC0415

    answers = [
        Answer(
            nik=nik,
            outcome=NikOutcome.AVAILABLE,
            asked=ALL,
            held=(),
            is_partial=False,
            needs_outbound=True,
            standing=(),
            block=None,
            warnings=(),
            outbound_stands=None,
        )
        for nik in niks(random.Random(1))
    ]
    turn = cycle(answers)
    checks = [Check(Caller("djka-bench", "djka"), "")]
    state = {"operation": "checkNik", "outcome": "ok"}
    verdict = cost(lambda: alarm.count_checks(checks, [next(turn)]))
    request = cost(lambda: request_log.count(state, "/graphql", 200, 0.003, 0.002))
    waiting = cost(lambda: metrics.WAITING.labels("checks").inc())
    off = cost(lambda: (tracing.request(()), tracing.span("operation"), tracing.here()))
    print(f"verdict {verdict:.1f}, request {request:.1f}, waiting {waiting:.1f}, traces when off {off:.1f}")
    print(f"together {verdict + request + waiting + off:.1f} microseconds")
    print(f"a page of one process: {cost(lambda: page.render('', folder), 50) / 1000:.1f} milliseconds")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = made
        main(Path(made))
