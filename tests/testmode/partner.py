"""A partner, who knows an address and the credentials of a client, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.patience import NO_CERTIFICATES, PATIENCE_SECONDS

SUBMIT = """
    mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
        ... on Submission { registrant { id status nik } } ... on Problem { code message field retryAfter }
    } }
"""
ROUTES = """
    query ($organizer: ID!) { routes(where: {organizer: $organizer}) {
        nodes { id name direction service departsAt } pageInfo { endCursor }
    } }
"""
NAME = "Warga Uji"


@dataclass
class Partner:
    base: str
    organizer: str
    client_id: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def sends(self, method: str, path: str, **more: Any) -> httpx.Response:
        """By a new connection, which either worker may take."""
        return httpx.request(method, f"{self.base}{path}", timeout=PATIENCE_SECONDS, verify=NO_CERTIFICATES, **more)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}

    def asks_for_token(self) -> httpx.Response:
        basic = self.client_id, self.secret
        return self.sends("POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)

    def signs_in(self) -> Partner:
        answer = self.asks_for_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    def post(self, query: str, **variables: object) -> httpx.Response:
        return self.sends("POST", "/graphql", json={"query": query, "variables": variables}, headers=self.headers)

    def ask(self, query: str, **variables: object) -> Any:
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def resets(self) -> None:
        """And comes again when it is told to: a test registry is reset a few times a minute."""
        while (answer := self.post("mutation { resetTest { organizer } }")).status_code == 429:
            time.sleep(float(answer.headers["retry-after"]))
        assert answer.status_code == 200, answer.text

    def route(self, direction: str = "MUDIK", service: str = "PASSENGER") -> str:
        nodes = self.ask(ROUTES, organizer=self.organizer)["routes"]["nodes"]
        return next(str(one["id"]) for one in nodes if (one["direction"], one["service"]) == (direction, service))

    def submits(self, nik: str, route: str = "") -> Any:
        given = {"nik": nik, "name": NAME, "routeId": route or self.route(), "identityDocument": "KTP"}
        return self.ask(SUBMIT, input=given)["submitRegistrant"]

    def statuses(self) -> list[str]:
        found = self.ask("{ registrants(first: 200) { nodes { status } } }")["registrants"]["nodes"]
        return [one["status"] for one in found]


def awaited(state: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not state():
        assert time.monotonic() < deadline, f"it does not come about: {state()}"
        time.sleep(0.1)
