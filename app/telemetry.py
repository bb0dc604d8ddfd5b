"""Structured logs to standard output. Nothing personal gets into a line.

A server writes its lines together (`gathered`). Everybody else writes each line at once.

Of an exception its type and its place are written, never its message, which may quote a row. Any run of 16 digits that
gets into a line all the same is masked. The records of other libraries go the same way.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app import clock

if TYPE_CHECKING:
    from structlog.dev import ConsoleRenderer

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# Below these levels libraries write noise. authlib would write whole tokens, httpcore and httpx whole URLs.
QUIETED = {
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "authlib": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}

LONG_NUMBER = re.compile(r"\d{16,}")
MASKED = "*" * 16
WRITE_AFTER_SECONDS = 0.02
"""So long a server's line may wait for others. A process that is killed loses the lines of this time."""
MOST_BYTES_OF_A_WRITE = 4096
"""A pipe takes so many in one piece (PIPE_BUF of Linux). So the lines of several workers never stand in each other."""
INNERMOST_FRAMES = 10
"""Frames of libraries that are written of a traceback. Our own are written all."""
OUR_FOLDER = f"{Path(__file__).resolve().parent}/"
CHECKOUT = Path(__file__).resolve().parent.parent


def configure(form: Literal["console", "json"], level: str) -> None:
    structlog.configure(
        processors=[*COMMON, *safe(form)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=Output,
        cache_logger_on_first_use=False,
    )
    Direct.is_on = form == "json" and LEVELS[level] <= logging.INFO
    handler = Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=COMMON,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *safe(form)],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)
    # logging's own report of a line that cannot be written would show the arguments of the line.
    logging.raiseExceptions = False
    for name, least in QUIETED.items():
        logging.getLogger(name).setLevel(max(least, LEVELS[level]))


_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class of_request:  # noqa: N801 - used as a function; a generator would take a check of a NIK a microsecond longer
    """Every line that is written inside names the request."""

    __slots__ = ("_request_id", "_token")

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id

    def __enter__(self) -> None:
        self._token = _REQUEST_ID.set(self._request_id)

    def __exit__(self, *_: object) -> None:
        _REQUEST_ID.reset(self._token)


def tell(event: str, facts: Mapping[str, Any]) -> None:
    """The line that `structlog.get_logger().info(event, **facts)` writes.

    A line of each request is told so: in JSON it takes a third of what it takes through structlog's layers. The event
    has one line, and none of the facts is an exception.
    """
    if not Direct.is_on:
        structlog.get_logger().info(event, **facts)
        return
    line = {**facts, "event": event, "level": "info", "timestamp": clock.of_this_machine()}
    request_id = _REQUEST_ID.get()
    if request_id is not None:
        line["request_id"] = request_id
    text = orjson.dumps(line, default=_type_name, option=orjson.OPT_UTC_Z).decode()
    Output().msg(LONG_NUMBER.sub(MASKED, text))


class Direct:
    """Whether `tell` writes its lines without structlog: they are JSON, and lines at `info` are written."""

    is_on = False


class Output:
    """Standard output as it is now. If its reader has gone away, the request that writes a line must not fail."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        if _GatheringLines.current is None:
            write([line])
        else:
            _GatheringLines.current.add(line)

    log = debug = info = warning = warn = error = critical = exception = fatal = msg


class _GatheringLines:
    """The lines that wait to be written together."""

    current: _GatheringLines | None = None

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: list[str] = []
        self._is_due = False

    def add(self, line: str) -> None:
        """From any thread."""
        self._lines.append(line)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon_threadsafe(self._loop.call_later, WRITE_AFTER_SECONDS, self.write)

    def write(self) -> None:
        # This comes first: a line that another thread adds after it has a writing of its own.
        self._is_due = False
        lines, self._lines = self._lines, []
        write(lines)


@contextmanager
def gathered() -> Iterator[None]:
    """As long as this process serves, its lines are written together. At the end all of them are written."""
    gathering = _GatheringLines.current = _GatheringLines()
    try:
        yield
    finally:
        if _GatheringLines.current is gathering:
            _GatheringLines.current = None
        gathering.write()


def write(lines: Sequence[str]) -> None:
    with suppress(OSError, ValueError):
        for piece in pieces(lines):
            sys.stdout.write(piece)
            sys.stdout.flush()


def pieces(lines: Sequence[str]) -> Iterator[str]:
    """Whole lines, as many as a pipe takes in one piece. A line that is longer stands alone."""
    piece, size = "", 0
    for line in lines:
        length = len(line.encode()) + 1
        if piece and size + length > MOST_BYTES_OF_A_WRITE:
            yield piece
            piece, size = "", 0
        piece, size = f"{piece}{line}\n", size + length
    if piece:
        yield piece


class Handler(logging.Handler):
    """Records of the standard library's loggers. An exception among their arguments is replaced by its type."""

    def emit(self, record: logging.LogRecord) -> None:
        # Other handlers get the same record: it must not change.
        record = copy(record)
        record.msg = unspoken(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(unspoken(argument) for argument in record.args)
        Output().msg(self.format(record))


def unspoken(value: object) -> Any:
    return type(value).__name__ if isinstance(value, BaseException) else value


# --- what a line goes through -----------------------------------------------------------------------------------------


def safe(form: Literal["console", "json"]) -> list[Processor]:
    return [without_detail, with_frames, as_json if form == "json" else console(), masked]


def without_detail(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Only the first line of the event: below it asyncio writes the failed task with its exception."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def with_frames(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = as_exception(event.pop("exc_info", None))
    event.pop("exc_text", None)
    event.pop("stack_info", None)
    if error is not None:
        event["exception"] = "\n".join(lines_of(error))
    return event


def as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=_type_name).decode()


def _type_name(value: object) -> str:
    return type(value).__name__


def console() -> ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def masked(_: WrappedLogger, __: str, line: Any) -> str:
    """The last resort: a NIK that gets here is a bug."""
    return LONG_NUMBER.sub(MASKED, line)


def with_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request_id = _REQUEST_ID.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


COMMON: list[Processor] = [
    with_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# --- exceptions -------------------------------------------------------------------------------------------------------


def as_exception(exc_info: object) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
    return None


def lines_of(error: BaseException) -> list[str]:
    """Types and frames of an exception and of its causes, the newest first."""
    lines = []
    for link in chain(error):
        lines.append(type(link).__qualname__)
        lines += [f"  {frame}" for frame in frames_of(link.__traceback__)]
        if isinstance(link, BaseExceptionGroup):
            lines += [f"  of {line}" for member in link.exceptions for line in lines_of(member)]
    return lines


def chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def frames_of(tb: TracebackType | None) -> list[str]:
    """Our own frames and the innermost of others, such as `app/registry/niks/check.py:88 check`.

    A database driver alone has twenty frames.
    """
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(tb)]
    others = len(frames) - INNERMOST_FRAMES
    return [
        f"{shortened(code.co_filename)}:{line} {code.co_qualname}"
        for place, (code, line) in enumerate(frames)
        if place >= others or code.co_filename.startswith(OUR_FOLDER)
    ]


def shortened(file: str) -> str:
    _, packages, inside = file.rpartition("site-packages/")
    return inside if packages else file.removeprefix(f"{CHECKOUT}/")
