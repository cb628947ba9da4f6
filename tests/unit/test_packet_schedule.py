"""Rate logic of packets: silent, every n seconds, on change between two intervals, by mode."""

from dataclasses import replace

import numpy as np
import pytest

from flight.core.points import Point, PointTable
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.dictionary.channels import build_point_table
from flight.dictionary.packets import PACKETS, Packet
from flight.dictionary.rates import SILENT, every, on_change
from flight.link.outbox import Priority
from flight.link.topics import Topics
from flight.services.packet_schedule import PacketPlan, PacketSchedule

S = 1_000_000_000
TOPICS = Topics(fleet="f", satellite="s", node="n")
NAMES = {"a.power_w": "W", "b.temp_c": "degC", "c.enable": "switch", "d.energy_j": "J"}
POINTS = PointTable(
    tuple(
        Point(name=name, unit=unit, driver="d", device="x", channel=i, low=0.0, high=1e6)
        for i, (name, unit) in enumerate(NAMES.items())
    )
)
DECISION = {
    mode: Decision(mode=mode, desired=np.empty(0), cap_w=(), cap_reason=()) for mode in Mode
}


class Bench:
    """One packet, cycles at 10 Hz, the times at which it came."""

    def __init__(self, **packet: object) -> None:
        given = {"name": "p", "patterns": ("*",), "period_s": 1.0, **packet}
        self.schedule = PacketSchedule(Packet(**given), POINTS, TOPICS)
        self.values = np.array([100.0, 20.0, 0.0, 1e5])
        self.status = np.zeros(4, np.int32)
        self.time_s = 0.0
        self.phases: tuple[str, ...] = ()
        self.bodies: list[dict[str, object]] = []

    def fly(self, duration_s: float, mode: Mode = Mode.NOMINAL) -> list[float]:
        """Return the times, in s, of the packets from now on."""
        times = []
        for _ in range(round(duration_s * 10)):
            now_ns = round(self.time_s * S)
            if self.schedule.due(now_ns, mode):
                snapshot = Snapshot(
                    self.values.copy(),
                    np.zeros(4, np.int64),
                    self.status.copy(),
                    np.zeros(4, np.uint32),
                )
                inputs = Inputs(now_ns=now_ns, snapshot=snapshot)
                decision = replace(DECISION[mode], accel_phases=self.phases)
                body = self.schedule.pack(inputs, decision)
                if body is not None:
                    times.append(self.time_s)
                    self.bodies.append(body)
            self.time_s = round(self.time_s + 0.1, 1)
        return times


def test_every_n_seconds() -> None:
    assert Bench(period_s=2.0).fly(7.0) == [0.0, 2.0, 4.0, 6.0]


def test_a_pause_of_the_cycle_is_followed_by_no_burst() -> None:
    bench = Bench(period_s=1.0)
    bench.fly(1.0)
    bench.time_s = 9.5
    assert bench.fly(2.0) == [9.5, 10.5]


def test_without_a_change_it_comes_at_its_longest_interval() -> None:
    assert Bench(interval_s_min=0.5, period_s=5.0).fly(11.0) == [0.0, 5.0, 10.0]


def test_a_change_comes_at_once_but_never_below_the_shortest_interval() -> None:
    bench = Bench(interval_s_min=2.0, period_s=60.0)
    assert bench.fly(1.0) == [0.0]
    bench.values[2] = 1.0
    assert bench.fly(3.0) == [2.0]
    bench.fly(10.0)
    times = []
    for k in range(100):
        bench.values[2] = k
        times += bench.fly(0.1)
    assert np.diff(times).min() >= 2.0 - 1e-9
    assert len(times) >= 4


@pytest.mark.parametrize(
    ("channel", "inside", "outside"),
    [(0, 4.0, 6.0), (1, 0.4, 0.6), (2, 0.0, 1.0), (3, 1e-4, 1.0)],
    ids=["W", "degC", "switch", "J_at_wire_resolution"],
)
def test_a_change_inside_the_deadband_is_none(channel: int, inside: float, outside: float) -> None:
    bench = Bench(interval_s_min=1.0, period_s=600.0)
    bench.fly(2.0)
    bench.values[channel] += inside
    assert bench.fly(5.0) == []
    bench.values[channel] += outside
    assert len(bench.fly(5.0)) == 1


def test_small_steps_add_up_to_a_change() -> None:
    """Compared is with what was sent last, not with the last look."""
    bench = Bench(interval_s_min=1.0, period_s=600.0)
    bench.fly(2.0)
    seen = []
    for _ in range(10):
        bench.values[0] += 1.0
        seen += bench.fly(1.0)
    assert len(seen) == 1


def test_a_mark_that_comes_or_goes_is_a_change() -> None:
    bench = Bench(interval_s_min=1.0, period_s=600.0)
    bench.fly(2.0)
    bench.status[1] = -6
    assert len(bench.fly(2.0)) == 1
    bench.status[1] = 0
    assert len(bench.fly(2.0)) == 1


def test_nan_that_stays_is_no_change_and_one_that_goes_is() -> None:
    bench = Bench(interval_s_min=1.0, period_s=600.0)
    bench.values[0] = np.nan
    bench.fly(2.0)
    assert bench.fly(3.0) == []
    bench.values[1] += 0.1  # another on the wire, but inside its deadband
    assert bench.fly(3.0) == []
    bench.values[0] = 5.0
    assert len(bench.fly(2.0)) == 1


def test_a_mode_brings_its_rate_at_once() -> None:
    bench = Bench(period_s=1.0, rates={Mode.SAFE: every(10.0), Mode.SURVIVAL: SILENT})
    assert bench.fly(2.0) == [0.0, 1.0]
    assert bench.fly(20.0, Mode.SAFE) == [11.0, 21.0]
    assert bench.fly(100.0, Mode.SURVIVAL) == []
    assert bench.fly(1.0) == [122.0]


def test_modes_that_alternate_make_no_more_packets() -> None:
    bench = Bench(period_s=1.0, rates={Mode.SAFE: on_change(2.0, 5.0)})
    times = []
    for k in range(100):
        times += bench.fly(0.1, Mode.SAFE if k % 2 else Mode.NOMINAL)
    assert np.diff(times).min() >= 1.0 - 1e-9


def plan_times(mode: Mode, duration_s: float) -> dict[str, int]:
    """Return how many packets of each name a quiet node sends in a mode."""
    table = build_point_table()
    plan = PacketPlan(table, TOPICS)
    count = len(table)
    snapshot = Snapshot(
        np.zeros(count), np.zeros(count, np.int64), np.zeros(count, np.int32),
        np.zeros(count, np.uint32),
    )  # fmt: skip
    sent = dict.fromkeys((packet.name for packet in PACKETS), 0)
    for k in range(round(duration_s * 10)):
        inputs = Inputs(now_ns=k * S // 10, snapshot=snapshot)
        for schedule, _ in plan.take(inputs, DECISION[mode]):
            sent[schedule.topic.rpartition("/")[2]] += 1
    return sent


def test_each_mode_sends_what_the_design_says() -> None:
    nominal, safe, survival = (
        plan_times(mode, 120.0) for mode in (Mode.NOMINAL, Mode.SAFE, Mode.SURVIVAL)
    )
    assert nominal == {
        "beacon": 2, "fast": 120, "slow": 12, "rails": 1, "accel": 1, "power": 0, "thermal": 0,
    }  # fmt: skip
    assert safe == {
        "beacon": 2, "fast": 0, "slow": 4, "rails": 1, "accel": 1, "power": 2, "thermal": 2,
    }  # fmt: skip
    assert {name for name, count in survival.items() if count} == {"beacon"}


def test_the_plan_sends_what_its_schedules_would() -> None:
    """The shortcut of a quiet cycle leaves nothing out, over changes of mode and values."""
    packets = (
        Packet(name="a", patterns=("*",), period_s=1.0, rates={Mode.SAFE: SILENT}),
        Packet(name="b", patterns=("*",), period_s=7.0, interval_s_min=0.3),
    )
    plan = PacketPlan(POINTS, TOPICS, packets)
    alone = [PacketSchedule(packet, POINTS, TOPICS) for packet in packets]
    rng = np.random.default_rng(7)
    values, mode = np.zeros(4), Mode.NOMINAL
    for k in range(3000):
        if rng.random() < 0.02:
            mode = Mode.SAFE if mode is Mode.NOMINAL else Mode.NOMINAL
        if rng.random() < 0.05:
            values = values + rng.integers(0, 2, 4) * 10.0
        snapshot = Snapshot(
            values, np.zeros(4, np.int64), np.zeros(4, np.int32), np.zeros(4, np.uint32)
        )
        inputs = Inputs(now_ns=k * S // 10, snapshot=snapshot)
        taken = [schedule.topic for schedule, _ in plan.take(inputs, DECISION[mode])]
        expected = [
            schedule.topic
            for schedule in alone
            if schedule.due(inputs.now_ns, mode)
            and schedule.pack(inputs, DECISION[mode]) is not None
        ]
        assert taken == expected, f"seed 7, cycle {k}"


def test_slow_packets_go_before_fast_ones() -> None:
    plan = PacketPlan(build_point_table(), TOPICS)
    fast = {s.topic for s in plan.schedules if s.priority is Priority.FAST}
    assert fast == {TOPICS.telemetry("fast")}


def test_on_change_without_room_between_its_intervals_is_refused() -> None:
    with pytest.raises(ValueError, match="packet p: interval_s_min must be positive and below"):
        Packet(name="p", patterns=("*",), period_s=1.0, interval_s_min=2.0)


def test_a_new_phase_of_an_accelerator_is_a_change_where_the_decision_is_told() -> None:
    """A retired or resetting accelerator is told within the shortest interval, in SAFE too."""
    bench = Bench(interval_s_min=1.0, period_s=600.0, with_decision=True)
    quiet = Bench(interval_s_min=1.0, period_s=600.0)
    for packet in (bench, quiet):
        packet.fly(2.0, Mode.SAFE)
        packet.phases = ("retired",)
    assert len(bench.fly(3.0, Mode.SAFE)) == 1
    assert bench.bodies[-1]["phase"] == ("retired",)
    assert quiet.fly(3.0, Mode.SAFE) == []
