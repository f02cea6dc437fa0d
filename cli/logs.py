"""Logs are JSON lines with a stable event name and a request id, and never a person's data."""

import json
import logging
import sys
from typing import Any

import structlog

INNERMOST = 8


def configure() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("authlib").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class OneLine(logging.Formatter):
    """What a library logs, without its words: who, how grave and, of an exception, its kind and where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        failure = record.exc_info[1] if record.exc_info else None
        told = {"event": record.name, "level": record.levelname.lower()}
        return json.dumps(told | (where(failure) if failure else {}))


def where(failure: BaseException) -> dict[str, Any]:
    """Of an exception: its kind and the places it came through. Its words may hold a value of a record."""
    trace, places = failure.__traceback__, []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return {"kind": type(failure).__name__, "trace": places[-INNERMOST:]}


def _where_only(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    failure = event.pop("exc_info", None)
    return {**event, **where(failure)} if isinstance(failure, BaseException) else event
