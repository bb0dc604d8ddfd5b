"""The doors that are not GraphQL: rows, last year's scheme, days, exports, tokens, documents."""

from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import quote, urlencode

from tests.hostile.sending import Hostile, Sent, always, got, posted
from tests.registry.rows.records import record
from tests.world import nik_of

WEBHOOK, LEGACY = "/webhook/pemudik", "/legacy/cek-nik"
TOKEN, REVOKE = "/oauth/token", "/oauth/revoke"
FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def form(path: str, text: str, **headers: str) -> Sent:
    """With a token alone where the door takes one."""
    return replace(posted(path, text.encode(), FORM, **headers), anonymous=path != LEGACY)


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def numbered(count: int) -> str:
    return "&".join(f"p{number}=1" for number in range(count))


def assertion(claims: bytes) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"ES256"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(claims).rstrip(b"=")
    token = b".".join([header, body, b"AAAA"]).decode()
    return f"{GRANT}&client_assertion_type={ASSERTION}&client_assertion={token}"


ROWS = (
    Hostile("rows: many rows", lambda n: posted(WEBHOOK, [record(one) for one in range(n)]), 125, always("200")),
    Hostile("rows: one row again and again", lambda n: posted(WEBHOOK, [record()] * n), 125, always("200")),
    Hostile(
        "rows: more than a request may have",
        lambda n: posted(WEBHOOK, [record()] * n),
        600,
        ("200", "400 TOO_MANY_RECORDS", "400 TOO_MANY_RECORDS"),
    ),
    Hostile("rows: no rows", lambda n: posted(WEBHOOK, [{}] * n), 125, always("200")),
    Hostile(
        "rows: foreign columns",
        lambda n: posted(WEBHOOK, [record(one, **{f"k{i}": "x" for i in range(50)}) for one in range(n)]),
        100,
        always("200"),
    ),
    Hostile(
        "rows: many foreign columns of one row",
        lambda n: posted(WEBHOOK, record(**{f"k{i}": "x" for i in range(n)})),
        2_000,
        always("200"),
    ),
    Hostile(
        "rows: a nested NIK",
        lambda n: posted(WEBHOOK, b'[{"data_nik":' + b"[" * n + b"]" * n + b"}]"),
        200,
        ("200", "200", "400 BAD_REQUEST"),
    ),
    Hostile("rows: a list as a NIK", lambda n: posted(WEBHOOK, [record(data_nik=["3"] * n)]), 10_000, always("200")),
    Hostile("rows: a long NIK", lambda n: posted(WEBHOOK, [record(data_nik="3 " * n)]), 50_000, always("200")),
    Hostile("rows: a NIK of escapes", lambda n: posted(WEBHOOK, [record(data_nik="%39" * n)]), 50_000, always("200")),
    Hostile(
        "rows: a long name", lambda n: posted(WEBHOOK, [record(data_pemesan="a\u0301 " * n)]), 50_000, always("200")
    ),
    Hostile(
        "rows: a long date", lambda n: posted(WEBHOOK, [record(tanggal_pendaftaran="0" * n)]), 50_000, always("200")
    ),
    Hostile("rows: a long route", lambda n: posted(WEBHOOK, [record(rute_perjalanan="- " * n)]), 50_000, always("200")),
    Hostile("rows: a long city", lambda n: posted(WEBHOOK, [record(kota_tujuan="Kab. " * n)]), 20_000, always("200")),
    Hostile(
        "rows: a large number",
        lambda n: posted(WEBHOOK, b'[{"status_pemesanan_code":1' + b"0" * n + b"}]"),
        200,
        ("200", "400 BAD_REQUEST", "400 BAD_REQUEST"),
    ),
    Hostile(
        "rows: new routes",
        lambda n: posted(WEBHOOK, [record(one, rute_perjalanan=f"Kota {one} - Solo") for one in range(n)]),
        25,
        always("200"),
    ),
    Hostile(
        "rows: objects of nothing",
        lambda n: posted(WEBHOOK, b"[" + b"{}," * n + b"1]"),
        12_000,
        always("400 TOO_MANY_RECORDS"),
    ),
    Hostile(
        "rows: parameters that are not there",
        lambda n: posted(f"{WEBHOOK}?{numbered(n)}", record()),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "rows: a parameter again and again",
        lambda n: posted(f"{WEBHOOK}?{'&'.join(['changes=APPLY'] * n)}", record()),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "rows: a long instant",
        lambda n: posted(f"{WEBHOOK}?changes=APPLY&asOf={'0' * n}", record()),
        1_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "rows: many signatures",
        lambda n: posted(
            WEBHOOK, record(), webhook_id="a", webhook_timestamp="1772416800", webhook_signature="v1,AAAA " * n
        ),
        500,
        always("401 SIGNATURE_UNEXPECTED"),
    ),
    Hostile(
        "rows: a long key of a repeat",
        lambda n: posted(WEBHOOK, record(), idempotency_key="k" * n),
        200,
        ("200", "400 IDEMPOTENCY_KEY_INVALID", "400 IDEMPOTENCY_KEY_INVALID"),
    ),
    Hostile(
        "rows: a body beyond the bound",
        lambda n: posted(WEBHOOK, b"x" * n),
        1_000_000,
        ("400 BAD_REQUEST", "400 BAD_REQUEST", "413 CONTENT_TOO_LARGE"),
    ),
)

NIKS = (
    Hostile("last year's: fields of a form", lambda n: form(LEGACY, numbered(n)), 5, always("400 BAD_REQUEST")),
    Hostile("last year's: a NIK of escapes", lambda n: form(LEGACY, "nik=" + "%39" * n), 600, always("200")),
    Hostile("last year's: a long NIK", lambda n: posted(LEGACY, {"nik": "3 " * n}), 1_000, always("200")),
    Hostile("last year's: a list as a NIK", lambda n: posted(LEGACY, {"nik": [1] * n}), 1_000, always("200")),
    Hostile(
        "last year's: a nested NIK",
        lambda n: posted(LEGACY, b'{"nik":' + b"[" * n + b"]" * n + b"}"),
        200,
        ("200", "200", "400 BAD_REQUEST"),
    ),
    Hostile(
        "last year's: a row with more",
        lambda n: posted(LEGACY, {"nik": nik_of(1)} | {f"k{i}": "x" for i in range(n)}),
        100,
        always("200"),
    ),
    Hostile(
        "last year's: a body beyond the bound",
        lambda n: posted(LEGACY, b"x" * n),
        4_000,
        ("400 BAD_REQUEST", "400 BAD_REQUEST", "413 CONTENT_TOO_LARGE"),
    ),
    Hostile(
        "last year's: parameters",
        lambda n: posted(f"{LEGACY}?{numbered(n)}", {"nik": nik_of(1)}),
        100,
        always("400 BAD_REQUEST"),
    ),
)

DAYS = (
    Hostile("a day: a long date", lambda n: got(f"/consolidation/{'2' * n}"), 1_000, always("400 BAD_REQUEST")),
    Hostile("a day: dots", lambda n: got(f"/consolidation/{'..%2f' * n}2026-03-02"), 200, always("400 BAD_REQUEST")),
    Hostile(
        "a day: a long organizer", lambda n: got(f"/consolidation/2026-03-02?organizer={'x' * n}"), 1_000, always("200")
    ),
    Hostile(
        "a day: a long season",
        lambda n: got(f"/consolidation/2026-03-02?season={'9' * n}"),
        1_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a day: parameters that are not there",
        lambda n: got(f"/consolidation/2026-03-02?{numbered(n)}"),
        100,
        always("400 BAD_REQUEST"),
    ),
)

TEST_CLIENTS = (
    Hostile(
        "a test client: a long organizer",
        lambda n: posted(f"/uji/{'x' * n}/klien", b""),
        1_000,
        always("404 NOT_FOUND"),
    ),
    Hostile("a test client: escapes", lambda n: posted(f"/uji/{'%00' * n}/klien", b""), 1_000, always("404 NOT_FOUND")),
    Hostile("a test client: a body", lambda n: posted("/uji/none/klien", b"{}" * n), 100_000, always("404 NOT_FOUND")),
    Hostile(
        "a test client: parameters that are not there",
        lambda n: posted(f"/uji/none/klien?{numbered(n)}", b""),
        100,
        always("400 BAD_REQUEST"),
    ),
)

EXPORTS = (
    Hostile("an export: a long day", lambda n: got(f"/export.csv?day={'2' * n}"), 1_000, always("400 BAD_REQUEST")),
    Hostile(
        "an export: a long organizer",
        lambda n: got(f"/export.jsonl?organizer={quote('é') * n}"),
        200,
        always("403 NOT_YOURS"),
    ),
    Hostile(
        "an export: a long season", lambda n: got(f"/export.xlsx?season={'9' * n}"), 1_000, always("400 BAD_REQUEST")
    ),
    Hostile(
        "an export: a parameter again and again",
        lambda n: got(f"/export.csv?{'&'.join(['all=true'] * n)}"),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "an export: a long list of languages",
        lambda n: got("/export.jsonl?all=true", accept_language=",".join(f"x{i}" for i in range(n))),
        500,
        always("200"),
    ),
)

FIGURES = (
    Hostile("figures: a long season", lambda n: got(f"/data/{'2' * n}/cities.csv"), 1_000, always("404 NOT_FOUND")),
    Hostile("figures: a long name", lambda n: got(f"/data/2026/{'x' * n}.csv"), 1_000, always("404 NOT_FOUND")),
    Hostile("figures: dots", lambda n: got(f"/data/2026/{'..%2f' * n}cities.csv"), 200, always("404 NOT_FOUND")),
    Hostile(
        "figures: parameters", lambda n: got(f"/data/2026/cities.csv?{numbered(n)}"), 100, always("400 BAD_REQUEST")
    ),
    Hostile(
        "figures: many tags",
        lambda n: got("/data/2026/cities.csv", if_none_match='"x", ' * n),
        500,
        always("404 NOT_FOUND"),
    ),
    Hostile("figures: the page of a long season", lambda n: got(f"/data/{'2' * n}/"), 1_000, always("404 NOT_FOUND")),
)

TOKENS = (
    Hostile(
        "a token: many parameters",
        lambda n: form(TOKEN, f"{GRANT}&{numbered(n)}"),
        10,
        ("401 invalid_client", "400 invalid_request", "400 invalid_request"),
    ),
    Hostile(
        "a token: one parameter again and again",
        lambda n: form(TOKEN, "&".join([GRANT] * n)),
        3,
        always("400 invalid_request"),
    ),
    Hostile(
        "a token: a long secret",
        lambda n: form(TOKEN, f"{GRANT}&client_id=x&client_secret={'x' * n}"),
        1_500,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: a long name",
        lambda n: form(TOKEN, GRANT, authorization=basic("x" * n, "x")),
        1_000,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: colons",
        lambda n: form(TOKEN, GRANT, authorization=basic(":" * n, ":" * n)),
        1_000,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: no base64",
        lambda n: form(TOKEN, GRANT, authorization="Basic " + "%" * n),
        1_000,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: many scopes",
        lambda n: form(TOKEN, urlencode({"grant_type": "client_credentials", "scope": "nik:check " * n})),
        150,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: a long grant",
        lambda n: form(TOKEN, "grant_type=" + "x" * n),
        1_500,
        always("400 unsupported_grant_type"),
    ),
    Hostile(
        "a token: a nested assertion",
        lambda n: form(TOKEN, assertion(b"[" * n + b"]" * n)),
        200,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: an assertion of keys",
        lambda n: form(TOKEN, assertion(b"{" + b'"a":1,' * n + b'"b":1}')),
        150,
        always("401 invalid_client"),
    ),
    Hostile(
        "a token: an assertion of dots",
        lambda n: form(TOKEN, f"{GRANT}&client_assertion_type={ASSERTION}&client_assertion={'a.' * n}"),
        700,
        always("401 invalid_client"),
    ),
    Hostile("a token: a body beyond the bound", lambda n: form(TOKEN, "x" * n), 4_000, always("400 invalid_request")),
    Hostile(
        "a token: JSON", lambda n: posted(TOKEN, {f"k{i}": 1 for i in range(n)}), 100, always("400 invalid_request")
    ),
    Hostile(
        "a revocation: a long token", lambda n: form(REVOKE, "token=" + "x" * n), 1_500, always("401 invalid_client")
    ),
    Hostile(
        "a revocation: a token of dots", lambda n: form(REVOKE, "token=" + "a." * n), 700, always("401 invalid_client")
    ),
)

DOCUMENTS = (
    Hostile(
        "metadata: parameters",
        lambda n: got(f"/.well-known/oauth-authorization-server?{numbered(n)}"),
        100,
        always("200"),
    ),
    Hostile(
        "the description: parameters", lambda n: got(f"/openapi.json?{numbered(n)}"), 100, always("400 BAD_REQUEST")
    ),
    Hostile("metadata: keys, with parameters", lambda n: got(f"/oauth/jwks.json?{numbered(n)}"), 100, always("200")),
    Hostile(
        "metadata: what can be accepted",
        lambda n: got("/.well-known/oauth-authorization-server", accept=",".join(f"a/b{i}" for i in range(n))),
        500,
        always("200"),
    ),
    Hostile("the front page: parameters", lambda n: got(f"/?{numbered(n)}"), 100, always("400 BAD_REQUEST")),
    Hostile("the template: parameters", lambda n: got(f"/template.xlsx?{numbered(n)}"), 100, always("400 BAD_REQUEST")),
    Hostile("health: parameters", lambda n: got(f"/healthz?{numbered(n)}"), 100, always("200")),
    Hostile("readiness: parameters", lambda n: got(f"/readyz?{numbered(n)}"), 100, always("200")),
    Hostile(
        "metrics: what can be accepted",
        lambda n: got("/metrics", accept=",".join(f"a/b{i};version=0.{i}" for i in range(n))),
        200,
        always("200"),
    ),
    Hostile("nowhere: a long path", lambda n: got("/" + "x" * n), 1_000, always("404 NOT_FOUND")),
    Hostile("nowhere: folders", lambda n: got("/x" * n), 500, always("404 NOT_FOUND")),
    Hostile(
        "nowhere: a long method", lambda n: Sent("/healthz", method="X" * n), 500, always("405 METHOD_NOT_ALLOWED")
    ),
)
