"""Set-up of structlog: lines for people on a terminal, JSON lines otherwise. Both go to stderr."""

import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from flight.secret import redact_log

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def configure_logging(
    *, level: str = "info", stream: TextIO | None = None, as_json: bool | None = None
) -> None:
    """Set up logging for the process; call it once, before the first event.

    Args:
        level: debug, info, warning, error or critical; what is below is dropped at no cost.
        stream: Where lines go; None: stderr, so that stdout stays the program's own output.
        as_json: True: one JSON object per line; False: lines for people; None: by the stream.

    Raises: ValueError, when the level is none of the five.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is none of {', '.join(LEVELS)}")
    stream = sys.stderr if stream is None else stream
    is_terminal = stream.isatty()
    as_json = not is_terminal if as_json is None else as_json
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
    ]
    if as_json:
        processors += [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            redact_log,
            structlog.processors.JSONRenderer(),
        ]
    else:
        processors += [
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            redact_log,
            structlog.dev.ConsoleRenderer(colors=is_terminal),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
