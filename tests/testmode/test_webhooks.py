"""Webhooks of a test registry: its own receiver is sent what happens there, and is reminded when its clock moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from pemudik_client import Event, verify_webhook
from standardwebhooks import Webhook

from tests.testmode.partner import Partner, awaited
from tests.testmode.test_outcomes import row_of

SAVE = """mutation ($url: String!) {
    saveWebhook(input: {url: $url, events: [DEADLINE_IN_24_HOURS, REGISTRANT_FORFEITED]}) {
        ... on SavedWebhook { secret webhook { id } } ... on Problem { code message }
    }
}"""
TRY = "mutation ($id: ID!) { testWebhook(id: $id) { ... on WebhookDelivery { id } ... on Problem { code message } } }"
ISSUE = """mutation ($organizer: ID!) {
    issueClient(organizer: $organizer, scopes: ["registrants:write"]) { secret client { id } }
}"""
ISSUE_SECRET = "mutation ($id: ID!) { issueWebhookSecret(clientId: $id) { secret } }"
MOVE = "mutation ($at: DateTime) { testNow(at: $at) { __typename } }"
VERIFY_BY = "query ($id: ID!) { registrant(ref: {id: $id}) { verifyBy } }"
PERSON = "3171030808089001"
Received = list[tuple[dict[str, str], bytes]]


@pytest.fixture(autouse=True)
def reset(dki: Partner) -> Iterator[None]:
    dki.resets()
    yield
    dki.resets()


@contextmanager
def receiving() -> Iterator[tuple[str, Received]]:
    received: Received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/webhook", received
        finally:
            server.shutdown()


def event_of(secret: str, delivery: tuple[dict[str, str], bytes]) -> Event:
    """By the receiver's own clock, which nobody has moved."""
    headers, body = delivery
    return verify_webhook(secret, headers, body)


def test_a_receiver_is_tried_and_reminded_a_day_before_the_deadline(dki: Partner, live: Partner) -> None:
    with receiving() as (url, received):
        saved: Any = dki.ask(SAVE, url=url)["saveWebhook"]
        dki.ask(TRY, id=saved["webhook"]["id"])
        awaited(lambda: len(received) == 1)
        assert event_of(saved["secret"], received[0]).type == "webhook.test"

        registrant = dki.submits(PERSON)["registrant"]["id"]
        deadline = datetime.fromisoformat(dki.ask(VERIFY_BY, id=registrant)["registrant"]["verifyBy"])
        dki.ask(MOVE, at=(deadline - timedelta(hours=20)).isoformat())
        awaited(lambda: len(received) == 2)
        reminded = event_of(saved["secret"], received[1])
        assert (reminded.type, reminded.data["registrantId"]) == ("deadline.in_24_hours", registrant)
        assert PERSON.encode() not in received[1][1]

        dki.ask(MOVE, at=(deadline + timedelta(hours=1)).isoformat())
        awaited(lambda: len(received) == 3)
        assert event_of(saved["secret"], received[2]).type == "registrant.forfeited"
    assert live.ask("{ webhooks { url } }")["webhooks"] == []


def test_what_is_signed_now_is_taken_by_a_registry_whose_clock_has_moved(dki: Partner) -> None:
    issued: Any = dki.ask(ISSUE, organizer=dki.organizer)["issueClient"]
    partner = Partner(dki.base, dki.organizer, issued["client"]["id"], issued["secret"]).signs_in()
    secret = dki.ask(ISSUE_SECRET, id=partner.client_id)["issueWebhookSecret"]["secret"]
    now = datetime.now(UTC)
    dki.ask(MOVE, at=(now + timedelta(days=3)).isoformat())

    def told(at: datetime, message: str) -> str:
        body = orjson.dumps(row_of(PERSON)).decode()
        signed = Webhook(secret).sign(message, at, body)
        signing = {"webhook-id": message, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}
        headers = {**partner.headers, **signing, "Content-Type": "application/json"}
        answer = partner.sends("POST", "/webhook/pemudik", content=body, headers=headers).json()
        return str(answer["error"]["code"] if "error" in answer else answer["hasil"][0]["hasil"])

    assert told(now + timedelta(days=3), "ahead") == "SIGNATURE_EXPIRED"
    assert told(now, "now") == "diterima"
    # An id is kept for a true day, so that nobody sends the message again while its signature is good.
    dki.ask(MOVE, at=(now + timedelta(days=6)).isoformat())
    assert told(now, "now") == "MESSAGE_REPLAYED"
