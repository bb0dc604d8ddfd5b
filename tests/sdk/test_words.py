"""The clients say what the schema says: their documents fit it, and their types have its fields."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from typing import get_type_hints

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema, is_required_input_field, parse, validate
from pemudik_client import BadSignature, types, verify_webhook
from pemudik_client.documents import FIELDS, MUTATIONS, QUERIES, REGISTRANT
from standardwebhooks import Webhook

from app.config import CHECKOUT
from app.web.guide_pages import FOLDER
from app.web.words import LANGUAGES
from tests.sdk.fourteen import RECEIVER, SAID

SCHEMA = build_schema((CHECKOUT / "schema.graphql").read_text(encoding="utf-8"), assume_valid=True)
SENT = ("Correction", "NikRef", "RegistrantRef", "SubmitBooking", "SubmitRegistrant")
RENAMED = {"ApplicantInput": "Applicant", "MotorcycleInput": "Motorcycle"}
ANSWERED = (
    "Booking",
    "Change",
    "NikCheck",
    "PersonOfBooking",
    "Problem",
    "Registrant",
    "Route",
    "SeatHold",
    "Standing",
    "Submission",
)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_800_000_000.0


@pytest.mark.parametrize("document", [*QUERIES.values(), *MUTATIONS.values()])
def test_a_document_fits_the_schema(document: str) -> None:
    assert validate(SCHEMA, parse(document.replace(FIELDS, REGISTRANT))) == []


@pytest.mark.parametrize("name", [*SENT, *RENAMED])
def test_what_is_sent_has_the_fields_of_the_schema(name: str) -> None:
    of_schema = SCHEMA.type_map[name]
    assert isinstance(of_schema, GraphQLInputObjectType)
    kind = getattr(types, RENAMED.get(name, name))
    assert set(get_type_hints(kind)) == set(of_schema.fields)
    required = {name for name, field in of_schema.fields.items() if is_required_input_field(field)}
    assert kind.__required_keys__ == required


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_answered_has_fields_of_the_schema(name: str) -> None:
    of_schema = SCHEMA.type_map[name]
    assert isinstance(of_schema, GraphQLObjectType)
    assert set(get_type_hints(getattr(types, name))) <= set(of_schema.fields)


@pytest.mark.parametrize("name", ["SubmitRegistrant", "SubmitBooking", "Correction", *RENAMED])
def test_the_types_of_javascript_have_the_fields_of_the_schema(name: str) -> None:
    of_schema = SCHEMA.type_map[name]
    assert isinstance(of_schema, GraphQLInputObjectType)
    types_of_js = (CHECKOUT / "sdk/js/pemudik.d.ts").read_text(encoding="utf-8")
    [body] = re.findall(rf"export interface {RENAMED.get(name, name)} {{\n(.*?)\n}}", types_of_js, re.DOTALL)
    told = dict(re.findall(r"^    (\w+)(\??):", body, re.MULTILINE))
    assert told == {name: "" if is_required_input_field(one) else "?" for name, one in of_schema.fields.items()}


def test_the_client_needs_nothing_of_the_registry() -> None:
    for file in (CHECKOUT / "sdk/python/src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.partition(".")[0] for name in names} & {"app", "tests"}, file


@pytest.mark.parametrize(("folder", "suffix"), [("php", "php"), ("js", "js"), ("python", "py")])
def test_every_language_has_the_same_examples_and_the_guide_tells_of_them(folder: str, suffix: str) -> None:
    examples = {file.stem for file in (CHECKOUT / "sdk" / folder / "examples").glob(f"*.{suffix}")}
    assert examples == {*SAID, RECEIVER}
    for language in LANGUAGES:
        page = (FOLDER / language / "teknis.md").read_text(encoding="utf-8")
        assert re.findall(rf"\(../../../sdk/{folder}/examples/(\w+)\.{suffix}\)", page) == [*SAID, RECEIVER]


# --- webhooks ---------------------------------------------------------------------------------------------------------


def signed(body: bytes, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(at)), "Webhook-Signature": signature}


BODY = b'{"type": "registrant.forfeited", "timestamp": "2027-03-05T01:00:00Z", "data": {"registrantId": "1"}}'


def test_a_webhook_is_read_once_it_is_verified() -> None:
    event = verify_webhook(SECRET, signed(BODY), BODY, now=NOW)
    assert (event.id, event.type, event.data) == ("msg_1", "registrant.forfeited", {"registrantId": "1"})
    both = signed(BODY) | {"Webhook-Signature": f"v1,bm9uZQ== v1a,x {signed(BODY)['Webhook-Signature']}"}
    assert verify_webhook(SECRET, both, BODY, now=NOW).id == "msg_1"


@pytest.mark.parametrize("off", [-300, 300])
def test_five_minutes_are_not_too_much(off: float) -> None:
    assert verify_webhook(SECRET, signed(BODY, NOW + off), BODY, now=NOW).id == "msg_1"


FORGED: list[tuple[dict[str, str], bytes]] = [
    (signed(BODY), BODY + b" "),
    (signed(BODY, NOW - 301), BODY),
    (signed(BODY, NOW + 301), BODY),
    (signed(BODY, secret="whsec_bm90IG91cnMgYXQgYWxsIQ=="), BODY),
    (signed(BODY) | {"Webhook-Id": "msg_2"}, BODY),
    (signed(BODY) | {"Webhook-Timestamp": str(int(NOW) + 1)}, BODY),
    (signed(BODY) | {"Webhook-Timestamp": "١"}, BODY),
    (signed(BODY) | {"Webhook-Signature": ""}, BODY),
    (signed(BODY) | {"Webhook-Signature": "v1,é"}, BODY),
    ({}, BODY),
]


@pytest.mark.parametrize(("headers", "body"), FORGED)
def test_what_is_forged_or_old_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        verify_webhook(SECRET, headers, body, now=NOW)
