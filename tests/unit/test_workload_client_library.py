"""The client library that jobs copy: what it does when the daemon goes, comes back, or changes."""

import importlib.util
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "examples" / "clients" / "nightside_client.py"
LIMIT_S = 30.0  # a hang, not a measure


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("nightside_client", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    return module


class Daemon:
    """The other end of the socket, played line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(LIMIT_S)
        self.connection: socket.socket | None = None
        self.lines: Any = None

    def accept(self, session: str = "s1") -> Any:
        """Take a connection and its hello; return the hello."""
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(LIMIT_S)
        self.lines = self.connection.makefile("rb")
        hello = self.line()["hello"]
        self.say("welcome", {"protocol": 1, "session": session})
        return hello

    def line(self) -> Any:
        return json.loads(self.lines.readline())

    def say(self, kind: str, body: object) -> None:
        assert self.connection is not None
        self.connection.sendall(json.dumps({kind: body}).encode() + b"\n")

    def notice(self, number: int, level: str = "checkpoint", scope: str = "accel0") -> None:
        self.say("notice", {"id": f"n{number}", "scope": scope, "level": level})

    def hang_up(self) -> None:
        if self.connection is not None:
            self.lines.close()
            self.connection.close()
            self.connection = None

    def close(self) -> None:
        self.hang_up()
        self.listener.close()
        self.path.unlink(missing_ok=True)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    found = Daemon(tmp_path / "w.sock")
    yield found
    found.close()


@pytest.fixture
def job(library: ModuleType, daemon: Daemon) -> Iterator[Any]:
    client = library.NightsideClient(str(daemon.path), "job", [0, 1], checkpoint_s=5.0)
    yield client
    client.close()


def polled(job: Any) -> list[str]:
    return [notice["id"] for notice in job.poll(timeout_s=LIMIT_S)]


def test_a_job_without_a_daemon_goes_on_alone(library: ModuleType, tmp_path: Path) -> None:
    job = library.NightsideClient(str(tmp_path / "none.sock"), "job", [0])
    assert job.poll() == [] and job.poll(timeout_s=0.05) == []
    assert job.level() == "open" and not job.is_welcome
    job.ack({"id": "n1"})
    job.demand(300.0)


def test_it_says_hello_and_takes_notices_in_order_however_they_are_cut(
    job: Any, daemon: Daemon
) -> None:
    assert job.poll() == []
    assert daemon.accept() == {
        "client": "job", "accelerators": [0, 1], "demand_w": None, "checkpoint_s": 5.0
    }  # fmt: skip
    daemon.notice(1, "open")
    assert polled(job) == ["n1"] and job.is_welcome
    assert daemon.connection is not None
    daemon.connection.sendall(b'{"notice":{"id":"n2","scope":"acc')
    assert job.poll() == []
    daemon.connection.sendall(b'el1","level":"freeze"}}\n')
    assert polled(job) == ["n2"]
    assert job.level() == "freeze"
    job.ack(job.notices["accel1"])
    assert daemon.line() == {"ack": "n2"}
    daemon.say("forecast", {"caps": []})
    daemon.say("error", "no")
    daemon.notice(3, "open", "accel1")
    assert polled(job) == ["n3"]
    assert (job.level(), job.forecast, job.error) == ("open", {"caps": []}, "no")


def test_what_was_acted_on_is_not_asked_twice_but_a_lost_answer_is_repeated(
    job: Any, daemon: Daemon
) -> None:
    job.poll()
    daemon.accept()
    daemon.notice(1)
    assert polled(job) == ["n1"]
    daemon.hang_up()
    while job.is_welcome:
        job.poll()
    job.ack(job.notices["accel0"])  # into the void
    job.poll(timeout_s=0.05)
    daemon.accept()
    daemon.notice(1)
    daemon.notice(2)
    assert polled(job) == ["n2"]
    assert daemon.line() == {"ack": "n1"}


def test_a_new_daemon_that_counts_afresh_is_not_taken_for_the_old_one(
    job: Any, daemon: Daemon
) -> None:
    job.poll()
    daemon.accept("s1")
    daemon.notice(1, "open")
    assert polled(job) == ["n1"]
    daemon.hang_up()
    job.poll(timeout_s=0.05)
    daemon.accept("s2")
    daemon.notice(1, "drain")
    assert polled(job) == ["n1"]
    assert job.level() == "drain"


def test_it_needs_nothing_but_the_standard_library() -> None:
    lines = SOURCE.read_text().splitlines()
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imported and imported <= set(sys.stdlib_module_names)
