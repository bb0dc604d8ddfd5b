"""Each NIK of the table gives its outcome, at each door."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import httpx
import orjson
import pytest
from openpyxl import Workbook
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.typing import Subprotocol

from app.testmode import niks
from app.testmode.niks import TABLE
from tests.patience import PATIENCE_SECONDS
from tests.testmode.partner import NAME, Partner, awaited

ANSWERED = [row for row in TABLE if row.outcome != "UNAVAILABLE"]
OUTCOMES = {row.example: row.outcome for row in ANSWERED}
FREE = niks.TABLE[0].example
AWAY = next(row.example for row in TABLE if row.outcome == "UNAVAILABLE")
SLOW = f"{AWAY[:-1]}3"
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FOREIGN = "3175031505850123"
"""Well-formed, and no test NIK."""
BULK = """
    mutation ($input: [SubmitRegistrant!]!) { submitRegistrants(inputs: $input) {
        __typename ... on Problem { code }
    } }
"""
BOOKING = """
    mutation ($input: SubmitBooking!) { submitBooking(input: $input) {
        __typename ... on RefusedBooking { problems { code } } ... on Problem { code }
    } }
"""
SUBMITS = "mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"
CHECKED = {"NIK_ALREADY_REGISTERED": "REGISTERED", "NIK_BLOCKED": "BLOCKED", "NIK_INVALID": "INVALID"}


@pytest.fixture(autouse=True)
def reset(dki: Partner) -> None:
    dki.resets()


def test_a_submission(dki: Partner) -> None:
    verdicts = {row.example: dki.submits(row.example) for row in ANSWERED}
    assert {nik: verdict.get("code", "ACCEPTED") for nik, verdict in verdicts.items()} == OUTCOMES
    [closed] = [one for one in verdicts.values() if one.get("code") == "REGISTRATION_CLOSED"]
    assert 0 < closed["retryAfter"] <= 86_401


def person(nik: str, route: str) -> dict[str, object]:
    return {"nik": nik, "name": NAME, "routeId": route, "identityDocument": "KTP"}


def test_a_list_and_a_booking(dki: Partner) -> None:
    route = dki.route()
    people = [person(row.example, route) for row in ANSWERED] + [person(FOREIGN, route)]
    verdicts = dki.ask(BULK, input=people)["submitRegistrants"]
    codes = [one.get("code", "ACCEPTED") for one in verdicts]
    assert codes == [*(row.outcome for row in ANSWERED), "NOT_A_TEST_NIK"]
    booking = {"reference": "UJI-1", "registrants": [person(FREE, route), person(FOREIGN, route)]}
    assert "NOT_A_TEST_NIK" in str(dki.ask(BOOKING, input=booking))
    applicant = {"reference": "UJI-2", "registrants": [person(FREE, route)], "bookedBy": {"nik": FOREIGN, "name": NAME}}
    assert "NOT_A_TEST_NIK" in str(dki.ask(BOOKING, input=applicant))


def test_a_check(dki: Partner) -> None:
    query = "query ($nik: NIK!) { checkNik(nik: $nik) { outcome } }"
    told = {nik: dki.ask(query, nik=nik)["checkNik"]["outcome"] for nik in OUTCOMES}
    assert told == {nik: CHECKED.get(outcome, "AVAILABLE") for nik, outcome in OUTCOMES.items()}


def test_no_other_nik_is_taken_at_any_door(dki: Partner) -> None:
    refused = dki.submits(FOREIGN)
    assert refused["code"] == "NOT_A_TEST_NIK"
    assert "/panduan/lingkungan" in refused["message"]
    query = "query ($nik: NIK!) { checkNik(nik: $nik) { outcome message } }"
    checked = dki.ask(query, nik=FOREIGN)["checkNik"]
    assert (checked["outcome"], "/panduan/lingkungan" in checked["message"]) == ("INVALID", True)
    assert "NOT_A_TEST_NIK" in str(webhook(dki, FOREIGN).json())
    assert dki.statuses() == []


def row_of(nik: str) -> dict[str, object]:
    return {
        "source": "dishub-dki",
        "data_nik": nik,
        "data_pemesan": NAME,
        "rute_perjalanan": "Jakarta – Yogyakarta (uji)",
        "keberangkatan_terminal": "Terminal Uji Jakarta",
        "tujuan_terminal": "Terminal Uji Yogyakarta",
        "kota_keberangkatan": "Kota Jakarta Timur",
        "kota_tujuan": "Kota Yogyakarta",
        "tipe_keberangkatan": "Arus mudik",
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": "1",
        "tanggal_pendaftaran": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 7 * 3600 - 60)),
    }


def webhook(partner: Partner, nik: str) -> Any:
    return partner.sends("POST", "/webhook/pemudik", json=row_of(nik), headers=partner.headers)


def test_a_row_of_the_webhook(dki: Partner) -> None:
    verdicts = {nik: webhook(dki, nik).json()["hasil"] for nik in OUTCOMES}
    assert {nik: [one["kode"] or "ACCEPTED" for one in told] for nik, told in verdicts.items()} == {
        nik: [outcome] for nik, outcome in OUTCOMES.items()
    }


def file_of(niks: list[str], media: str) -> bytes:
    rows = [row_of(one) for one in niks]
    values = [[*rows[0]], *([str(value) for value in row.values()] for row in rows)]
    if media == CSV:
        return "\n".join(map(",".join, values)).encode()
    book, out = Workbook(), BytesIO()
    assert book.active is not None
    for row in values:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def upload(partner: Partner, niks: list[str], media: str) -> httpx.Response:
    headers = {**partner.headers, "Content-Type": media}
    return partner.sends("POST", "/import", content=file_of(niks, media), headers=headers)


def done(partner: Partner, answer: httpx.Response) -> Any:
    assert answer.status_code == 202, answer.text
    query = "query ($id: ID!) { importJob(id: $id) { state new codes { code rows } } }"
    ids = {"id": answer.json()["id"]}
    awaited(lambda: partner.ask(query, **ids)["importJob"]["state"] in {"DONE", "FAILED"})
    return partner.ask(query, **ids)["importJob"]


def test_a_file_whose_process_knows_the_table_and_the_clock(dki: Partner) -> None:
    answer = upload(dki, [*(row.example for row in ANSWERED), FOREIGN], CSV)
    job = done(dki, answer)
    refused = {row.outcome: 1 for row in ANSWERED if row.outcome != "ACCEPTED"} | {"NOT_A_TEST_NIK": 1}
    assert {one["code"]: one["rows"] for one in job["codes"]} == refused
    assert (job["state"], job["new"]) == ("DONE", len(ANSWERED) + 1 - len(refused))
    # The file names somebody who is no test person.
    result = f"/import/{answer.json()['id']}/result.xlsx"
    awaited(lambda: is_gone(dki, result))


def is_gone(partner: Partner, result: str) -> bool:
    """An answer that had begun before is broken off: nobody takes it for whole."""
    with suppress(httpx.RemoteProtocolError):
        return partner.sends("GET", result, headers=partner.headers).status_code == 410
    return False


def test_a_file_of_test_people_is_kept_for_its_result(dki: Partner) -> None:
    result = f"/import/{upload(dki, [FREE], CSV).json()['id']}/result.xlsx"
    awaited(lambda: dki.sends("GET", result, headers=dki.headers).status_code == 200)


def test_an_outage_is_over_after_its_time(dki: Partner) -> None:
    given = person(AWAY, dki.route())
    answer = dki.post(SUBMITS, input=given)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(niks.AWAY_SECONDS))
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": niks.AWAY_SECONDS}
    awaited(lambda: dki.post(SUBMITS, input=given).status_code == 200)
    assert dki.submits(AWAY)["registrant"]["status"] == "REGISTERED"


# --- slow, and away: at every door that reads a text ------------------------------------------------------------------


@contextmanager
def socket_of(partner: Partner) -> Iterator[Connection]:
    address = f"{partner.base.replace('http', 'ws', 1)}/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        say(socket, type="connection_init", payload=partner.headers)
        assert hear(socket)["type"] == "connection_ack"
        yield socket


def say(socket: Connection, **message: object) -> None:
    socket.send(orjson.dumps(message).decode())


def hear(socket: Connection) -> Any:
    return orjson.loads(socket.recv(PATIENCE_SECONDS))


def by_socket(partner: Partner, nik: str) -> Any:
    """The first message of the answer."""
    given = {"query": SUBMITS, "variables": {"input": person(nik, partner.route())}}
    with socket_of(partner) as socket:
        say(socket, id="1", type="subscribe", payload=given)
        return hear(socket)


SLOWLY: dict[str, Callable[[Partner], object]] = {
    "GraphQL": lambda partner: partner.submits(SLOW),
    "a socket": lambda partner: by_socket(partner, SLOW),
    "a row": lambda partner: webhook(partner, SLOW),
    "last year's check": lambda partner: partner.sends(
        "POST", "/legacy/cek-nik", data={"nik": SLOW}, headers=partner.headers
    ),
    "a file of CSV": lambda partner: upload(partner, [SLOW], CSV),
}


def test_a_slow_nik_keeps_the_answer_waiting(dki: Partner) -> None:
    def seconds(door: str) -> float:
        began = time.monotonic()
        SLOWLY[door](dki)
        return time.monotonic() - began

    with ThreadPoolExecutor(len(SLOWLY)) as doors:
        waited = dict(zip(SLOWLY, doors.map(seconds, SLOWLY), strict=True))
    assert min(waited.values()) >= niks.SLOW_SECONDS, waited


def test_an_outage_fails_one_operation_of_a_socket_and_is_over_after_its_time(dki: Partner) -> None:
    given = {"query": SUBMITS, "variables": {"input": person(AWAY, dki.route())}}
    with socket_of(dki) as socket:
        say(socket, id="away", type="subscribe", payload=given)
        told = hear(socket)
        assert (told["id"], told["type"]) == ("away", "error")
        assert told["payload"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": niks.AWAY_SECONDS}
        say(socket, id="other", type="subscribe", payload={"query": "{ me { id } }"})
        assert (hear(socket)["type"], hear(socket)["type"]) == ("next", "complete")

        def accepted() -> bool:
            say(socket, id="away", type="subscribe", payload=given)
            return bool(hear(socket)["type"] == "next" and hear(socket)["type"] == "complete")

        awaited(accepted)
    assert dki.statuses() == ["REGISTERED"]


def test_a_socket_that_nobody_is_known_of_is_not_looked_through(dki: Partner) -> None:
    address = f"{dki.base.replace('http', 'ws', 1)}/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        say(socket, id="1", type="subscribe", payload={"query": "{ me { id } }", "variables": {"nik": AWAY}})
        with pytest.raises(ConnectionClosedError, match="4401"):
            socket.recv(PATIENCE_SECONDS)


def test_an_outage_at_the_doors_of_rows(dki: Partner) -> None:
    doors: dict[str, Callable[[Partner, str], httpx.Response]] = {
        "020290": webhook,
        "030390": lambda partner, nik: upload(partner, [nik], CSV),
    }
    for born, send in doors.items():
        nik = f"{AWAY[:6]}{born}{AWAY[-4:]}"
        refused = send(dki, nik)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert refused.headers["retry-after"] == str(niks.AWAY_SECONDS)
        awaited(lambda: send(dki, nik).status_code < 300)  # noqa: B023 - called here
    awaited(lambda: dki.statuses() == ["REGISTERED"] * len(doors))


def test_in_a_file_of_excel_both_are_free(dki: Partner) -> None:
    """Its bytes are compressed, and nobody waits for an import: it is taken at once, and so are its rows."""
    job = done(dki, upload(dki, [SLOW, AWAY], XLSX))
    assert (job["state"], job["new"], job["codes"]) == ("DONE", 2, [])
