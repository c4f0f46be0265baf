"""The form of the log: every line of ours and of the libraries as one JSON object on standard error.

Our own lines name no private number. What a library says, and what an exception says of itself, may quote whatever it
was given: every number in those is masked here.
"""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

import structlog

from ringfence.app.supervisor import unquoted
from ringfence.bootstrap.log_writer import LogWriter
from ringfence.web.patience import SaidSeldom

log = logging.getLogger(__name__)

OURS = "ringfence"


def log_as_json() -> None:
    """From now on, for the whole process. A fault that ends it is a line, too."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        _without_numbers,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = LogWriter(sys.stderr.fileno())
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("alembic", "aiosqlite", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("asyncio").addFilter(SaidSeldom())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _ended


def _without_numbers(_: Any, __: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    if str(line.get("logger", "")).partition(".")[0] != OURS:
        line["event"] = unquoted(str(line["event"]))
    if "exception" in line:
        line["exception"] = unquoted(str(line["exception"]))
    return line


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("ended by a fault", exc_info=(kind, error, trace))
