from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import Any

import pytest

from app.intake.files import reading, workbooks
from app.intake.files.columns import EXAMPLE_NAME, EXAMPLE_NIK
from app.intake.files.file_refusals import ColumnMissing, ColumnRepeated, FileRefusedError
from app.intake.files.workbooks import FileRow
from tests.intake.sheets import csv_of, person, read, table, xlsx
from tests.patience import PATIENCE_SECONDS
from tests.world import nik_of

pytestmark = pytest.mark.anyio

Program = Callable[[str], None]
LINES = table(person(1), person(2))


async def rows_of(source: Path | object) -> list[FileRow]:
    async with workbooks.read(source) as found:  # type: ignore[arg-type]
        return [row async for batch in found.batches() for row in batch]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.xlsx"
    path.write_bytes(xlsx(LINES))
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    """Another program in the place of the one that reads."""

    def program(text: str) -> None:
        (tmp_path / "program.py").write_text(text)
        monkeypatch.setattr(workbooks, "COMMAND", (str(tmp_path / "program.py"),))

    return program


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that were started to read files. The process of a small file is gone before anybody can look."""
    processes: list[Process] = []
    start = asyncio.create_subprocess_exec

    async def recorded(*command: str, **options: Any) -> Process:
        processes.append(await start(*command, **options))
        return processes[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    return processes


async def test_a_file_is_read_by_another_process(file: Path, started: list[Process]) -> None:
    async with workbooks.read(file) as found:
        assert (found.header.sheet, found.header.row, found.count) == ("Lembar 1", 1, 2)
        batches = [batch async for batch in found.batches()]
        assert batches == [[FileRow(2, LINES[1]), FileRow(3, LINES[2])]]
        assert found.values(batches[0][0]) == person(1)
    [reader] = started
    assert reader.pid != os.getpid()
    assert reader.returncode is not None


@pytest.mark.parametrize("make", [TemporaryFile, SpooledTemporaryFile], ids=["file", "spooled"])
async def test_an_open_file_is_read_from_its_start(make: object) -> None:
    with make() as file:  # type: ignore[operator]
        file.write(xlsx(LINES))
        assert [row.number for row in await rows_of(file)] == [2, 3]
        assert [row.number for row in await rows_of(file)] == [2, 3]


async def test_many_rows_come_in_batches_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(csv_of([LINES[0], *([nik_of(n), f"Warga {n}", *LINES[1][2:]] for n in range(1_234))]))
    async with workbooks.read(path) as found:
        assert found.count == 1_234
        batches = [batch async for batch in found.batches()]
    assert [len(batch) for batch in batches] == [500, 500, 234]
    assert [row.cells[1] for batch in batches for row in batch] == [f"Warga {n}" for n in range(1_234)]
    assert [row.number for batch in batches for row in batch] == list(range(2, 1_236))


async def test_long_rows_come_in_smaller_batches(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(csv_of([LINES[0], *([*LINES[1][:11], "x" * 32_000] for _ in range(20))]))
    async with workbooks.read(path) as found:
        assert [len(batch) async for batch in found.batches()] == [9, 9, 2]


@pytest.mark.parametrize(
    ("lines", "kind", "columns"),
    [
        ([LINES[0][:3], LINES[1][:3]], ColumnMissing, 8),
        ([[*LINES[0], "DATA NIK"], [*LINES[1], "x"]], ColumnRepeated, 1),
    ],
    ids=["missing", "repeated"],
)
async def test_a_header_is_judged_before_any_row_is_read(
    tmp_path: Path, lines: list[list[object]], kind: type[ColumnMissing | ColumnRepeated], columns: int
) -> None:
    (tmp_path / "data.xlsx").write_bytes(xlsx(lines))
    with pytest.raises(FileRefusedError) as refused:
        await rows_of(tmp_path / "data.xlsx")
    refusal = refused.value.refusal
    assert isinstance(refusal, kind)
    assert len(refusal.columns) == columns


async def test_a_refusal_comes_over_with_its_facts(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(csv_of(LINES) + "1;2;3\n" * 150_000)
    with pytest.raises(FileRefusedError) as refused:
        await rows_of(path)
    assert refused.value.refusal.code == "FILE_TOO_MANY_ROWS"
    assert "150000" in refused.value.refusal.message("id")


async def test_a_large_file_is_refused_unread(tmp_path: Path, reads: Program) -> None:
    reads("raise SystemExit('never started')")
    path = tmp_path / "data.xlsx"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    with pytest.raises(FileRefusedError, match="FILE_TOO_LARGE") as refused:
        await rows_of(path)
    assert "20 MB" in refused.value.refusal.message("id")


async def test_the_example_of_the_template_is_left_out(tmp_path: Path) -> None:
    example = person(1, data_nik=EXAMPLE_NIK, data_pemesan=EXAMPLE_NAME)
    (tmp_path / "data.xlsx").write_bytes(xlsx(table(example, person(2), person(3, data_nik=EXAMPLE_NIK))))
    async with workbooks.read(tmp_path / "data.xlsx") as found:
        assert found.count == 2
        [rows] = [batch async for batch in found.batches()]
    assert [row.number for row in rows] == [3, 4]


# --- a process that fails ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["SIGKILL", "SIGXCPU", "SIGABRT"])
async def test_a_process_that_the_kernel_ended_found_the_file_too_complex(file: Path, reads: Program, by: str) -> None:
    reads(f"import os, signal; os.kill(os.getpid(), signal.{by})")
    with pytest.raises(FileRefusedError, match="FILE_TOO_COMPLEX"):
        await rows_of(file)


@pytest.mark.parametrize("by", ["SIGTERM", "SIGINT", "SIGHUP"])
async def test_a_process_that_somebody_ended_found_nothing(file: Path, reads: Program, by: str) -> None:
    reads(f"import os, signal; signal.signal(signal.{by}, signal.SIG_DFL); os.kill(os.getpid(), signal.{by})")
    with pytest.raises(RuntimeError, match="ended with -"):
        await rows_of(file)


async def test_a_bug_in_it_is_not_the_files_fault(file: Path, reads: Program) -> None:
    reads("raise ValueError")
    with pytest.raises(RuntimeError, match="ended with 1"):
        await rows_of(file)


async def test_silence_ends_it(file: Path, reads: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "SILENT_FOR_SECONDS", 0.2)
    reads("import time; time.sleep(100)")
    with pytest.raises(FileRefusedError, match="FILE_TOO_COMPLEX"):
        await asyncio.wait_for(rows_of(file), PATIENCE_SECONDS)


async def test_a_frame_is_not_as_long_as_it_says(file: Path, reads: Program) -> None:
    reads("import sys; sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff')")
    with pytest.raises(FileRefusedError, match="FILE_TOO_COMPLEX"):
        await rows_of(file)


async def test_it_ends_with_whoever_reads_no_further(tmp_path: Path, started: list[Process]) -> None:
    path = tmp_path / "data.csv"
    path.write_text(csv_of([LINES[0], *[LINES[1]] * 50_000]))
    async with workbooks.read(path) as found:
        assert len(await anext(found.batches())) == 500
        [reader] = started
        # Not in the group that a terminal interrupts.
        assert os.getpgid(reader.pid) == reader.pid
    assert reader.returncode is not None


# --- how it is shut in ------------------------------------------------------------------------------------------------

TRIES = {
    "a file": "open('/etc/hostname')",
    "a socket": "import socket; socket.socket()",
    "a process": "import os; os.pipe()",
    "400 MB": "bytearray(400 * 1024 * 1024)",
}


@pytest.mark.parametrize("name", TRIES)
async def test_it_can_have_no(name: str) -> None:
    program = f"""
import socket, sys
from app.intake.files import reading
reading.shut_in()
try:
    {TRIES[name]}
except (OSError, MemoryError) as error:
    sys.stdout.write(type(error).__name__)
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    assert said.decode() in {"OSError", "MemoryError"}


async def test_it_keeps_to_tighter_limits_than_its_own(file: Path, reads: Program) -> None:
    reads(
        """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (200 * 1024 * 1024,) * 2)
from app.intake.files import reading
reading.main(sys.argv[1:])
"""
    )
    assert [row.number for row in await rows_of(file)] == [2, 3]


def test_it_imports_nothing_of_the_registry() -> None:
    """It starts with each file, and knows no secrets."""
    told = "import sys, app.intake.files.reading; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-I", "-c", told], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"app.intake.files.reading", "python_calamine"} <= set(modules)
    assert {"sqlalchemy", "starlette", "app.config", "app.vault.vault", "app.db"}.isdisjoint(modules)


def test_what_it_says_of_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Out:
        buffer = BytesIO()

    class In:
        buffer = BytesIO(b"")

    monkeypatch.setattr(reading, "shut_in", lambda: None)
    monkeypatch.setattr(sys, "stdin", In)
    monkeypatch.setattr(sys, "stdout", Out)
    reading.main([])
    assert Out.buffer.getvalue()[4:] == b'{"refused":"FILE_NOT_A_SPREADSHEET","facts":{}}'
    assert read(xlsx(LINES)).rows[0][0] == 2
