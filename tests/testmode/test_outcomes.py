"""Each NIK of the table gives its outcome, at each door."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.testmode import niks
from app.testmode.niks import TABLE
from tests.testmode.partner import NAME, Partner, awaited

ANSWERED = [row for row in TABLE if row.outcome != "UNAVAILABLE"]
OUTCOMES = {row.example: row.outcome for row in ANSWERED}
FREE = niks.TABLE[0].example
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
CHECKED = {"NIK_ALREADY_REGISTERED": "REGISTERED", "NIK_BLOCKED": "BLOCKED", "NIK_INVALID": "INVALID"}


@pytest.fixture(autouse=True)
def reset(dki: Partner) -> None:
    dki.ask("mutation { resetTest { organizer } }")


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


def test_a_file_whose_process_knows_the_table_and_the_clock(dki: Partner) -> None:
    rows = [row_of(row.example) for row in ANSWERED] + [row_of(FOREIGN)]
    head = ",".join(rows[0])
    content = "\n".join([head, *(",".join(map(str, row.values())) for row in rows)])
    headers = {**dki.headers, "Content-Type": "text/csv"}
    job = dki.sends("POST", "/import", content=content.encode(), headers=headers).json()
    query = "query ($id: ID!) { importJob(id: $id) { state new codes { code rows } } }"
    awaited(lambda: dki.ask(query, id=job["id"])["importJob"]["state"] in {"DONE", "FAILED"})
    done = dki.ask(query, id=job["id"])["importJob"]
    refused = {row.outcome: 1 for row in ANSWERED if row.outcome != "ACCEPTED"} | {"NOT_A_TEST_NIK": 1}
    assert {one["code"]: one["rows"] for one in done["codes"]} == refused
    assert (done["state"], done["new"]) == ("DONE", len(ANSWERED) + 1 - len(refused))
    # The file names somebody who is no test person.
    result = f"/import/{job['id']}/result.xlsx"
    awaited(lambda: dki.sends("GET", result, headers=dki.headers).status_code == 410)


def test_a_file_of_test_people_is_kept_for_its_result(dki: Partner) -> None:
    row = row_of(FREE)
    content = f"{','.join(row)}\n{','.join(map(str, row.values()))}"
    headers = {**dki.headers, "Content-Type": "text/csv"}
    job = dki.sends("POST", "/import", content=content.encode(), headers=headers).json()
    result = f"/import/{job['id']}/result.xlsx"
    awaited(lambda: dki.sends("GET", result, headers=dki.headers).status_code == 200)


def test_an_outage_is_over_after_its_time(dki: Partner) -> None:
    nik = next(row.example for row in TABLE if row.outcome == "UNAVAILABLE")
    given = person(nik, dki.route())
    query = "mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"
    answer = dki.post(query, input=given)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(niks.AWAY_SECONDS))
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": niks.AWAY_SECONDS}
    awaited(lambda: dki.post(query, input=given).status_code == 200)
    assert dki.submits(nik)["registrant"]["status"] == "REGISTERED"
