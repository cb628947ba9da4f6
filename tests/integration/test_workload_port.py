"""The workload port on real sockets, with real clients that read, do not read, and die."""

import asyncio
import contextlib
import grp
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flight.core.types import (
    Decision,
    Event,
    Inputs,
    Mode,
    Notice,
    NoticeLevel,
    OrbitForecast,
    Snapshot,
)
from flight.services import latest_file
from flight.services.workload import BUFFER_BYTES_MAX, WorkloadPort, WorkloadSection
from sim_hw.clock import run_simulated

LIMIT_S = 60.0  # a hang, not a measure
EMPTY = Snapshot(*(np.zeros(0, kind) for kind in (np.float64, np.int64, np.int32, np.uint32)))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # nothing tells of most of what is waited for
            await asyncio.sleep(0.002)


def notice(number: int, level: NoticeLevel = NoticeLevel.OPEN, reason: str = "test") -> Notice:
    return Notice(f"n{number}", "accel0", level, reason, 0)


class Daemon:
    """A WorkloadPort with a cycle played by the test."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.path = folder / "w.sock"
        self.events: list[Event] = []
        settings = {"socket_path": str(self.path)} | config
        self.port = WorkloadPort(
            config=WorkloadSection.model_validate(settings),
            accelerator_count=8,
            session_id="s1",
            now_ns=lambda: round(asyncio.get_running_loop().time() * 1e9),
            on_event=self.events.append,
        )

    def decide(self, *notices: Notice, orbit: OrbitForecast | None = None) -> None:
        """Play one cycle."""
        decision = Decision(
            mode=Mode.NOMINAL, desired=np.zeros(0), cap_w=(), cap_reason=(), notices=notices
        )
        self.port.record(Inputs(now_ns=0, snapshot=EMPTY, orbit=orbit), decision)

    def fly(self, test: Callable[[], Awaitable[None]], *, is_open: bool = True) -> None:
        """Run the port, and the test beside it once the socket is open."""

        async def main() -> None:
            async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
                group.create_task(self.port.run(), name="workload")
                await until(lambda: self.port.health.is_open == is_open and self.port.progress > 0)
                try:
                    await test()
                finally:
                    self.port.request_end()

        asyncio.run(main())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path))

    def event_ids(self) -> list[str]:
        return [event.event_id for event in self.events]


HELLO = b'{"hello":{"client":"trainer","accelerators":[0],"demand_w":600}}\n'


async def lines_until(reader: asyncio.StreamReader, kind: str) -> Any:
    """Return the body of the next line of a kind."""
    while True:
        [(found, body)] = json.loads(await reader.readline()).items()
        if found == kind:
            return body


def test_hello_notice_and_acknowledgement_go_through_the_socket(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def test() -> None:
        daemon.decide(notice(1))
        reader, writer = await daemon.connect()
        writer.write(HELLO)
        assert (await lines_until(reader, "welcome"))["client"] == "trainer"
        assert (await lines_until(reader, "notice"))["id"] == "n1@0"
        assert daemon.port.claims()[0].demand_w == 600.0
        claims = daemon.port.claims()
        assert daemon.port.claims() is claims
        daemon.decide(notice(2, NoticeLevel.CHECKPOINT))
        daemon.decide()  # a late cycle
        assert (await lines_until(reader, "notice"))["level"] == "checkpoint"
        daemon.decide(notice(2), orbit=OrbitForecast(((0, 10**18),), 10**18))
        assert (await lines_until(reader, "forecast"))["eclipses"]
        writer.write(b'{"ack":"n2@0"}\n')
        await until(lambda: daemon.port.claims()[0].acknowledged == "n2")
        writer.close()

    daemon.fly(test)
    assert not daemon.path.exists()
    assert daemon.event_ids() == ["workload.owner"]


def test_only_owner_and_group_may_connect(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def test() -> None:
        assert stat.S_IMODE(daemon.path.stat().st_mode) == 0o660

    old = os.umask(0)
    try:
        daemon.fly(test)
    finally:
        os.umask(old)


def test_a_client_that_does_not_read_is_dropped_and_the_others_are_served(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def test() -> None:
        reader, writer = await daemon.connect()
        writer.write(b'{"hello":{"client":"good","accelerators":[]}}\n')
        slow = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        slow.connect(str(daemon.path))
        slow.sendall(HELLO)  # and never reads
        await until(lambda: daemon.port.claims()[0].client == "trainer")
        sent = 0
        while daemon.port.hub.counts.dropped == 0:
            sent += 1
            assert sent < 5000, "the slow client is kept for ever"
            daemon.decide(notice(sent, reason="x" * 1000))
            while (await lines_until(reader, "notice"))["id"] != f"n{sent}@0":
                pass
        assert sent * 1000 > BUFFER_BYTES_MAX  # it had its buffer
        assert daemon.port.health.clients == 1
        daemon.decide(notice(sent + 1))
        await lines_until(reader, "notice")
        slow.close()
        writer.close()

    daemon.fly(test)
    assert "workload.client_dropped" in daemon.event_ids()


def test_a_client_that_floods_is_held_back_and_the_port_lives(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def test() -> None:
        flood = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        flood.connect(str(daemon.path))
        flood.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):  # the socket is full: it is not read without end
            while sent < 5_000_000:
                sent += flood.send(b'{"hello":{"client":"flood","accelerators":[7]}}\n' * 1000)
                await asyncio.sleep(0)
        assert sent < 5_000_000
        reader, writer = await daemon.connect()
        writer.write(HELLO)
        await lines_until(reader, "welcome")
        flood.close()
        writer.close()
        await until(lambda: daemon.port.health.clients == 0)

    daemon.fly(test)


def test_a_killed_client_loses_its_claim_after_the_grace_time(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, grace_s=0.0)

    async def test() -> None:
        _, writer = await daemon.connect()
        writer.write(HELLO)
        await until(lambda: daemon.port.claims()[0].client == "trainer")
        writer.transport.abort()
        await until(lambda: daemon.port.claims()[0].client == "")

    daemon.fly(test)
    assert daemon.event_ids()[-1] == "workload.owner_gone"


def test_the_socket_of_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(daemon.path))

    async def test() -> None:
        _, writer = await daemon.connect()
        writer.close()

    daemon.fly(test)
    assert daemon.events == []


@pytest.mark.parametrize("is_full", [False, True], ids=["idle", "full queue"])
def test_a_socket_that_somebody_answers_on_is_left_alone(tmp_path: Path, is_full: bool) -> None:
    daemon = Daemon(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as alive:
        alive.bind(str(daemon.path))
        alive.listen(0)
        inode = daemon.path.stat().st_ino
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if is_full:
            waiting.connect(str(daemon.path))

        async def test() -> None:
            assert "somebody answers on it" in daemon.port.health.problem

        daemon.fly(test, is_open=False)
        waiting.close()
        assert daemon.path.stat().st_ino == inode
    assert daemon.event_ids() == ["workload.port_closed"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"socket_path": "{folder}/missing/w.sock"}, "No such file or directory"),
        ({"socket_path": "{folder}/file"}, "is there already and no socket; move it away"),
        ({"socket_group": "no-such-group"}, "socket_group = 'no-such-group': there is no such"),
    ],
)
def test_a_socket_that_cannot_be_opened_is_told_once_and_nothing_is_harmed(
    tmp_path: Path, config: dict[str, str], reason: str
) -> None:
    (tmp_path / "file").write_text("precious")
    daemon = Daemon(tmp_path, **{k: v.format(folder=tmp_path) for k, v in config.items()})

    async def test() -> None:
        for number in range(5):
            progress = daemon.port.progress
            daemon.decide(notice(number))  # wakes it
            await until(lambda progress=progress: daemon.port.progress > progress)

    daemon.fly(test, is_open=False)
    assert daemon.event_ids() == ["workload.port_closed"]
    assert reason in daemon.events[0].text
    assert (tmp_path / "file").read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_refused_on_the_ground() -> None:
    WorkloadSection(socket_path="x" * 107)
    with pytest.raises(ValueError, match="108 bytes; a Unix socket's path has at most 107"):
        WorkloadSection(socket_path="x" * 108)


def test_a_socket_file_that_is_taken_away_comes_back(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def test() -> None:
        _, before = await daemon.connect()
        daemon.path.unlink()
        await until(daemon.path.exists)
        _, writer = await daemon.connect()
        await until(lambda: daemon.port.health.clients == 2)  # the old connection lives on
        before.close()
        writer.close()

    daemon.fly(test)


def test_the_notice_file_is_always_whole_and_goes_with_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "notice.json"
    daemon = Daemon(tmp_path, notice_path=str(path))

    async def test() -> None:
        for number in range(200):
            daemon.decide(notice(number, reason="y" * (number % 7) * 500))
            await asyncio.sleep(0)
            if path.exists():
                [told] = json.loads(path.read_text())["notices"]
                assert told["scope"] == "accel0"
        await until(lambda: '"n199@0"' in path.read_text())

    daemon.fly(test)
    assert daemon.port._file is not None
    daemon.port._file.join(LIMIT_S)
    assert list(tmp_path.iterdir()) == []


def test_a_notice_file_that_cannot_be_written_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest_file, "RETRY_S", 0.01)
    path = tmp_path / "missing" / "notice.json"
    daemon = Daemon(tmp_path, notice_path=str(path))

    async def test() -> None:
        daemon.decide(notice(1))
        await until(lambda: daemon.event_ids() == ["workload.file_failed"])
        assert "No such file or directory" in daemon.port.health.file_error
        path.parent.mkdir()
        await until(lambda: daemon.event_ids()[1:] == ["workload.file_failed.cleared"])
        assert '"n1@0"' in path.read_text()

    daemon.fly(test)


def test_the_socket_is_given_to_the_group_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watched at the call: whoever runs the tests may belong to one group only."""
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "chown", lambda *arguments: given.append(arguments))
    group = grp.getgrgid(os.getgid())
    daemon = Daemon(tmp_path, socket_group=group.gr_name)

    async def test() -> None:
        assert given == [(daemon.path, -1, group.gr_gid)]

    daemon.fly(test)


def test_in_virtual_time_the_port_serves_clients_in_memory(tmp_path: Path) -> None:
    from flight.services.workload import MemoryClient

    daemon = Daemon(tmp_path, socket_path="")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.port.run(), name="workload")
            client = MemoryClient(daemon.port.hub)
            client.hello("job", (0,))
            daemon.decide(notice(1, NoticeLevel.DRAIN))
            await asyncio.sleep(0.001)  # at once, not with the next wake-up
            assert client.bodies("notice")[0]["level"] == "drain"
            client.close()
            await asyncio.sleep(12.0)
            assert daemon.port.claims()[0].client == ""
            daemon.port.request_end()

    run_simulated(main())
    assert daemon.port.progress >= 12
