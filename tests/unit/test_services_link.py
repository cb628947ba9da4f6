"""The link: birth, packets, events, answers, death, and an outage in between. In virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import msgpack
import numpy as np
import pytest

from flight.core.points import Point, PointTable
from flight.core.types import Ack, Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.dictionary.packets import Packet, dictionary_hash
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.outbox import Outbox, Priority
from flight.link.topics import Topics
from flight.link.transport import Message, Refused
from flight.services.link import END_TIMEOUT_S, Link, LinkHealth, LinkInfo, LinkState
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000
PERIOD_NS = 100_000_000
POINTS = PointTable(
    tuple(
        Point(name=name, unit="W", driver="d", device="x", channel=i, low=0.0, high=1e3)
        for i, name in enumerate(["a.power_w", "b.power_w", "c.energy_j"])
    )
)
PACKETS = (
    Packet(name="fast", patterns=("*.power_w",), period_s=1.0, with_decision=True),
    Packet(name="slow", patterns=("*",), period_s=10.0, encoding="<f8"),
)
TOPICS = Topics(fleet="f", satellite="s", node="n")
UTC_NS = 1_800_000_000 * NS_PER_S
INFO = LinkInfo(topics=TOPICS, session_id="session-1", simulated=True, version="0.1")


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


class Flight:
    """A link, a broker that hears all, and cycles at 10 Hz."""

    def __init__(
        self, outages: list[tuple[float, float]], outbox: Outbox | None, latency_s: float
    ) -> None:
        self.broker = MemoryBroker()
        self.heard: list[tuple[float, Message]] = []
        self.events: dict[int, tuple[Event, ...]] = {}  # by cycle
        self.acks: dict[int, tuple[Ack, ...]] = {}
        self.told: list[Event] = []  # by the link
        self.status = np.zeros(3, np.int32)
        transport = MemoryTransport(
            self.broker, now_ns=now_ns, outages=outages, latency_s=latency_s
        )
        self.link = Link(
            info=INFO,
            points=POINTS,
            transport=transport,
            now_ns=now_ns,
            packets=PACKETS,
            outbox=outbox,
            stamp=lambda: (now_ns() + UTC_NS, True),
            on_event=self.told.append,
        )

    async def listen(self) -> None:
        ear = MemoryTransport(self.broker, now_ns=now_ns)
        await ear.connect()
        await ear.subscribe("#")
        while True:
            message = await ear.receive()
            self.heard.append((now_ns() / NS_PER_S, message))

    async def fly(self, cycles: int) -> None:
        values = np.array([1.5, 2.5, 2.0**53 - 1.0])
        for k in range(cycles):
            time_ns = np.full(3, now_ns())
            snapshot = Snapshot(values, time_ns, self.status, np.zeros(3, np.uint32))
            decision = Decision(
                mode=Mode.NOMINAL,
                desired=np.empty(0),
                cap_w=(700.0, 200.0),
                cap_reason=("plan", "guard"),
                events=self.events.get(k, ()),
                acks=self.acks.get(k, ()),
            )
            self.link.record(Inputs(now_ns=now_ns(), snapshot=snapshot), decision)
            await asyncio.sleep(PERIOD_NS / NS_PER_S)

    def bodies(self, topic: str) -> list[dict[str, Any]]:
        return [msgpack.unpackb(m.payload) for _, m in self.heard if m.topic == topic]


def fly(
    cycles: int,
    *,
    outages: list[tuple[float, float]] | None = None,
    outbox: Outbox | None = None,
    latency_s: float = 0.0,
    prepare: Callable[[Flight], None] = lambda _flight: None,
    at_end: Callable[[Flight], Awaitable[None]] | None = None,
) -> Flight:
    """Fly some cycles with the link on, end it in order, and return what was heard."""
    flights: list[Flight] = []

    async def main() -> None:
        flight = Flight(outages or [], outbox, latency_s)
        flights.append(flight)
        prepare(flight)
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(flight.listen(), name="ear")
            link = group.create_task(flight.link.run(), name="link")
            await flight.fly(cycles)
            if at_end is not None:
                await at_end(flight)
            flight.link.request_end()
            await asyncio.wait([link], timeout=10.0)
            assert link.done()
            await asyncio.sleep(0.1)
            ear.cancel()

    run_simulated(main())
    return flights[0]


def test_birth_comes_first_and_says_who_is_there() -> None:
    flight = fly(5)
    topic, retain = flight.heard[0][1].topic, TOPICS.birth in flight.broker.retained
    assert (topic, retain) == (TOPICS.birth, True)
    assert flight.bodies(TOPICS.birth) == [
        {
            "t": 0,
            "utc": UTC_NS,
            "trusted": True,
            "session": "session-1",
            "dictionary": dictionary_hash(POINTS, PACKETS),
            "simulated": True,
            "version": "0.1",
            "connects": 0,
        }
    ]


def test_packets_come_at_their_rates_with_values_marks_and_decision() -> None:
    flight = fly(101, prepare=lambda f: f.status.__setitem__(1, -6))
    fast, slow = flight.bodies(TOPICS.telemetry("fast")), flight.bodies(TOPICS.telemetry("slow"))
    assert [body["t"] for body in fast] == [k * NS_PER_S for k in range(11)]
    assert [body["seq"] for body in fast] == list(range(11))
    assert [body["t"] for body in slow] == [0, 10 * NS_PER_S]
    assert np.frombuffer(fast[0]["v"], "<f4").tolist() == [1.5, 2.5]
    assert np.frombuffer(slow[0]["v"], "<f8").tolist() == [1.5, 2.5, 2.0**53 - 1.0]
    assert fast[0]["bad"] == bytes([0b0100_0000])
    assert (fast[0]["mode"], fast[0]["cap_w"]) == ("NOMINAL", [700.0, 200.0])
    assert fast[0]["cap_reason"] == ["plan", "guard"]
    assert "mode" not in slow[0]


def test_events_and_answers_are_sent_at_once_one_per_message() -> None:
    event = Event(300_000_000, "rail.trip", Severity.CRITICAL, "accel3", "opened", 4.0)

    def prepare(flight: Flight) -> None:
        flight.events[3] = (event,)
        flight.acks[4] = (Ack("c1", False, "no such mode"),)

    flight = fly(6, prepare=prepare)
    times = {m.topic: t for t, m in flight.heard}
    assert (times[TOPICS.event], times[TOPICS.ack]) == (0.3, 0.4)
    assert flight.bodies(TOPICS.event) == [
        {
            "session": "session-1",
            "priority": 0,
            "seq": 0,
            "t": 300_000_000,
            "utc": UTC_NS + 300_000_000,
            "trusted": True,
            "id": "rail.trip",
            "severity": 3,
            "subject": "accel3",
            "text": "opened",
            "value": 4.0,
        }
    ]
    assert flight.bodies(TOPICS.ack) == [
        {
            "session": "session-1",
            "priority": 0,
            "seq": 1,
            "t": 400_000_000,
            "utc": UTC_NS + 400_000_000,
            "trusted": True,
            "id": "c1",
            "ok": False,
            "reason": "no such mode",
        }
    ]


def test_an_ordered_end_publishes_death_and_no_will() -> None:
    flight = fly(10)
    assert flight.heard[-1][1].topic == TOPICS.death
    assert [body["ordered"] for body in flight.bodies(TOPICS.death)] == [True]


def test_a_cancelled_link_leaves_its_will() -> None:
    async def main() -> Flight:
        flight = Flight([], None, 0.0)
        async with asyncio.TaskGroup() as group:
            link = group.create_task(flight.link.run(), name="link")
            await flight.fly(5)
            link.cancel()
        return flight

    flight = run_simulated(main())
    death = msgpack.unpackb(flight.broker.retained[TOPICS.death].payload)
    assert (death["ordered"], death["connects"]) == (False, 0)
    assert not flight.link.is_connected


def test_what_was_made_in_an_outage_comes_afterwards_alerts_first_and_in_order() -> None:
    event = Event(4_000_000_000, "loop.flow_lost", Severity.CRITICAL, "loop", "no flow")
    flight = fly(200, outages=[(2.05, 9.05)], prepare=lambda f: f.events.__setitem__(40, (event,)))
    bodies = flight.bodies(TOPICS.telemetry("fast"))
    assert [body["seq"] for body in bodies] == list(range(20))
    assert flight.link.connects == 2
    after = [(m.topic) for t, m in flight.heard if t > 2.1]
    slow, fast = TOPICS.telemetry("slow"), TOPICS.telemetry("fast")
    assert after[:2] == [TOPICS.birth, TOPICS.event]
    assert slow not in after or after.index(slow) < after.index(fast)
    deaths = [body["ordered"] for body in flight.bodies(TOPICS.death)]
    assert deaths == [False, True]  # the will at the start of the outage
    assert flight.bodies(TOPICS.birth)[1]["connects"] == 1
    assert [body["connects"] for body in flight.bodies(TOPICS.death)] == [0, 1]  # whose death it is


def test_what_finds_no_room_in_an_outage_is_counted_to_the_last_message() -> None:
    depths = dict.fromkeys(Priority, 5)
    flight = fly(400, outages=[(1.05, 21.05)], outbox=Outbox(depths))
    heard = [body["seq"] for body in flight.bodies(TOPICS.telemetry("fast"))]
    assert heard == sorted(set(heard))
    lost = flight.link.outbox.lost[Priority.FAST]
    assert lost > 0
    assert len(heard) + lost == flight.link.outbox.made[Priority.FAST] == 40
    state = flight.bodies(TOPICS.telemetry("link"))[-1]
    assert state["lost"][Priority.FAST] == lost
    assert {"made", "sent", "refused", "waiting", "connects", "failure"} < set(state)


def test_a_broker_that_freezes_ends_the_connection_by_timeout_and_nothing_is_lost() -> None:
    class FreezesOnce(MemoryTransport):
        """Takes nothing from the third fast packet on, until it is connected to again."""

        fast_count = 0
        connect_count = 0

        async def connect(self, will: Message | None = None) -> None:
            FreezesOnce.connect_count += 1
            await super().connect(will)

        def send(
            self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
        ) -> asyncio.Future[None]:
            FreezesOnce.fast_count += topic == TOPICS.telemetry("fast")
            if FreezesOnce.fast_count >= 3 and FreezesOnce.connect_count == 1:
                return asyncio.get_running_loop().create_future()
            return super().send(topic, payload, qos=qos, retain=retain)

    def prepare(flight: Flight) -> None:
        transport = FreezesOnce(flight.broker, now_ns=now_ns)
        flight.link._transport = flight.link._sender._transport = transport

    flight = fly(300, prepare=prepare)
    heard = [body["seq"] for body in flight.bodies(TOPICS.telemetry("fast"))]
    assert heard == list(range(30))
    assert sum(flight.link.outbox.lost) == 0
    assert flight.link.connects == 2
    assert [event.event_id for event in flight.told] == ["link.up", "link.down", "link.up"]
    assert "did not take" in flight.told[1].text


def test_the_end_is_bounded_in_time_and_says_good_bye_even_with_a_slow_broker() -> None:
    ended: list[int] = []

    async def at_end(flight: Flight) -> None:
        for k in range(100):
            flight.link.note(Event(k, "x", Severity.INFO, "s", "t"))
        ended.append(now_ns())

    flight = fly(20, latency_s=0.3, at_end=at_end)
    death_s = [t for t, m in flight.heard if m.topic == TOPICS.death]
    assert len(death_s) == 1
    assert death_s[0] <= ended[0] / NS_PER_S + 2.0 * END_TIMEOUT_S


def test_an_end_in_an_outage_returns_at_once() -> None:
    flight = fly(30, outages=[(1.0, 100.0)])
    assert [body["ordered"] for body in flight.bodies(TOPICS.death)] == [False]


def test_the_dictionary_hash_changes_with_what_a_receiver_must_know() -> None:
    base = dictionary_hash(POINTS, PACKETS)
    renamed = PointTable((replace(POINTS.points[0], unit="kW"), *POINTS.points[1:]))
    assert base == dictionary_hash(POINTS, PACKETS)
    assert base != dictionary_hash(renamed, PACKETS)
    assert base != dictionary_hash(POINTS, (replace(PACKETS[0], encoding="<f8"), PACKETS[1]))


def test_a_packet_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no point matches '\*\.speed'"):
        Packet(name="x", patterns=("*.speed",), period_s=1.0).channels(POINTS)
    with pytest.raises(ValueError, match="period_s"):
        Packet(name="x", patterns=("*",), period_s=0.0)


def test_health_tells_state_reason_counts_and_age() -> None:
    seen: list[LinkHealth] = []

    async def at_end(flight: Flight) -> None:
        seen.append(flight.link.health)
        await asyncio.sleep(60.0)  # the outage is over, and the longest pause too
        seen.append(flight.link.health)

    flight = fly(100, outages=[(2.05, 20.0)], at_end=at_end)
    down, up = seen
    assert (down.state, up.state) == (LinkState.PAUSING, LinkState.UP)
    assert down.failure == up.failure == "scripted outage"
    assert (down.connects, up.connects) == (1, 2)
    assert down.oldest_age_s is not None and down.oldest_age_s >= 6.0
    assert sum(down.waiting) > 0 and sum(up.waiting) == 0 and up.oldest_age_s is None
    assert up.made == up.sent and up.round_trip_p50_s == up.round_trip_p99_s == 0.0
    assert flight.link.health.state is LinkState.ENDED
    assert {"link.up", "link.down"} == {event.event_id for event in flight.told}


def test_it_shows_progress_each_second_up_down_and_idle() -> None:
    steps: list[int] = []

    async def at_end(flight: Flight) -> None:
        for _ in range(300):  # nothing is recorded any more; an outage is in between
            before = flight.link.progress
            await asyncio.sleep(2.0)
            steps.append(flight.link.progress - before)

    fly(10, outages=[(100.0, 400.0)], at_end=at_end)
    assert min(steps) >= 1


def test_events_that_the_budget_holds_back_do_not_go_out() -> None:
    class OnlyCritical:
        def passed(self, events: Sequence[Event], now_ns: int) -> list[Event]:
            return [event for event in events if event.severity is Severity.CRITICAL]

        def admit(self, event: Event, now_ns: int) -> bool:
            return event.severity is Severity.CRITICAL

    flood = tuple(Event(0, "info", Severity.INFO, "s", "t") for _ in range(50))
    critical = Event(0, "rail.trip", Severity.CRITICAL, "s", "t")

    def prepare(flight: Flight) -> None:
        flight.link._budget = OnlyCritical()
        flight.events[2] = (*flood, critical)

    flight = fly(10, prepare=prepare)
    assert [body["id"] for body in flight.bodies(TOPICS.event)] == ["rail.trip"]
    assert flight.link.outbox.made[: Priority.SLOW] == [1, 0]


def test_a_link_that_died_runs_again_on_the_same_session_and_loses_nothing() -> None:
    async def main() -> Flight:
        flight = Flight([], None, 0.01)
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(flight.listen(), name="ear")
            for _ in range(3):
                link = group.create_task(flight.link.run(), name="link")
                await flight.fly(15)
                link.cancel()
                await asyncio.wait([link])
            link = group.create_task(flight.link.run(), name="link")
            await asyncio.sleep(1.0)
            flight.link.request_end()
            await link
            await asyncio.sleep(0.1)
            ear.cancel()
        return flight

    flight = run_simulated(main())
    fast = [body["seq"] for body in flight.bodies(TOPICS.telemetry("fast"))]
    assert sorted(set(fast)) == list(range(flight.link.outbox.made[Priority.FAST]))
    assert flight.link.connects == 4
    assert sum(flight.link.outbox.lost) == 0


def test_what_an_ordered_end_leaves_behind_is_in_the_death() -> None:
    async def at_end(flight: Flight) -> None:
        for _ in range(100):
            flight.link._put(Priority.FAST, TOPICS.telemetry("fast"), 0, {})

    flight = fly(5, latency_s=0.5, at_end=at_end)
    (death,) = flight.bodies(TOPICS.death)
    arrived = len(flight.bodies(TOPICS.telemetry("fast")))
    assert death["made"][Priority.FAST] == 101
    assert death["sent"][Priority.FAST] <= arrived < 101
    assert death["waiting"][Priority.FAST] == 101 - death["sent"][Priority.FAST]


def test_a_denied_topic_is_asked_for_every_ten_minutes_and_told_each_connection_once() -> None:
    class Denies(MemoryTransport):
        asked_s: list[float] = []  # noqa: RUF012  # one test, one instance

        def send(
            self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
        ) -> asyncio.Future[None]:
            if topic != TOPICS.telemetry("fast"):
                return super().send(topic, payload, qos=qos, retain=retain)
            self.asked_s.append(now_ns() / NS_PER_S)
            denied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            denied.set_exception(Refused("not authorized", is_topic_denied=True))
            return denied

    def prepare(flight: Flight) -> None:
        transport = Denies(flight.broker, now_ns=now_ns)
        flight.link._transport = flight.link._sender._transport = transport

    flight = fly(13_000, prepare=prepare)
    assert Denies.asked_s == pytest.approx([0.0, 600.0, 1200.0], abs=1.1)
    box = flight.link.outbox
    assert box.refused[Priority.FAST] == box.lost[Priority.FAST] == box.made[Priority.FAST] == 1300
    assert box.lost[Priority.SLOW] == 0
    told = [event for event in flight.told if event.event_id == "link.message_refused"]
    assert len(told) == 1 and told[0].severity is Severity.WARNING
