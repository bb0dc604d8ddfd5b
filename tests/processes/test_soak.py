"""The tool that soaks a server: it says what grows and what is left over, and a short run of it goes through."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

from app.config import CHECKOUT
from bench import soak
from bench.soak import Sample, Soaked
from tests.patience import PATIENCE_SECONDS

MIB = 2**20
SECONDS = 120.0


def soaked(*, grows_by: int = 0, slows_by: float = 1.0) -> Soaked:
    """A process of a run of two minutes: twelve samples, and an answer each tenth of a second."""
    begins = [100 * MIB + (grows_by * number if number >= 4 else -50 * MIB) for number in range(12)]
    samples = [Sample({1: size}, {1: 20}, {1: 3}, 17) for size in begins]
    answers = [(at / 10, 0.05 * (slows_by if at > 9 * SECONDS else 1.0)) for at in range(int(SECONDS) * 10)]
    return Soaked(SECONDS, 100, answers, 0, samples, samples[0], samples[0])


def test_what_stays_as_it_is_is_right() -> None:
    """Also a process that has grown while it warmed up."""
    assert soak.wrong(soaked()) == []


def test_a_process_that_grows_is_named() -> None:
    assert soak.wrong(soaked(grows_by=MIB)) == []
    assert soak.wrong(soaked(grows_by=2 * MIB)) == ["process 1 grew by 12.0 MiB"]


def test_answers_that_take_longer_are_named() -> None:
    assert soak.wrong(soaked(slows_by=1.9)) == []
    assert soak.wrong(soaked(slows_by=3.0)) == ["the 99th percentile went from 50 to 150 ms"]


def test_what_is_left_over_is_named() -> None:
    run = soaked()
    assert run.idle_before is not None
    run.failed = 2
    most = soak.MOST_CONNECTIONS
    run.idle_after = replace(run.idle_before, files={1: 22}, threads={1: 4}, connections=18)
    assert soak.wrong(run) == [
        "process 1 has 1 threads more",
        "2 files more, and 1 connections to the database more",
        "2 requests failed",
    ]
    run.failed, run.idle_after = 0, replace(run.idle_before, files={1: 20 + most}, connections=17 + most)
    assert soak.wrong(run) == [f"{17 + most} connections to the database, and the pools have {most}"]


def test_a_pool_that_opens_its_last_connections_has_left_nothing_over() -> None:
    run = soaked()
    assert run.idle_before is not None
    run.idle_after = replace(run.idle_before, files={1: 24}, connections=21)
    assert soak.wrong(run) == []


def test_a_short_run() -> None:
    """How fast and how flat it is depends on what else runs here."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--seconds", "5"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert re.search(
        r"^0\.1 minutes at [\d,]+ requests a second, half of the peak; [\d,]+ answers, \d+ failed$",
        done.stdout,
        re.MULTILINE,
    )
    assert (
        len(re.findall(r"^process \d+: [\d.]+ MiB of its own, [+-][\d.]+ MiB$", done.stdout, re.MULTILINE))
        == 1 + soak.WORKERS
    )
    assert done.returncode == (1 if "WRONG" in done.stdout else 0), done.stderr
