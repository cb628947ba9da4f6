"""The link against a real Mosquitto that dies, freezes, crawls, chokes or does not know us."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest

from flight.core.points import Point, PointTable
from flight.core.types import Event, Severity
from flight.dictionary.packets import Packet
from flight.link.mqtt import MqttTransport
from flight.link.outbox import Outbox, Priority
from flight.link.receiver import FrameFilter
from flight.link.topics import Topics
from flight.link.transport import Failure, LinkDown, Message
from flight.services import link_sender
from flight.services.link import Link, LinkInfo, LinkState
from tests.contract.broker import Mosquitto, Proxy, run_real

TOPICS = Topics(fleet="f", satellite="s", node="n")
POINT = Point(name="a.power_w", unit="W", driver="d", device="x", channel=0, low=0.0, high=1e3)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that must come; the time-out of the test is the bound."""
    while not is_so():  # noqa: ASYNC110  # what it waits for is another process's doing
        await asyncio.sleep(0.005)


class Station:
    """A link behind a proxy, and a receiver on the same broker that is never cut off alone."""

    def __init__(self, broker: Mosquitto, proxy: Proxy, outbox: Outbox) -> None:
        self.broker, self.proxy, self.outbox = broker, proxy, outbox
        self.filter = FrameFilter()
        self.taken: list[list[int]] = [[] for _ in Priority]
        self.told: list[Event] = []
        loop = asyncio.get_running_loop()
        self.link = Link(
            info=LinkInfo(topics=TOPICS, session_id="s", simulated=True, version="0"),
            points=PointTable((POINT,)),
            packets=(Packet(name="p", patterns=("*",), period_s=1.0),),
            transport=MqttTransport(replace(broker.settings(), port=proxy.port)),
            now_ns=lambda: round(loop.time() * 1e9),
            outbox=outbox,
            on_event=self.told.append,
        )
        self.ear = MqttTransport(broker.settings())

    async def listen(self) -> None:
        """Connect the receiver and take frames until its connection ends."""
        await self.ear.connect()
        await self.ear.subscribe(f"{TOPICS.base}/#")
        while True:
            message: Message = await self.ear.receive()
            frame = msgpack.unpackb(message.payload)
            if "seq" in frame and self.filter.admit(frame):
                self.taken[frame["priority"]].append(frame["seq"])

    def make(self, count: int, size_bytes: int = 100) -> None:
        """Make as many frames of each of three priorities."""
        for _ in range(count):
            self.link.note(Event(1, "x", Severity.WARNING, "s", "t"))
            self.link.note(Event(1, "x", Severity.INFO, "s", "t"))
            self.link._put(Priority.FAST, TOPICS.telemetry("p"), 1, {"v": bytes(size_bytes)})

    async def all_arrived(self) -> None:
        """Wait until nothing waits and the receiver has what the broker took over."""
        await until(lambda: not any(self.outbox.waiting))
        await until(lambda: sum(map(len, self.taken)) >= sum(self.outbox.sent))

    def check(self) -> None:
        """Assert S9 at the end: in order, and lost = counted."""
        for priority in Priority:
            taken, box = self.taken[priority], self.outbox
            assert taken == sorted(set(taken))
            assert box.sent[priority] + box.lost[priority] == box.made[priority]
            assert len(taken) == box.sent[priority]


@asynccontextmanager
async def station(broker: Mosquitto, outbox: Outbox | None = None) -> AsyncIterator[Station]:
    """Run link and receiver; end the link in order."""
    async with Proxy(broker.port) as proxy:
        flying = Station(broker, proxy, outbox or Outbox())
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(flying.listen(), name="receiver")
            link = group.create_task(flying.link.run(), name="link")
            await until(lambda: bool(flying.ear._client))
            yield flying
            flying.link.request_end()
            await link
            ear.cancel()


def fly(
    folder: Path,
    test: Callable[[Station], Awaitable[None]],
    *lines: str,
    outbox: Outbox | None = None,
) -> None:
    """Run a test with a broker, a link and a receiver."""

    async def main() -> None:
        async with station(broker, outbox) as flying:
            await test(flying)

    with Mosquitto(folder, *lines) as broker:
        run_real(main, timeout_s=150.0)


async def cut_off(flying: Station) -> None:
    """Cut the node off, while the receiver stays."""
    flying.proxy.is_open = False
    flying.proxy.break_all()
    await until(lambda: not flying.link.is_connected)


def test_what_is_made_while_the_network_is_cut_arrives_afterwards_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flight.services.link_retry.PAUSE_S_MIN", 0.1)

    async def test(flying: Station) -> None:
        await until(lambda: flying.link.is_connected)
        for _ in range(3):
            flying.make(200)
            await cut_off(flying)  # with much of it under way
            flying.make(200)
            flying.proxy.is_open = True
            await until(lambda: flying.link.is_connected)
        await flying.all_arrived()
        flying.check()
        assert sum(flying.outbox.lost) == 0
        assert flying.outbox.sent[Priority.FAST] == 1200
        assert flying.link.connects >= 4
        assert flying.link.health.round_trip_p50_s is not None

    fly(tmp_path, test)


def test_what_finds_no_room_is_counted_and_the_receiver_counts_the_same(tmp_path: Path) -> None:
    async def test(flying: Station) -> None:
        await until(lambda: flying.link.is_connected)
        flying.make(5)
        await flying.all_arrived()
        await cut_off(flying)
        flying.make(50)
        flying.proxy.is_open = True
        await flying.all_arrived()
        flying.check()
        assert flying.outbox.lost == [40, 40, 0, 40]
        assert flying.filter.sessions["s"].missing == flying.outbox.lost

    fly(tmp_path, test, outbox=Outbox(dict.fromkeys(Priority, 10)))


async def kill_and_restart(flying: Station, outage_s: float) -> None:
    """Kill the broker, make frames for a while, start it again with the receiver first."""
    broker, outbox = flying.broker, flying.outbox
    flying.make(100)
    await flying.all_arrived()
    flying.proxy.is_open = False
    async with asyncio.TaskGroup() as group:
        broker.kill()
        await until(lambda: not flying.link.is_connected)
        progress = flying.link.progress
        ends_s = asyncio.get_running_loop().time() + outage_s
        while asyncio.get_running_loop().time() < ends_s:
            flying.make(5)
            await asyncio.sleep(0.1)
        assert flying.link.progress > progress  # it tries on, and shows it
        broker.start()
        again = group.create_task(flying.listen(), name="receiver again")
        await until(lambda: bool(flying.ear._client))
        flying.proxy.is_open = True
        await flying.all_arrived()
        again.cancel()
    flying.check()
    assert sum(outbox.lost) == 0
    assert flying.told[0].event_id == "link.up"
    assert {event.event_id for event in flying.told[1:-1]} == {"link.down"}


def outage(folder: Path, outage_s: float) -> None:
    """Fly an outage of a killed broker."""

    async def main() -> None:
        async with Proxy(broker.port) as proxy:
            flying = Station(broker, proxy, Outbox())
            async with asyncio.TaskGroup() as group:
                ear = group.create_task(until_down(flying), name="receiver")
                link = group.create_task(flying.link.run(), name="link")
                await until(lambda: flying.link.is_connected and bool(flying.ear._client))
                await kill_and_restart(flying, outage_s)
                flying.link.request_end()
                await link
                await ear

    with Mosquitto(folder) as broker:
        run_real(main, timeout_s=150.0)


async def until_down(flying: Station) -> None:
    """Listen until the broker dies."""
    with pytest.raises(LinkDown):
        await flying.listen()


def test_a_killed_broker_is_found_again_and_nothing_is_lost(tmp_path: Path) -> None:
    outage(tmp_path, 2.0)


@pytest.mark.verify
def test_a_minute_without_a_broker_loses_nothing(tmp_path: Path) -> None:
    outage(tmp_path, 60.0)


def test_a_frozen_broker_is_left_by_timeout_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_sender, "ANSWER_TIMEOUT_S", 0.4)

    async def test(flying: Station) -> None:
        await until(lambda: flying.link.is_connected)
        flying.broker.freeze()
        flying.make(300)
        await until(lambda: flying.link.health.state is LinkState.PAUSING)
        flying.broker.thaw()
        await flying.all_arrived()
        flying.check()
        assert sum(flying.outbox.lost) == 0
        assert "did not take a message over" in flying.link.health.failure

    fly(tmp_path, test)


def test_a_slow_network_carries_alerts_before_the_telemetry_made_earlier(tmp_path: Path) -> None:
    async def test(flying: Station) -> None:
        flying.proxy.delay_s = 0.02
        await until(lambda: flying.link.is_connected)
        for _ in range(200):
            flying.link._put(Priority.FAST, TOPICS.telemetry("p"), 1, {"v": b""})
        await until(lambda: flying.outbox.sent[Priority.FAST] > 0)
        flying.link.note(Event(1, "x", Severity.CRITICAL, "s", "t"))
        await until(lambda: flying.outbox.sent[Priority.ALERT] > 0)
        assert flying.outbox.waiting[Priority.FAST] > 50  # it did not wait for them
        await flying.all_arrived()
        flying.check()

    fly(tmp_path, test)


def test_a_message_that_ends_each_connection_is_given_up_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Mosquitto 2.0 answers one that is over message_size_limit so that paho ends the connection.
    monkeypatch.setattr("flight.services.link_retry.PAUSE_S_MIN", 0.05)
    monkeypatch.setattr("flight.services.link_retry.MEND_PAUSE_S_MIN", 0.05)

    async def test(flying: Station) -> None:
        await until(lambda: flying.link.is_connected)
        flying.make(10)
        flying.make(1, size_bytes=3000)
        flying.make(10)
        await flying.all_arrived()
        flying.check()
        assert flying.outbox.refused == flying.outbox.lost == [0, 0, 0, 1]
        refused = [e for e in flying.told if e.event_id == "link.message_refused"]
        assert len(refused) == 1 and "ended 3 connections" in refused[0].text

    fly(tmp_path, test, "message_size_limit 2000")


def test_a_denied_topic_is_counted_told_once_and_blocks_nothing(tmp_path: Path) -> None:
    access = tmp_path / "access"
    access.write_text(
        f"topic read #\ntopic write {TOPICS.base}/evt\ntopic write {TOPICS.base}/birth\n"
    )

    async def test(flying: Station) -> None:
        await until(lambda: flying.link.is_connected)
        flying.make(30)
        await flying.all_arrived()
        flying.check()
        assert flying.outbox.refused == [0, 0, 0, 30]
        told = [e.text for e in flying.told if e.event_id == "link.message_refused"]
        assert len(told) == 1 and TOPICS.telemetry("p") in told[0]

    fly(tmp_path, test, "allow_anonymous true", f"acl_file {access}")


def test_a_broker_that_does_not_know_us_is_told_once_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flight.services.link_retry.MEND_PAUSE_S_MIN", 0.05)

    async def main() -> None:
        async with Proxy(broker.port) as proxy:
            flying = Station(broker, proxy, Outbox())
            tries: list[Failure] = []
            pause_s = flying.link._back_off.pause_s

            def counted(failure: Failure, connected_s: float) -> float:
                tries.append(failure)
                return pause_s(failure, connected_s)

            flying.link._back_off.pause_s = counted  # type: ignore[method-assign]
            async with asyncio.TaskGroup() as group:
                group.create_task(flying.link.run(), name="link")
                await until(lambda: len(tries) >= 3)
                flying.link.request_end()
            assert tries[0] is Failure.NOT_AUTHORIZED
            assert [event.event_id for event in flying.told] == ["link.needs_mend"]
            assert "link.password_file" in flying.told[0].text

    (tmp_path / "users").write_text("")
    lines = ("allow_anonymous false", f"password_file {tmp_path / 'users'}")
    with Mosquitto(tmp_path, *lines) as broker:
        run_real(main)
