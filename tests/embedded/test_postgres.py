"""The embedded PostgreSQL, in a folder whose path has blanks and is longer than a socket's may be."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.embedded import postgres
from app.embedded.postgres import EmbeddedFailed
from app.embedded.run_as import RunAs

OWNER = """
import sys, time
from pathlib import Path
from app.embedded import postgres as embedded
with embedded.running(Path(sys.argv[1]), durable=False) as url:
    print(url, flush=True)
    time.sleep(120)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished one that nobody uses."""
    folder = tmp_path_factory.mktemp("with blanks") / ("a long name " * 9).strip()
    with postgres.running(folder, durable=False):
        pass
    return folder


@pytest.fixture
def folder(cluster: Path) -> Iterator[Path]:
    yield cluster
    assert postgres.find_postmaster(cluster / "data") is None


def ask(url: str, question: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(answer())


def owner_of(folder: Path) -> tuple[subprocess.Popen[str], str]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    return owner, owner.stdout.readline().strip()


def end(owner: subprocess.Popen[str], by: signal.Signals) -> None:
    owner.send_signal(by)
    owner.wait()
    assert owner.stdout is not None
    owner.stdout.close()


def test_a_cluster_keeps_its_data_between_starts(folder: Path) -> None:
    with postgres.running(folder, durable=False) as url:
        ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    with postgres.running(folder, durable=False) as url:
        assert ask(url, "SELECT number FROM kept") == 7
        ask(url, "DROP TABLE kept")


def test_it_is_utf8_sorts_by_code_point_and_runs_in_utc(folder: Path) -> None:
    with postgres.running(folder, durable=False) as url:
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
        assert ask(url, "SHOW timezone") == "UTC"
        assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
        assert ask(url, "SHOW unix_socket_directories") == ""


def test_failing_statements_stay_out_of_its_log(folder: Path) -> None:
    with postgres.running(folder, durable=False) as url:
        with pytest.raises(asyncpg.DivisionByZeroError):
            ask(url, "SELECT 1/0 AS somebodys_name")
        log = (folder / "server.log").read_text()
    assert "division by zero" in log
    assert "somebodys_name" not in log


def test_a_wrong_password_is_refused(folder: Path) -> None:
    with postgres.running(folder, durable=False) as url:
        password = (folder / "password").read_text()
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(url.replace(password, "wrong"), "SELECT 1")


def test_only_the_owner_may_read_the_folder_and_the_password(folder: Path) -> None:
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_last_one_that_leaves_stops_it(folder: Path) -> None:
    with postgres.running(folder, durable=False) as first:
        with postgres.running(folder, durable=False) as second:
            assert second == first
        assert ask(first, "SELECT 1") == 1
    assert postgres.find_postmaster(folder / "data") is None


def test_it_goes_on_for_another_process_when_its_starter_ends(folder: Path) -> None:
    starter, url = owner_of(folder)
    with postgres.running(folder, durable=False) as joined:
        assert joined == url
        end(starter, signal.SIGKILL)
        assert ask(url, "SELECT 1") == 1


def test_a_server_that_a_killed_owner_left_is_taken_over(folder: Path) -> None:
    owner, url = owner_of(folder)
    end(owner, signal.SIGKILL)
    assert ask(url, "SELECT 1") == 1
    with postgres.running(folder, durable=False) as taken_over:
        assert taken_over == url


def test_after_a_crash_the_committed_data_is_there(folder: Path) -> None:
    with postgres.running(folder, durable=True) as url:
        ask(url, "CREATE TABLE kept AS SELECT 8 AS number")
        postmaster = postgres.find_postmaster(folder / "data")
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGKILL)
        while postgres.find_postmaster(folder / "data") is not None:
            time.sleep(0.01)
    with postgres.running(folder, durable=True) as url:
        assert ask(url, "SELECT number FROM kept") == 8
        ask(url, "DROP TABLE kept")


def test_a_stale_pid_that_is_another_process_by_now_does_not_fool_it(folder: Path) -> None:
    pid_file = folder / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{folder / 'data'}\n1\n5432\n\n127.0.0.1\n\nready   \n")
    with postgres.running(folder, durable=False) as url:
        assert ask(url, "SELECT 1") == 1


def test_a_cut_off_creation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "data.unfinished" / "base").mkdir(parents=True)
    with postgres.running(tmp_path, durable=False) as url:
        assert ask(url, "SELECT 1") == 1
    assert not (tmp_path / "data.unfinished").exists()


def test_a_cluster_of_another_version_is_refused(folder: Path) -> None:
    version = folder / "data" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(EmbeddedFailed, match="was made by PostgreSQL 12"), postgres.running(folder):
            pass
    finally:
        version.write_text(ours)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EmbeddedFailed, match=r"cannot be written \(Not a directory\)\. Set DATABASE_URL"),
        postgres.running(tmp_path / "file" / "home"),
    ):
        pass


def test_a_server_that_cannot_start_is_said_with_its_last_words(cluster: Path, tmp_path: Path) -> None:
    shutil.copytree(cluster, tmp_path / "broken")
    with (tmp_path / "broken" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    with (
        pytest.raises(EmbeddedFailed, match=r"does not start\. It says: .*configuration file.*See .*server\.log"),
        postgres.running(tmp_path / "broken"),
    ):
        pass


def test_a_port_that_was_taken_meanwhile_is_tried_again_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], postgres.free_port()]
        monkeypatch.setattr(postgres, "free_port", iter(ports).__next__)
        with postgres.running(folder, durable=False) as url:
            assert f"127.0.0.1:{ports[-1]}/" in url
            assert ask(url, "SELECT 1") == 1


def test_a_failing_initdb_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "initdb"
    program.write_text("#!/bin/sh\necho 'initdb: error: No space left on device' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(postgres, "binaries", lambda: tmp_path / "bin")
    with pytest.raises(EmbeddedFailed, match=r"cannot be made\. The disk is full: make room"):
        postgres.make_cluster(tmp_path, RunAs(), durable=True)


@pytest.mark.parametrize(
    ("output", "meaning"),
    [
        ("FATAL: could not write: No space left on device", "The disk is full: make room and start again."),
        ("FATAL: could not extend file\nHINT:  Check free disk space.", "The disk is full: make room and start again."),
        ("begun\nPANIC:  a reason\ninitdb: removing", "It says: PANIC:  a reason. Set DATABASE_URL"),
        (
            "could not look up effective user ID 12345: user does not exist",
            "has no name on this machine. Set DATABASE_URL",
        ),
        ("initdb: error: cannot be run as root", "nobody else to be. Set DATABASE_URL"),
        ("could not access directory: Permission denied", "may not read or write"),
        ("first\n last \n\n", "It says: last. Set DATABASE_URL"),
        ("", "It says: none."),
    ],
)
def test_what_went_wrong_is_explained(output: str, meaning: str) -> None:
    assert meaning in postgres.explanation(output)


def test_a_stranger_is_no_postmaster(tmp_path: Path) -> None:
    assert not postgres.works_in(os.getpid(), tmp_path)
    assert not postgres.works_in(postgres.NO_PID, tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "x\n", "1\n2\n3\nport\n", f"{os.getpid()}\n/\n1\n5432\n"],
    ids=["empty", "no number", "no port", "not at work there"],
)
def test_a_damaged_pid_file_names_no_postmaster(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content)
    assert postgres.find_postmaster(tmp_path) is None


def test_a_process_ends_before_it_is_ready(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert postgres.await_ready(tmp_path, process) is None


def test_a_process_that_never_gets_ready_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "START_WITHIN_SECONDS", 0.05)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        assert postgres.await_ready(tmp_path, process) is None
        assert process.returncode == -signal.SIGTERM


def test_stopping_what_does_not_run_does_nothing(tmp_path: Path) -> None:
    postgres.stop(tmp_path)
    assert list(tmp_path.iterdir()) == []
