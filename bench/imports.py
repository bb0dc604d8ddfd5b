"""Imports measured: a file of 100,000 rows twice, through the door of a server, while another client checks NIKs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import orjson
import psutil

from app.intake.files.encoding_xlsx import Xlsx
from app.registry.values.standard import COLUMNS
from bench import load, seed
from bench.load import Outcome, Target

ROWS = 100_000
FIRST = 40 * seed.REGISTRANTS
"""The number of the first person in the file: nobody that others submit."""
CITIES = ("Solo", "Semarang", "Madiun", "Cirebon", "Yogyakarta", "Surabaya", "Malang", "Purwokerto", "Tegal", "Kudus")
PAUSE = 0.02
"""Seconds between two checks."""
LOOK_EVERY = 0.1
MEBIBYTE = 2**20


@dataclass
class Import:
    job: dict[str, Any]
    seconds: float
    peak: int
    """Bytes of memory of the processes that were at the job, together."""
    checks: Outcome


def file(rows: int) -> bytes:
    encoder = Xlsx()
    parts = [encoder.sheet("Peserta", COLUMNS)]
    people = [person(number) for number in range(rows)]
    parts += [encoder.rows(people[start : start + 1000]) for start in range(0, rows, 1000)]
    return b"".join([*parts, encoder.end()])


def person(number: int) -> list[str]:
    city = CITIES[number % len(CITIES)]
    return [
        seed.nik_of(FIRST + number),
        f"Warga Contoh {number}",
        f"Jakarta - {city}",
        "Terminal Pulo Gebang",
        f"Terminal {city}",
        "Kota Jakarta Timur",
        f"Kota {city}",
        "Arus mudik",
        f"{number % 28 + 1:02}/03/2026 08:{number % 60:02}",
        "Terdaftar",
        "1",
        seed.SUBMITTER,
    ]


async def measure(ours: tuple[str, int], tokens: dict[str, str], checks: Iterator[bytes], rows: int = ROWS) -> None:
    content = file(rows)
    print(f"\nimport of {rows:,} rows, .xlsx of {len(content) / MEBIBYTE:.1f} MiB")
    for label in ("as new", "the same again"):
        one = await imported(ours, tokens, content, checks)
        results = ", ".join(f"{one.job[name]:,} {name}" for name in ("new", "unchanged", "refused"))
        print(
            f"{label:16}{one.seconds:6.1f} s  {results}; the job's processes {one.peak / MEBIBYTE:.0f} MiB;"
            f" checkNik meanwhile p50 {one.checks.percentile(0.5) * 1000:.1f} ms,"
            f" p99 {one.checks.percentile(0.99) * 1000:.1f} ms, {one.checks.failures} failed"
        )


async def imported(ours: tuple[str, int], tokens: dict[str, str], content: bytes, checks: Iterator[bytes]) -> Import:
    target = Target("checkNik", f"{ours[0]}/graphql", checks, tokens[seed.CHECKER])
    started = time.perf_counter()
    job = await asyncio.to_thread(send, f"{ours[0]}/import", tokens[seed.SUBMITTER], content)
    checks_meanwhile = Outcome()
    checking = asyncio.create_task(paced(target, checks_meanwhile))
    peak = 0
    while job["finishedAt"] is None:
        await asyncio.sleep(LOOK_EVERY)
        peak = max(peak, await asyncio.to_thread(memory, ours[1]))
        job = await asyncio.to_thread(send, f"{ours[0]}/import/{job['id']}", tokens[seed.SUBMITTER])
    seconds = time.perf_counter() - started
    checking.cancel()
    with suppress(asyncio.CancelledError):
        await checking
    assert job["state"] == "DONE", job
    return Import(job, seconds, peak, checks_meanwhile)


async def paced(target: Target, outcome: Outcome) -> None:
    """One check after the other, with pauses, as a client that does other things as well."""
    while True:
        one = await load.run(target, connections=1, seconds=0)
        outcome.requests += one.requests
        outcome.failures += one.failures
        outcome.latencies += one.latencies
        await asyncio.sleep(PAUSE)


def send(url: str, token: str, content: bytes | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    with urlopen(Request(url, content, headers)) as answer:
        shown: dict[str, Any] = orjson.loads(answer.read())
        return shown


def memory(server: int) -> int:
    """Of the server's children and theirs: what the job takes."""
    total = 0
    for process in psutil.Process(server).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total
