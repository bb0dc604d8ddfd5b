"""`make soak`: mixed traffic at half of the peak for a long time, and whether anything grows meanwhile.

Checks, submissions, pages of the feed and followers, at a `pemudik serve` of two workers. First the peak is measured,
then half of it is sent at a steady rate: how long an answer takes counts from when its request was due. The first third
warms up. Behind it, the first quarter is compared with the last one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil

from app.config import Settings
from app.db import BESIDE_POOLS, POOLS, Database
from app.embedded import postgres
from bench import __main__ as bench
from bench import bodies, live, seed
from tests import queries

WORKERS = 2
MOST_CONNECTIONS = WORKERS * (POOLS * Settings().pool_size + BESIDE_POOLS) + 1
"""Of the pools, and one of ours."""
CONNECTIONS = 16
FOLLOWERS = 5
PEAK_SECONDS = 5.0
RENEWED_AFTER_SECONDS = 120.0
SAMPLES = 60
SHARE_OF_PEAK = 0.5
MOST_GROWN_BYTES = 10 * 2**20
MOST_TIMES_THE_P99 = 2.0
CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
PAGE = "{ changes(first: 50) { nodes { cursor to registrant { id } } pageInfo { endCursor } } }"


@dataclass(frozen=True, slots=True)
class Sample:
    """Of all processes, by pid."""

    private_bytes: dict[int, int]
    files: dict[int, int]
    threads: dict[int, int]
    connections: int
    """To the database."""


@dataclass
class Soaked:
    seconds: float
    peak: float
    """Requests a second."""
    answers: list[tuple[float, float]] = field(default_factory=list)
    """When each request was due, and how long its answer took."""
    failed: int = 0
    samples: list[Sample] = field(default_factory=list)
    idle_before: Sample | None = None
    idle_after: Sample | None = None


# --- traffic ----------------------------------------------------------------------------------------------------------


def traffic(tokens: dict[str, str], route: str) -> Iterator[tuple[str, bytes]]:
    """Six checks, three submissions and a page of the feed, again and again, with whose token."""
    checks, submissions = bodies.checks(), bodies.submissions(bodies.People().on([route]))
    page = orjson.dumps({"query": PAGE})
    while True:
        for turn in "cscscsccpc":
            if turn == "c":
                yield tokens[seed.CHECKER], next(checks)
            elif turn == "s":
                yield tokens[seed.SUBMITTER], next(submissions)
            else:
                yield tokens[seed.SUBMITTER], page


async def send(port: int, work: Iterator[tuple[str, bytes]], due: Iterator[float], soaked: Soaked) -> None:
    """One request after the other, each when it is due and not before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for at in due:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        token, body = next(work)
        answer = await live.post(reader, writer, token, body)
        soaked.failed += b'"errors"' in answer
        soaked.answers.append((at, time.monotonic() - at))
    writer.close()


async def flow(port: int, work: Iterator[tuple[str, bytes]], rate: float, seconds: float, soaked: Soaked) -> None:
    begun = time.monotonic()
    due = itertools.takewhile(lambda at: at < begun + seconds, (begun + number / rate for number in itertools.count()))
    await asyncio.gather(*(send(port, work, due, soaked) for _ in range(CONNECTIONS)))


async def peak(port: int, work: Iterator[tuple[str, bytes]]) -> float:
    """As many as the connections carry when each sends its next request at once."""
    measured, begun = Soaked(PEAK_SECONDS, 0), time.monotonic()
    now = iter(time.monotonic, 0.0)
    due = itertools.takewhile(lambda at: at < begun + PEAK_SECONDS, now)
    await asyncio.gather(*(send(port, work, due, measured) for _ in range(CONNECTIONS)))
    return len(measured.answers) / (time.monotonic() - begun)


# --- what is looked at ------------------------------------------------------------------------------------------------


async def look(database: Database, processes: Sequence[psutil.Process]) -> Sample:
    async with database.transaction() as session:
        connections = await queries.value(session, CONNECTED)
    return Sample(
        {one.pid: one.memory_full_info().uss for one in processes},
        {one.pid: one.num_fds() for one in processes},
        {one.pid: one.num_threads() for one in processes},
        connections,
    )


async def watch(database: Database, processes: Sequence[psutil.Process], soaked: Soaked) -> None:
    for _ in range(SAMPLES):
        await asyncio.sleep(soaked.seconds / SAMPLES)
        soaked.samples.append(await look(database, processes))


def quarters(soaked: Soaked) -> tuple[slice, slice]:
    """Of the samples behind the first third: the first and the last quarter."""
    warm = len(soaked.samples) // 3
    size = max(1, (len(soaked.samples) - warm) // 4)
    return slice(warm, warm + size), slice(len(soaked.samples) - size, None)


def grown(soaked: Soaked) -> dict[int, int]:
    """By how many bytes each process has grown."""
    first, last = ([one.private_bytes for one in soaked.samples[part]] for part in quarters(soaked))
    return {
        pid: int(statistics.median(one[pid] for one in last) - statistics.median(one[pid] for one in first))
        for pid in first[0]
    }


def p99(soaked: Soaked) -> tuple[float, float]:
    """In seconds, of the requests in the first and in the last quarter."""
    begun = soaked.answers[0][0]
    warm = soaked.seconds / 3
    size = (soaked.seconds - warm) / 4
    parts = ((warm, warm + size), (soaked.seconds - size, soaked.seconds))
    return tuple(  # type: ignore[return-value]
        statistics.quantiles([took for at, took in soaked.answers if since <= at - begun < until], n=100)[98]
        for since, until in parts
    )


def wrong(soaked: Soaked) -> list[str]:
    """What is not flat, or was left over."""
    assert soaked.idle_before is not None
    assert soaked.idle_after is not None
    found = [
        f"process {pid} grew by {by / 2**20:.1f} MiB" for pid, by in grown(soaked).items() if by > MOST_GROWN_BYTES
    ]
    before, after = soaked.idle_before, soaked.idle_after
    found += [
        f"process {pid} has {now - before.threads[pid]} threads more"
        for pid, now in after.threads.items()
        if now > before.threads[pid]
    ]
    # A pool opens a connection when it is first needed, and keeps it. Each is one file more.
    opened = after.connections - before.connections
    files = sum(after.files.values()) - sum(before.files.values())
    if files > max(0, opened):
        found.append(f"{files} files more, and {opened} connections to the database more")
    if after.connections > MOST_CONNECTIONS:
        found.append(f"{after.connections} connections to the database, and the pools have {MOST_CONNECTIONS}")
    first, last = p99(soaked)
    if last > MOST_TIMES_THE_P99 * first:
        found.append(f"the 99th percentile went from {first * 1000:.0f} to {last * 1000:.0f} ms")
    if soaked.failed:
        found.append(f"{soaked.failed} requests failed")
    return found


# --- a run ------------------------------------------------------------------------------------------------------------


Credentials = dict[str, tuple[str, str]]


async def renew(port: int, credentials: Credentials, tokens: dict[str, str], followers: list[live.Follower]) -> None:
    """A token is good for 15 minutes. Followers come again with new ones, as clients do."""
    while True:
        await asyncio.sleep(RENEWED_AFTER_SECONDS)
        for organizer, pair in credentials.items():
            tokens[organizer] = await asyncio.to_thread(live.token, port, *pair)
        before, followers[:] = followers[:], await follow(port, tokens)
        end(before)


async def follow(port: int, tokens: dict[str, str]) -> list[live.Follower]:
    return [await live.follow(port, tokens[seed.SUBMITTER]) for _ in range(FOLLOWERS)]


def end(followers: Sequence[live.Follower]) -> None:
    for follower in followers:
        follower.transport.close()


async def soak(url: str, port: int, pid: int, credentials: Credentials, route: str, seconds: float) -> Soaked:
    database = Database(url, pool_size=1)
    tokens = {organizer: await asyncio.to_thread(live.token, port, *pair) for organizer, pair in credentials.items()}
    work = traffic(tokens, route)
    followers = await follow(port, tokens)
    soaked = Soaked(seconds, await peak(port, work))
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    processes = [one for one in processes if "spawn_main" in " ".join(one.cmdline()) or one.pid == pid]
    soaked.idle_before = await quiet(database, processes)
    watching = asyncio.create_task(watch(database, processes, soaked))
    renewing = asyncio.create_task(renew(port, credentials, tokens, followers))
    await flow(port, work, soaked.peak * SHARE_OF_PEAK, seconds, soaked)
    await watching
    renewing.cancel()
    soaked.idle_after = await quiet(database, processes)
    end(followers)
    await database.dispose()
    return soaked


async def quiet(database: Database, processes: Sequence[psutil.Process]) -> Sample:
    """When the connections of the last requests are closed."""
    await asyncio.sleep(2)
    return await look(database, processes)


def report(soaked: Soaked) -> None:
    first, last = p99(soaked)
    print(
        f"{soaked.seconds / 60:.1f} minutes at {soaked.peak * SHARE_OF_PEAK:,.0f} requests a second,"
        f" half of the peak; {len(soaked.answers):,} answers, {soaked.failed} failed\n"
        f"99th percentile: {first * 1000:.1f} ms in the first quarter, {last * 1000:.1f} ms in the last"
    )
    for pid, by in grown(soaked).items():
        now = soaked.samples[-1].private_bytes[pid]
        print(f"process {pid}: {now / 2**20:.1f} MiB of its own, {by / 2**20:+.1f} MiB")
    for one in wrong(soaked):
        print(f"WRONG: {one}")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench.soak")
    arguments.add_argument("--seconds", type=float, default=1800.0)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url:
            credentials, route = asyncio.run(bench.prepare(url, folder))
            with live.serving(url, folder, WORKERS) as (port, pid):
                soaked = asyncio.run(soak(url, port, pid, credentials, route, options.seconds))
    report(soaked)
    if wrong(soaked):
        sys.exit(1)


if __name__ == "__main__":
    main()
