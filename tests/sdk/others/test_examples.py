"""`examples/`: a registration form in PHP, and the nightly consolidation of a shell, against a real server."""

from __future__ import annotations

import html
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from pemudik_client import Outbox

from app.clock import wib_day
from app.config import CHECKOUT
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox, free_port
from tests.sdk.others.conftest import needs
from tests.sdk.proxy import BUSY, Proxy

FORM = CHECKOUT / "examples/registration_form/index.php"
NIGHTLY = CHECKOUT / "examples/nightly_consolidation"
BAD_NIK = "3171030000009001"
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


# --- the form ---------------------------------------------------------------------------------------------------------


@dataclass
class Form:
    url: str
    browser: httpx.Client
    php: str
    environment: dict[str, str]
    folder: Path

    def fill_in(
        self, nik: str, name: str = "Warga Contoh", route: str = "", token: str | None = None
    ) -> httpx.Response:
        page = self.browser.get(self.url).text
        [hidden] = re.findall(r'name="form" value="(\w+)"', page)
        form = {"form": hidden if token is None else token, "nik": nik, "name": name, "route": route}
        return self.browser.post(f"{self.url}?", data=form)

    def send(self) -> str:
        """What cron does."""
        command = [self.php, str(FORM), "send"]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def form(sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> Iterator[Form]:
    php, port = needs("php", "the form in PHP"), free_port()
    environment = sandbox.environment(
        PEMUDIK=proxy.url, ORGANIZER="dishub-dki", DATA=str(tmp_path), TMPDIR=str(tmp_path)
    )
    command = [php, "-d", f"session.save_path={tmp_path}", "-S", f"127.0.0.1:{port}", str(FORM)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server,
        httpx.Client(follow_redirects=True, timeout=PATIENCE_SECONDS, trust_env=False) as browser,
    ):
        try:
            form = Form(f"http://127.0.0.1:{port}/", browser, php, environment, tmp_path)
            _await(form)
            yield form
        finally:
            server.kill()


def _await(form: Form) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            form.browser.get(form.url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((form.folder / "log").read_text())


def said(answer: httpx.Response) -> str:
    [status] = re.findall(r'<p role="status">(.*?)</p>', answer.text, re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", "", status).split()))


def test_a_person_registers_by_the_form(form: Form, sandbox: Sandbox) -> None:
    route, nik = sandbox.routes["dishub-dki"], sandbox.nik()
    assert f'<option value="{route}">Monas - Tirtonadi, klien</option>' in form.browser.get(form.url).text
    answer = form.fill_in(nik, route=route)
    code = answer.url.params["code"]
    assert (answer.status_code, nik in str(answer.url)) == (200, False)
    pattern = rf"Terdaftar \(kode booking {code}\)\. Datang ke posko untuk verifikasi sebelum [\d-]+ \d\d:\d\d WIB\."
    assert re.fullmatch(pattern, said(answer))
    with sandbox.client() as client:
        found = client.registrant({"reference": code}, fields="nik name")
    assert found == {"nik": nik, "name": "Warga Contoh"}


def test_what_is_refused_is_told_with_its_reason(form: Form, sandbox: Sandbox) -> None:
    answer = form.fill_in(BAD_NIK, "<b>Budi</b>", route=sandbox.routes["dishub-dki"])
    assert said(answer).startswith(f"Ditolak (kode booking {answer.url.params['code']}). NIK tidak sah: ")
    for file in form.folder.iterdir():
        assert BAD_NIK not in file.read_bytes().decode("latin-1"), file.name


def test_what_is_no_text_is_refused_as_an_empty_field(form: Form, sandbox: Sandbox) -> None:
    [hidden] = re.findall(r'name="form" value="(\w+)"', form.browser.get(form.url).text)
    sent = {"form": hidden, "route": sandbox.routes["dishub-dki"], "nik[]": BAD_NIK, "name": "\udcff"}
    answer = form.browser.post(form.url, content=urlencode(sent, errors="surrogateescape"), headers=FORM_TYPE)
    assert (answer.status_code, said(answer).startswith("Ditolak (kode booking WEB-")) == (200, True)


def test_while_the_registry_is_away_people_are_kept_and_sent_later(form: Form, sandbox: Sandbox, proxy: Proxy) -> None:
    route, nik = sandbox.routes["dishub-dki"], sandbox.nik()
    form.browser.get(form.url)
    # For three pages, each with its routes, and for the submission. A second is within the patience of the form.
    proxy.mishaps += [BUSY] * 100
    answer = form.fill_in(nik, route=route)
    kept = answer.url
    assert said(answer).startswith("Menunggu (kode booking WEB-")
    assert said(answer).endswith("Data Anda sudah disimpan dan segera dikirim; buka lagi halaman ini nanti.")
    proxy.mishaps.clear()
    time.sleep(1.2)
    assert form.send() == "0 waiting\n"
    assert said(form.browser.get(kept)).startswith("Terdaftar")
    assert nik not in "".join(file.read_bytes().decode("latin-1") for file in form.folder.iterdir())


def test_an_answer_that_was_not_written_down_is_asked_for(form: Form, sandbox: Sandbox, proxy: Proxy) -> None:
    """Whoever sent the outbox was killed behind the answer. Here it is the client for Python: the file is the same."""
    form.browser.get(form.url)
    proxy.mishaps += [BUSY] * 100
    kept = form.fill_in(sandbox.nik(), route=sandbox.routes["dishub-dki"]).url
    proxy.mishaps.clear()
    time.sleep(1.2)
    with sandbox.client() as client:
        [sent] = Outbox(form.folder / "outbox.db").send(client)
    assert sent.problem is None
    assert said(form.browser.get(kept)).startswith("Terdaftar (kode booking WEB-")
    assert form.send() == "0 waiting\n"


def test_a_form_of_somebody_else_is_not_taken(form: Form, sandbox: Sandbox, proxy: Proxy) -> None:
    route = sandbox.routes["dishub-dki"]
    [hidden] = re.findall(r'name="form" value="(\w+)"', form.browser.get(form.url).text)
    for sent in ({"form[]": hidden}, {"form": hidden, "route[]": route}, {"form": "\udcff", "route": route}):
        answer = form.browser.post(form.url, content=urlencode(sent, errors="surrogateescape"), headers=FORM_TYPE)
        assert (answer.status_code, "isi lagi" in answer.text) == (400, True)
    assert form.browser.get(form.url, params={"code[]": "x"}).status_code == 200
    for answer in (form.fill_in(BAD_NIK, route=route, token="x"), form.fill_in(BAD_NIK, route=sandbox.routes["ahm"])):
        assert (answer.status_code, "isi lagi" in answer.text) == (400, True)
    assert not any(b"submitRegistrant" in body for body in proxy.bodies)


# --- the nightly consolidation ----------------------------------------------------------------------------------------


@dataclass
class Nightly:
    """The line of the crontab, with the paths of a test."""

    command: str
    environment: dict[str, str]
    results: Path
    list: Path

    def runs(self, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **more}
        return subprocess.run(["sh", "-c", self.command], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def nightly(sandbox: Sandbox, tmp_path: Path) -> Nightly:
    """It consolidates the day before this one: whom the demo registered then."""
    for program in ("curl", "awk", "sed", "sha256sum"):
        needs(program, "the nightly consolidation")
    [line] = re.findall(r"^30 1 \* \* \* pemudik (.*)$", (NIGHTLY / "consolidation.cron").read_text(), re.MULTILINE)
    ours, results, client = tmp_path / "list.csv", tmp_path / "results", sandbox.clients["dishub-dki"]
    settings = (NIGHTLY / "consolidation.env").read_text()
    for name, value in {
        "PEMUDIK": sandbox.url,
        "PEMUDIK_CLIENT_ID": client[0],
        "PEMUDIK_CLIENT_SECRET": client[1],
        "RESULTS": str(results),
        "LIST": f"'cat {ours}'",
    }.items():
        settings, times = re.subn(rf"^export {name}=.*$", f"export {name}={value}", settings, flags=re.MULTILINE)
        assert times == 1
    (tmp_path / "env").write_text(settings)
    command = line.replace("/etc/pemudik/consolidation.env", str(tmp_path / "env"))
    command = command.replace("/usr/local/bin/consolidate.sh", str(NIGHTLY / "consolidate.sh"))
    with sandbox.client() as pemudik:
        ours.write_bytes(exported(pemudik.token(), sandbox.url))
    return Nightly(command, {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}, results, ours)


def yesterday() -> str:
    return (wib_day(datetime.now(UTC)) - timedelta(days=1)).isoformat()


def exported(token: str, url: str) -> bytes:
    """The organizer's own list of yesterday: the rows that the registry exports, without any checksum."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{url}/export.csv", params={"day": yesterday()}, headers=headers, trust_env=False)
    assert answer.status_code == 200
    return answer.content


def test_a_list_that_is_the_same_is_told_in_a_line(nightly: Nightly) -> None:
    run = nightly.runs()
    assert (run.returncode, run.stderr) == (0, "")
    told = re.fullmatch(rf"Konsolidasi {yesterday()}: sama, (\d+) pendaftaran\.\n", run.stdout)
    assert told is not None
    assert int(told[1]) > 10
    assert not nightly.results.exists()


def test_a_list_that_differs_has_a_result_row_by_row(nightly: Nightly) -> None:
    """Somebody is missing, and the status of somebody else is one that the registry does not know yet."""
    head, *rows = nightly.list.read_text(encoding="utf-8-sig").splitlines()
    standing = [place for place, row in enumerate(rows) if ";Terdaftar;1;" in row]
    assert len(standing) >= 2
    rows[standing[0]] = rows[standing[0]].replace(";Terdaftar;1;", ";Terverifikasi pendaftaran;2;")
    del rows[standing[1]]
    nightly.list.write_text("\r\n".join([head, *rows, ""]), encoding="utf-8")
    run = nightly.runs()
    assert (run.returncode, run.stderr) == (1, "")
    counts = f"new 0, updated 1, unchanged {len(rows) - 1}, stale 0, refused 0, missing 1"
    assert run.stdout.startswith(f"Konsolidasi {yesterday()}: BERBEDA. ")
    assert run.stdout.endswith(f", {counts}. Hasil: {nightly.results}/{yesterday()}.csv\n")
    result = nightly.results / f"{yesterday()}.csv"
    assert stat.S_IMODE(result.stat().st_mode) == 0o600
    assert result.read_text(encoding="utf-8-sig").count(";tidak_berubah") == len(rows) - 1
    # It was a dry run: the next night finds the same. SEND=yes has the rows taken in.
    assert nightly.runs().stdout == run.stdout
    assert nightly.runs(SEND="yes").returncode == 1
    assert "new 0, updated 0, " in nightly.runs().stdout


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ({"PEMUDIK_CLIENT_SECRET": "wrong"}, "invalid_client"),
        ({"LIST": "false"}, "the list could not be made"),
        ({"LIST": "printf 'a;b\n1;2\n'"}, "HEADER_NOT_FOUND"),
    ],
)
def test_what_cannot_be_compared_is_said(nightly: Nightly, more: dict[str, str], because: str) -> None:
    """The settings of the file are put aside by those of the test."""
    settings, _, script = nightly.command.partition(" && ")
    exports = " ".join(f'export {name}="{value}";' for name, value in more.items())
    run = Nightly(f"{settings} && {exports} {script}", nightly.environment, nightly.results, nightly.list).runs()
    assert (run.returncode, run.stdout) == (2, "")
    [told] = [line for line in run.stderr.splitlines() if line.startswith(f"Konsolidasi {yesterday()} gagal: ")]
    assert because in told


def test_an_example_is_short() -> None:
    for file in (FORM, NIGHTLY / "consolidate.sh"):
        assert len(file.read_text(encoding="utf-8").splitlines()) < 150
