"""Structured logs to standard output, and one line per request. Nothing personal passes it.

Exceptions are written as their types and where they happened, never their messages, since those may quote a row. Any
run of 16 digits that reaches a line after all is masked. Other libraries' records go the same way.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

if TYPE_CHECKING:
    from structlog.dev import ConsoleRenderer

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# What they say below these levels is noise; authlib writes whole tokens, and httpcore where a webhook goes.
QUIETED = {
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "authlib": logging.WARNING,
    "httpcore": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}

LONG_NUMBER = re.compile(r"\d{16,}")
MASKED = "*" * 16
FRAMES = 10
OURS = f"{Path(__file__).resolve().parent}/"
CHECKOUT = Path(__file__).resolve().parent.parent


def configure(form: Literal["console", "json"], level: str) -> None:
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *COMMON, *safe(form)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=Output,
        cache_logger_on_first_use=False,
    )
    handler = Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, *COMMON],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *safe(form)],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)
    # Its own report of a line that cannot be written would show the line's arguments.
    logging.raiseExceptions = False
    for name, least in QUIETED.items():
        logging.getLogger(name).setLevel(max(least, LEVELS[level]))


class Output:
    """Standard output as it is now. A reader that has gone away must not fail the request that is being told of."""

    def __init__(self, *_: object) -> None:
        self.stream = sys.stdout

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self.stream.write(f"{line}\n")
            self.stream.flush()

    log = debug = info = warning = warn = error = critical = exception = fatal = msg


class Handler(logging.Handler):
    """Records of the standard library's loggers. An exception among the arguments would be formatted into the line."""

    def emit(self, record: logging.LogRecord) -> None:
        # Other handlers are given the same record.
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
    """The first line only: asyncio puts the representation of the failed task, with its exception, below."""
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
    return orjson.dumps(event, default=lambda value: type(value).__name__).decode()


def console() -> ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def masked(_: WrappedLogger, __: str, line: Any) -> str:
    """The last resort: a NIK that got this far is a bug."""
    return LONG_NUMBER.sub(MASKED, line)


COMMON: list[Processor] = [
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
    """Types and frames of an exception and of what it came from, the newest first."""
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
    """Our own and the innermost of others: `app/registry/niks/check.py:88 check`. A driver alone has twenty."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(tb)]
    others = len(frames) - FRAMES
    return [
        f"{shortened(code.co_filename)}:{line} {code.co_qualname}"
        for place, (code, line) in enumerate(frames)
        if place >= others or code.co_filename.startswith(OURS)
    ]


def shortened(file: str) -> str:
    _, packages, inside = file.rpartition("site-packages/")
    return inside if packages else file.removeprefix(f"{CHECKOUT}/")
