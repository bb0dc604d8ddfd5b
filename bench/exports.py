"""Exports measured: everything that an organizer has, in each format, while another client checks NIKs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from urllib.request import Request, urlopen

import psutil

from bench import load, seed
from bench.load import Outcome, Target

FORMATS = ("xlsx", "csv", "jsonl")
LOOK_EVERY = 0.02
MEBIBYTE = 2**20


async def measure(ours: tuple[str, int], tokens: dict[str, str], checks: Iterator[bytes]) -> None:
    target = Target("checkNik", f"{ours[0]}/graphql", checks, tokens[seed.SUBMITTER])
    await load.run(target, connections=1, seconds=1)
    print(f"\nexport of {seed.REGISTRANTS:,} rows")
    for extension in FORMATS:
        before = psutil.Process(ours[1]).memory_info().rss
        started = time.perf_counter()
        downloading = asyncio.create_task(
            asyncio.to_thread(download, f"{ours[0]}/export.{extension}", tokens[seed.CHECKER])
        )
        meanwhile = Outcome()
        peak = before
        while not downloading.done():
            one = await load.run(target, connections=1, seconds=0)
            meanwhile.latencies += one.latencies
            meanwhile.failures += one.failures
            peak = max(peak, psutil.Process(ours[1]).memory_info().rss)
            await asyncio.sleep(LOOK_EVERY)
        print(
            f".{extension:6}{time.perf_counter() - started:6.1f} s  {await downloading / MEBIBYTE:.1f} MiB;"
            f" the server grew by {(peak - before) / MEBIBYTE:.0f} MiB;"
            f" checkNik meanwhile p50 {meanwhile.percentile(0.5) * 1000:.1f} ms,"
            f" p99 {meanwhile.percentile(0.99) * 1000:.1f} ms, {meanwhile.failures} failed"
        )


def download(url: str, token: str) -> int:
    """Its bytes."""
    size = 0
    with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"})) as answer:
        while part := answer.read(MEBIBYTE):
            size += len(part)
    return size
