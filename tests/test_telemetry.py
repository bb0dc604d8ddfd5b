"""Nothing personal in a line, wherever it comes from."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from app import telemetry
from tests.patience import patience

NIK = "3201010101909001"
NAME = "Rekaan Sampelia"


pytestmark = pytest.mark.usefixtures("logging_as_before")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.err == ""
    return [json.loads(line) for line in captured.out.splitlines()]


def refuse() -> None:
    raise ValueError(f"{NAME} {NIK}")


def test_a_line_has_its_level_time_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    structlog.get_logger().info("started", workers=2)
    structlog.get_logger().debug("not shown")
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "started", "level": "info", "workers": 2}


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_a_line_that_is_told_is_structlogs(form: Any, level: Any, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(form, level)
    facts = {"route": "/graphql", "status": 200, "ms": 1.5, "odd": object(), "nik": f"{NIK}\n", "deep": {"list": [NIK]}}
    with telemetry.of_request("7"):
        telemetry.tell("request", facts)
        structlog.get_logger().info("request", **facts)
    written = capsys.readouterr().out
    assert NIK not in written
    told, logged = written[: len(written) // 2], written[len(written) // 2 :]
    if form == "json" and level != "warning":
        told, logged = without_time(told), without_time(logged)
    else:
        told, logged = told.partition("info")[2].split(" odd")[0], logged.partition("info")[2].split(" odd")[0]
    assert told == logged
    assert bool(written) is (level != "warning")


def without_time(line: str) -> Any:
    facts = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", facts.pop("timestamp"))
    return facts


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_nik_is_masked_wherever_it_stands(form: Any, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(form, "info")
    structlog.get_logger().info(f"nik {NIK}", nik=NIK, deep={"list": [NIK, {NIK: 1}]}, long=f"{NIK}{NIK}")
    logging.getLogger("other").warning("nik %s", NIK)
    written = capsys.readouterr().out
    assert NIK not in written
    assert written.count("****************") == 6


def test_an_exception_is_its_types_and_frames(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    try:
        try:
            refuse()
        except ValueError as error:
            raise RuntimeError(NAME) from error
    except RuntimeError:
        structlog.get_logger().exception("failed")
    (line,) = lines(capsys)
    frames = line["exception"].splitlines()
    assert frames[0] == "RuntimeError"
    assert frames[1].startswith("  tests/test_telemetry.py:")
    assert frames[1].endswith(" test_an_exception_is_its_types_and_frames")
    assert frames[2] == "ValueError"
    assert frames[-1].endswith(" refuse")
    assert NAME not in str(line)


def test_a_group_shows_its_members(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    structlog.get_logger().error("failed", exc_info=ExceptionGroup(NAME, [ValueError(NAME), KeyError(NAME)]))
    (line,) = lines(capsys)
    assert line["exception"].splitlines() == ["ExceptionGroup", "  of ValueError", "  of KeyError"]


def test_a_suppressed_context_and_a_circle_end_the_chain() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert telemetry.lines_of(first) == ["ValueError", "KeyError"]
    third = ValueError()
    third.__context__, third.__suppress_context__ = second, True
    assert telemetry.lines_of(third) == ["ValueError"]


def test_other_libraries_lines_go_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    try:
        refuse()
    except ValueError as error:
        logging.getLogger("strawberry.execution").error(error, exc_info=error)  # noqa: TRY400 - as it does
        logging.getLogger("uvicorn.error").error("broken by %s", error)  # noqa: TRY400
        logging.getLogger("other").warning("%(who)s", {"who": "a mapping"}, stack_info=True)
    strawberry, uvicorn, other = lines(capsys)
    assert strawberry["event"] == "ValueError"
    assert strawberry["exception"].startswith("ValueError\n  tests/test_telemetry.py:")
    assert uvicorn["event"] == "broken by ValueError"
    assert other["event"] == "a mapping"
    assert NAME not in str((strawberry, uvicorn, other))


def test_asyncio_does_not_show_what_a_forgotten_task_failed_with(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")

    async def fail() -> None:
        refuse()

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(forget())
    (line,) = lines(capsys)
    assert line["event"] == "Task exception was never retrieved"
    assert line["exception"].startswith("ValueError\n")
    assert NAME not in str(line)


@pytest.mark.parametrize("name", sorted(telemetry.QUIETED))
def test_chatty_libraries_are_quiet_below_a_warning(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "debug")
    logging.getLogger(name).info("token")
    logging.getLogger(f"{name}.part").debug("token")
    assert capsys.readouterr().out == ""


def test_an_object_without_a_json_form_is_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    structlog.get_logger().info("odd", value=object())
    assert lines(capsys)[0]["value"] == "object"


def test_a_line_that_cannot_be_formatted_shows_nothing_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("json", "info")
    with pytest.raises(TypeError):
        logging.getLogger("other").info("%d", NAME)
    assert NAME not in "".join(capsys.readouterr())


def test_a_reader_that_has_gone_away_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    telemetry.Output().msg("nobody reads this")


# --- written together -------------------------------------------------------------------------------------------------


class Written:
    """Standard output that remembers each write."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.news = asyncio.Event()

    def write(self, piece: str) -> None:
        self.pieces.append(piece)
        self.news.set()

    def flush(self) -> None: ...

    async def come(self) -> None:
        async with patience():
            await self.news.wait()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Written]:
    """To be called in the test: pytest puts a standard output of its own in place behind the fixtures."""

    def record() -> Written:
        stream = Written()
        monkeypatch.setattr("sys.stdout", stream)
        return stream

    return record


@pytest.mark.anyio
async def test_a_servers_lines_are_written_together_and_soon(recorded: Callable[[], Written]) -> None:
    written = recorded()
    telemetry.configure("json", "info")
    with telemetry.gathered():
        for number in range(3):
            structlog.get_logger().info("asked", number=number)
        assert written.pieces == []
        await written.come()
        [piece] = written.pieces
        written.news.clear()
        structlog.get_logger().info("asked", number=3)
        await written.come()
    assert [json.loads(line)["number"] for line in piece.splitlines()] == [0, 1, 2]
    assert [json.loads(one)["number"] for one in written.pieces[1:]] == [3]


@pytest.mark.anyio
async def test_nothing_waits_when_a_server_has_ended(recorded: Callable[[], Written]) -> None:
    written = recorded()
    telemetry.configure("json", "info")
    with telemetry.gathered():
        structlog.get_logger().info("last")
    structlog.get_logger().info("behind it")
    assert [json.loads(piece)["event"] for piece in written.pieces] == ["last", "behind it"]


@pytest.mark.anyio
async def test_of_two_servers_in_one_process_none_loses_a_line_by_the_others_end(
    recorded: Callable[[], Written],
) -> None:
    written = recorded()
    telemetry.configure("json", "info")
    first, second = telemetry.gathered(), telemetry.gathered()
    first.__enter__()
    structlog.get_logger().info("of the first")
    with second:
        structlog.get_logger().info("of both")
        first.__exit__(None, None, None)
        assert [json.loads(piece)["event"] for piece in written.pieces] == ["of the first"]
    assert json.loads(written.pieces[1])["event"] == "of both"


@pytest.mark.anyio
async def test_a_threads_line_is_written_as_well(recorded: Callable[[], Written]) -> None:
    written = recorded()
    telemetry.configure("json", "info")
    with telemetry.gathered():
        await asyncio.to_thread(structlog.get_logger().info, "beside")
        await written.come()
    assert [json.loads(piece)["event"] for piece in written.pieces] == ["beside"]


def test_a_write_is_whole_lines_and_no_more_than_a_pipe_takes_in_one_piece() -> None:
    lines = ["é" * 500] * 9 + ["x" * 5_000, "y"]
    pieces = list(telemetry.pieces(lines))
    assert "".join(pieces).splitlines() == lines
    assert [len(piece.encode()) for piece in pieces] == [4_004, 4_004, 1_001, 5_001, 2]
    assert all(piece.endswith("\n") for piece in pieces)


def test_a_packages_file_is_named_from_the_package_on() -> None:
    assert telemetry.shortened("/x/lib/python3.11/site-packages/starlette/routing.py") == "starlette/routing.py"
    assert telemetry.shortened("/elsewhere/a.py") == "/elsewhere/a.py"


def test_other_handlers_get_the_record_as_it_was() -> None:
    error = ValueError("why")
    record = logging.LogRecord("other", logging.INFO, "file", 1, "broken by %s", (error,), None)
    telemetry.configure("json", "info")
    telemetry.Handler().handle(record)
    assert (record.msg, record.args) == ("broken by %s", (error,))
