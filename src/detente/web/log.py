"""Structured log lines on standard error: JSON for machines, aligned text for people."""

import logging
import sys
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

LogStyle = Literal["json", "console"]
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(style: LogStyle = "json", level: str = "info", out: TextIO | None = None) -> None:
    """Set the one place where log lines go, for this process, those of libraries included.

    Args:
        style: ``json``: one object a line; ``console``: for a person's eyes.
        level: debug, info, warning or error. No party data is logged below debug.
        out: where to; standard error if None.

    Raises:
        ValueError: if the level is none of these.
    """
    if level not in _LEVELS:
        raise ValueError(f"a log level is one of {', '.join(_LEVELS)}, not {level!r}")
    first: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        # Never with local variables: they hold tokens.
        [structlog.processors.format_exc_info, _as_json]
        if style == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out or sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, Bridge)] + [Bridge()]


class Bridge(logging.Handler):
    """Takes what libraries say through Python's own logging, and says it as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record; what is no error is told without its traceback, by what was raised."""
        members: dict[str, object] = {"logger": record.name}
        raised = record.exc_info[1] if record.exc_info else None
        if raised is not None and record.levelno >= logging.ERROR:
            members["exc_info"] = raised
        elif raised is not None:
            members["why"] = f"{type(raised).__name__}: {raised}"
        structlog.get_logger().log(record.levelno, record.getMessage(), **members)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
