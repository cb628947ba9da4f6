"""What the service manager hears: one datagram per word, and never a wait or an error."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight.services.notify import SystemdNotify


@contextlib.contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """A service manager that listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)
        yield listener


def heard(listener: socket.socket) -> list[bytes]:
    words = []
    with contextlib.suppress(BlockingIOError):
        while True:
            words.append(listener.recv(4096))
    return words


def say_all(notify: SystemdNotify) -> None:
    notify.ready()
    notify.stroke()
    notify.stroke()
    notify.stopping()


ALL = [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_each_word_is_one_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with manager(path) as listener:
        notify = SystemdNotify({"NOTIFY_SOCKET": path})
        say_all(notify)
        assert notify.error == ""
        assert heard(listener) == ALL


def test_an_abstract_socket_is_written_with_an_at_sign() -> None:
    name = f"nightside-test-{os.getpid()}"
    with manager(f"\0{name}") as listener:
        say_all(SystemdNotify({"NOTIFY_SOCKET": f"@{name}"}))
        assert heard(listener) == ALL


def test_without_a_manager_nothing_is_said() -> None:
    notify = SystemdNotify({})
    say_all(notify)
    assert notify.error == ""


def test_a_manager_that_is_gone_is_an_error_kept_until_it_hears_again(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    notify = SystemdNotify({"NOTIFY_SOCKET": str(path)})
    notify.stroke()
    assert notify.error == "No such file or directory"
    with manager(str(path)) as listener:
        notify.stroke()
        assert notify.error == "" and heard(listener) == [b"WATCHDOG=1"]
    notify.stroke()
    assert notify.error == "Connection refused"


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with manager(path) as listener:
        notify = SystemdNotify({"NOTIFY_SOCKET": path})
        for _ in range(100_000):
            notify.stroke()
            if notify.error:
                break
        assert notify.error == "Resource temporarily unavailable"
        heard(listener)
        notify.stroke()
        assert notify.error == ""


@pytest.mark.parametrize("name", ["/" + "x" * 200, "relative", "@"])
def test_an_address_that_cannot_be_is_no_crash(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    notify = SystemdNotify({"NOTIFY_SOCKET": name})
    notify.ready()
    assert notify.error
