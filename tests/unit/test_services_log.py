"""Logging: JSON lines for machines, plain lines for people, a level that is one of five."""

import io
import json

import pytest
import structlog

from flight.log import configure_logging


@pytest.fixture(autouse=True)
def _reset():
    yield
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_stream_that_is_no_terminal_gets_json_lines() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    structlog.get_logger().warning("task.restart", subject="link")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["subject"]) == ("task.restart", "warning", "link")


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    configure_logging(stream=stream)
    structlog.get_logger().info("daemon.start", node="n1")
    assert "daemon.start" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_what_is_below_the_level_is_dropped() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream, level="error")
    structlog.get_logger().warning("unseen")
    assert stream.getvalue() == ""


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="'loud' is none of debug"):
        configure_logging(level="loud")
