"""What the servers are asked: endless supplies of bodies. The same documents go to the registry and to Mercurius."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

import orjson

from bench import seed

CHECK = "query Check($nik: NIK!) { checkNik(nik: $nik) { outcome available standing { organizer { code } status } } }"
CHECKS = (
    "query Checks($niks: [NIK!]!)"
    " { checkNiks(niks: $niks) { nik outcome available standing { organizer { code } status registeredOn } } }"
)
SUBMIT = (
    "mutation Submit($input: SubmitRegistrant!) { submitRegistrant(input: $input)"
    " { __typename ... on Submission { replayed registrant { id status } } ... on Problem { code message } } }"
)
SUBMITS = SUBMIT.replace("Submit(", "Submits(", 1).replace("$input: SubmitRegistrant!", "$inputs: [SubmitRegistrant!]!")
SUBMITS = SUBMITS.replace("submitRegistrant(input: $input)", "submitRegistrants(inputs: $inputs)")

POSTGRAPHILE_CHECK = "query Check($nik: String!) { checkNik(nik: $nik) { organizer status registeredAt } }"
_RESULT = "result { registrantId refusal }"
POSTGRAPHILE_SUBMIT = f"mutation($input: SubmitRegistrantInput!) {{ submitRegistrant(input: $input) {{ {_RESULT} }} }}"


def niks() -> Iterator[str]:
    """Half of them registered, half not."""
    dice = random.Random(1)
    while True:
        yield seed.nik_of(dice.randrange(2 * seed.REGISTRANTS))


def checks(query: str = CHECK) -> Iterator[bytes]:
    return (orjson.dumps({"query": query, "variables": {"nik": nik}}) for nik in niks())


def plain_checks() -> Iterator[bytes]:
    return (orjson.dumps({"nik": nik}) for nik in niks())


def many_plain_checks(size: int) -> Iterator[bytes]:
    source = niks()
    while True:
        yield orjson.dumps({"niks": list(itertools.islice(source, size))})


def many_checks(size: int) -> Iterator[bytes]:
    source = niks()
    while True:
        yield orjson.dumps({"query": CHECKS, "variables": {"niks": list(itertools.islice(source, size))}})


class People:
    """Each of them new, on whichever route: one for all servers that a run measures."""

    def __init__(self) -> None:
        self.numbers = itertools.count(10 * seed.REGISTRANTS)

    def on(self, routes: Sequence[str]) -> Iterator[dict[str, str]]:
        """One route after the other."""
        return (person(next(self.numbers), route) for route in itertools.cycle(routes))


def person(number: int, route: str) -> dict[str, str]:
    return {
        "nik": seed.nik_of(number),
        "name": "Warga Contoh",
        "routeId": route,
        "identityDocument": "KTP",
        "reference": f"BK-{number}",
    }


def submissions(source: Iterator[dict[str, str]], query: str = SUBMIT) -> Iterator[bytes]:
    return (orjson.dumps({"query": query, "variables": {"input": one}}) for one in source)


def plain_submissions(source: Iterator[dict[str, str]]) -> Iterator[bytes]:
    return map(orjson.dumps, source)


def many_plain_submissions(source: Iterator[dict[str, str]], size: int) -> Iterator[bytes]:
    while True:
        yield orjson.dumps(list(itertools.islice(source, size)))


def many_submissions(source: Iterator[dict[str, str]], size: int) -> Iterator[bytes]:
    while True:
        yield orjson.dumps({"query": SUBMITS, "variables": {"inputs": list(itertools.islice(source, size))}})
