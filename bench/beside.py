"""The registry beside the plain endpoints and its rivals: interleaved rounds, and what share of each it answers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import bodies, load, rivals, seed
from bench.load import Outcome, Target

CONNECTIONS = 32
MANY, CONNECTIONS_OF_MANY = 1000, 2
CHECK, SUBMIT, SUBMIT_WIDE = "checkNik", "submitRegistrant, one route", "submitRegistrant, 100 routes"
CHECK_MANY, SUBMIT_MANY = "checkNiks, 1,000 a call", "submitRegistrants, 1,000 a call"
SHARE_OF_THE_PEAK = 0.8
IS_PROBLEM, IS_POSTGRAPHILE_REFUSAL = b'"Problem"', b'"refusal":"'


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of the registry, of the plain endpoints and, by name, of the rivals that are here."""

    ours: str
    two_workers: str
    """The registry, by two processes."""
    plain: str
    rivals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    target: Target
    ours: str
    """What the registry calls the same work."""
    size: int = 1

    @property
    def connections(self) -> int:
        return CONNECTIONS if self.size == 1 else CONNECTIONS_OF_MANY


def rows(servers: Servers, tokens: Mapping[str, str], route: str, routes: Sequence[str]) -> list[Row]:
    people = bodies.People()
    return [
        *checking(servers, tokens[seed.CHECKER]),
        *submitting(servers, tokens[seed.SUBMITTER], SUBMIT, people, [route]),
        *submitting(servers, tokens[seed.SUBMITTER], SUBMIT_WIDE, people, routes),
        *many(servers, tokens, people, route),
    ]


def checking(servers: Servers, token: str) -> list[Row]:
    plain = bodies.plain_checks()
    targets = [
        Target(CHECK, f"{servers.ours}/graphql", bodies.checks(), token),
        Target("the same, two workers", f"{servers.two_workers}/graphql", bodies.checks(), token),
        Target("plain lookup", f"{servers.plain}/lookup", plain),
        Target("plain, with the same duties", f"{servers.plain}/check", plain, token),
    ]
    for name, url in servers.rivals.items():
        query = bodies.POSTGRAPHILE_CHECK if name == rivals.POSTGRAPHILE else bodies.CHECK
        targets.append(Target(name, url, bodies.checks(query), token))
    return [Row(target, CHECK) for target in targets]


def submitting(servers: Servers, token: str, name: str, people: bodies.People, routes: Sequence[str]) -> list[Row]:
    everyone = people.on(routes)
    targets = [
        Target(name, f"{servers.ours}/graphql", bodies.submissions(everyone), token, IS_PROBLEM),
        Target(
            "the same, two workers", f"{servers.two_workers}/graphql", bodies.submissions(everyone), token, IS_PROBLEM
        ),
        Target("plain, a transaction each", f"{servers.plain}/submit", bodies.plain_submissions(everyone)),
    ]
    for rival, url in servers.rivals.items():
        if rival == rivals.POSTGRAPHILE:
            sent, refused = bodies.submissions(everyone, bodies.POSTGRAPHILE_SUBMIT), IS_POSTGRAPHILE_REFUSAL
        else:
            sent, refused = bodies.submissions(everyone), IS_PROBLEM
        targets.append(Target(rival, url, sent, token, refused))
    return [Row(target, name) for target in targets]


def many(servers: Servers, tokens: Mapping[str, str], people: bodies.People, route: str) -> list[Row]:
    graphql, everyone = f"{servers.ours}/graphql", people.on([route])
    submissions, plain = bodies.many_submissions(everyone, MANY), bodies.many_plain_submissions(everyone, MANY)
    checks, checker, submitter = bodies.many_checks(MANY), tokens[seed.CHECKER], tokens[seed.SUBMITTER]
    return [
        Row(Target(CHECK_MANY, graphql, checks, checker), CHECK_MANY, MANY),
        Row(Target("plain lookups", f"{servers.plain}/lookups", bodies.many_plain_checks(MANY)), CHECK_MANY, MANY),
        Row(Target(SUBMIT_MANY, graphql, submissions, submitter, IS_PROBLEM), SUBMIT_MANY, MANY),
        Row(Target("plain, a transaction for all", f"{servers.plain}/submits", plain), SUBMIT_MANY, MANY),
    ]


async def measure(measured: Sequence[Row], rounds: int, seconds: float) -> None:
    outcomes = await in_rounds(measured, rounds, seconds)
    for row, its in zip(measured, outcomes, strict=True):
        if row.target.name in {CHECK, SUBMIT}:
            await paced(row, statistics.median(one.per_second for one in its), rounds, seconds)


async def in_rounds(measured: Sequence[Row], rounds: int, seconds: float) -> list[list[Outcome]]:
    """What each was answered, in the order of `measured`. It is told, too."""
    outcomes: list[list[Outcome]] = [[] for _ in measured]
    for row in measured:
        await load.run(row.target, connections=row.connections, seconds=1)
    for _ in range(rounds):
        for row, its in zip(measured, outcomes, strict=True):
            its.append(await load.run(row.target, connections=row.connections, seconds=seconds))
    report(measured, outcomes)
    return outcomes


async def paced(row: Row, peak: float, rounds: int, seconds: float) -> None:
    rate = SHARE_OF_THE_PEAK * peak
    its = [await load.run(row.target, connections=CONNECTIONS, seconds=seconds, per_second=rate) for _ in range(rounds)]
    p50, p99 = (statistics.median(one.percentile(share) for one in its) * 1000 for share in (0.5, 0.99))
    failed = sum(one.failures for one in its)
    told = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {failed} failed"
    print(f"{row.target.name} at {rate:,.0f} a second, {SHARE_OF_THE_PEAK:.0%} of its peak: {told}")


def report(measured: Sequence[Row], outcomes: Sequence[Sequence[Outcome]]) -> None:
    ours = {row.target.name: its for row, its in zip(measured, outcomes, strict=True) if row.target.name == row.ours}
    print(f"{'':38}{'items/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}   the registry to it: median (range)")
    for row, its in zip(measured, outcomes, strict=True):
        ratios = [one.per_second / beside.per_second for one, beside in zip(ours[row.ours], its, strict=True)]
        share = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(
            f"{row.target.name:38}{statistics.median(one.per_second for one in its) * row.size:10,.0f}"
            f"{statistics.median(one.percentile(0.5) for one in its) * 1000:9.1f}"
            f"{statistics.median(one.percentile(0.99) for one in its) * 1000:9.1f}"
            f"{sum(one.failures for one in its):8}   {'' if row.target.name == row.ours else share}"
        )
