"""A stand-in node for tests of flight/core: a plain model of the plant behind the point table.

Not the simulation: no drivers, no bus, no codecs. Set-points act at once, sensors are ideal but for
whole-degree accelerator temperatures. Faults are attributes that a test sets.
"""

from copy import copy
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from flight.core.config import CoreConfig
from flight.core.points import PointTable
from flight.core.state import State
from flight.core.step import StepConfig, compile_config, initial_state, step
from flight.core.types import (
    FLAG_LAPSED,
    FLAG_REFLEX,
    Allotment,
    CapPlan,
    Command,
    Decision,
    Event,
    Inputs,
    OrbitForecast,
    Restored,
    Snapshot,
    WorkloadClaim,
)
from flight.dictionary.channels import build_point_table

PERIOD_NS = 100_000_000
ABSENT = -9

__all__ = ["ABSENT", "FLAG_LAPSED", "FLAG_REFLEX", "PERIOD_NS", "Node", "booted"]

NOMINAL = {
    "power_w": 70.0, "core_temp_c": 45.0, "memory_temp_c": 45.0, "margin_c": 42.0,
    "clock_mhz": 1980.0, "voltage_v": 54.0, "current_a": 0.0, "temp_c": 40.0, "status": 0.0,
    "loop.flow_kg_per_s": 0.144, "loop.supply_temp_c": 40.0, "loop.return_temp_c": 45.0,
    "loop.radiator_out_temp_c": 38.0, "loop.pressure_kpa": 150.0, "loop.accumulator_ratio": 0.5,
    "outlet_temp_c": 45.0, "eps.array_power_w": 6000.0, "eps.battery.voltage_v": 54.0,
    "eps.battery.temp_c": 20.0, "eps.battery.charge_ratio": 0.95, "eps.bus54.voltage_v": 54.0,
    "eps.bus28.voltage_v": 28.0, "host.cpu_temp_c": 50.0, "host.disk_free_ratio": 0.5,
    "rail.host_12v.voltage_v": 12.0, "rail.host_5v.voltage_v": 5.0,
    "rail.host_3v3.voltage_v": 3.3, "rail.host_1v8.voltage_v": 1.8,
}  # fmt: skip


@dataclass
class Node:
    """The model, the core flying it, and everything the core said.

    Knobs: aux_extra_a (latch-up current while the rail is on), pump_dead, cap_ignored, module_stuck
    (switch failed closed), lost (accelerator answers nothing), forced (point name -> value of its
    sensor), mute (points or drivers without samples), nack (devices that answer nothing and take
    nothing), clock_works (a lowered clock lowers power), charge_ratio, flags (point name -> flags).
    """

    config: CoreConfig = field(default_factory=CoreConfig)
    coolant_c: float = 40.0
    resistance_k_per_w: float = 0.045
    utilisation: float = 1.0
    charge_ratio: float = 0.95
    table: PointTable = field(default_factory=build_point_table)
    now_ns: int = 10_000_000_000
    rails_found_on: bool = False

    def __post_init__(self) -> None:
        self.count = len(self.table.match("accel*.cap_w"))
        self.step_config: StepConfig = compile_config(self.config, self.table)
        self.state: State = initial_state(self.step_config)
        self.set_points = {self.table.points[i].name: 0.0 for i in self.table.writable_indices}
        self.core_c = [self.coolant_c + 3.0] * self.count
        self.power_w = [0.0] * self.count
        self.up_s = [0.0] * self.count
        self.speed_rpm = [0.0, 0.0]
        self.aux_extra_a = [0.0] * self.count
        self.pump_dead = [False, False]
        self.cap_ignored = [False] * self.count
        self.module_stuck = [False] * self.count
        self.lost = [False] * self.count
        self.forced: dict[str, float] = {}
        self.mute: set[str] = set()
        self.nack: set[str] = set()
        self.clock_works = False
        self.flags: dict[str, int] = {}
        self.events: list[Event] = []
        self.decision: Decision | None = None
        self.allotment: Allotment | None = None
        self.plan: CapPlan | None = None
        self.orbit: OrbitForecast | None = None
        self.claims: tuple[WorkloadClaim, ...] = ()
        self.restored: Restored | None = None
        n = len(self.table)
        self.values, self.time_ns = np.zeros(n), np.zeros(n, np.int64)
        if self.rails_found_on:
            for name in self.set_points:
                if name.startswith("rail."):
                    self.set_points[name] = 1.0
            self.up_s = [100.0] * self.count
        for i in range(self.count):
            self.set_points[f"accel{i}.cap_w"] = 700.0

    def flow(self) -> float:
        """Flow of both pumps in kg/s, with check valves."""
        return 0.144 * max(self.speed_rpm) / 4000.0

    def is_on(self, i: int) -> bool:
        """Whether accelerator i has power."""
        closed = self.set_points[f"rail.accel{i}_54v.enable"] > 0.5 or self.module_stuck[i]
        return closed and self.set_points["rail.payload_54v.enable"] > 0.5

    def advance(self, dt_s: float) -> None:
        """Move the plant."""
        for k, name in enumerate(("a", "b")):
            target = self.set_points.get(f"loop.pump_{name}.speed_target_rpm", 0.0)
            target = 0.0 if self.pump_dead[k] else target
            change = 4000.0 * dt_s
            self.speed_rpm[k] += min(max(target - self.speed_rpm[k], -2 * change), change)
        flowing = self.flow() > 0.05 or "loop.flow_kg_per_s" not in self.table.index
        for i in range(self.count):
            on = self.is_on(i)
            self.up_s[i] = self.up_s[i] + dt_s if on else 0.0
            if not on or self.up_s[i] < 1.0:
                self.set_points[f"accel{i}.cap_w"] = 700.0
            cap_w = 700.0 if self.cap_ignored[i] else self.set_points[f"accel{i}.cap_w"]
            wanted = (
                min(cap_w, 70.0 + 630.0 * self.utilisation) if self.up_s[i] > 1.0 else 70.0 * on
            )
            if self.clock_works:
                part = self.set_points[f"accel{i}.clock_max_mhz"] / 1980.0
                wanted = min(wanted, 70.0 + 650.0 * part * part)
            self.power_w[i] += (wanted - self.power_w[i]) * dt_s / (0.15 + dt_s)
            self.power_w[i] *= on
            if flowing:
                goal = self.coolant_c + self.resistance_k_per_w * self.power_w[i]
                self.core_c[i] += (goal - self.core_c[i]) * dt_s / (600.0 * self.resistance_k_per_w)
            else:
                self.core_c[i] += self.power_w[i] * dt_s / 877.0

    def snapshot(self) -> Snapshot:
        """Sample every point."""
        status = np.zeros(len(self.table), np.int32)
        flags = np.zeros(len(self.table), np.uint32)
        values = self.values.copy()
        time_ns = np.full(len(self.table), self.now_ns, np.int64)
        for k, point in enumerate(self.table.points):
            value = self.forced.get(point.name, self._reading(point.name))
            silent = point.name in self.mute or point.driver in self.mute
            silent = silent or point.device in self.nack
            if point.driver.startswith("accel"):
                i = int(point.driver[5:])
                silent = silent or self.lost[i] or self.up_s[i] < 1.0
            if silent:
                status[k], time_ns[k] = ABSENT, self.time_ns[k]
            else:
                values[k] = value
            flags[k] = self.flags.get(point.name, 0)
        self.values, self.time_ns = values, time_ns
        return Snapshot(values, time_ns, status, flags)

    def _reading(self, name: str) -> float:
        if name in self.set_points:
            return self.set_points[name]
        head, _, channel = name.rpartition(".")
        if head.startswith("accel"):
            i = int(head[5:])
            readings = {
                "power_w": self.power_w[i],
                "core_temp_c": float(round(self.core_c[i])),
                "memory_temp_c": float(round(self.core_c[i] + 2.0)),
            }
            return readings.get(channel, NOMINAL.get(channel, 0.0))
        if head.startswith("rail.accel"):
            return self._rail(head, channel)
        if head.startswith("rail.payload"):
            on = self.set_points["rail.payload_54v.enable"] > 0.5
            total_w = sum(self.power_w)
            readings = {"voltage_v": 54.0 * on, "current_a": total_w / 54.0, "power_w": total_w}
            return readings.get(channel, 40.0)
        pump = {"loop.pump_a": 0, "loop.pump_b": 1}.get(head)
        if pump is not None:
            rpm = self.speed_rpm[pump]
            return rpm if channel == "speed_rpm" else 0.0 if self.pump_dead[pump] else rpm / 2000.0
        if name == "loop.flow_kg_per_s":
            return self.flow()
        if name == "eps.battery.charge_ratio":
            return self.charge_ratio
        return NOMINAL.get(name, NOMINAL.get(channel, 0.0))

    def _rail(self, head: str, channel: str) -> float:
        i = int(head.removeprefix("rail.accel").split("_")[0])
        on = self.set_points[f"{head}.enable"] > 0.5
        if head.endswith("aux"):
            volts, amps = 3.3 * on, (0.8 + self.aux_extra_a[i]) * on
        else:
            volts, amps = 54.0 * self.is_on(i), self.power_w[i] / 54.0
        readings = {"voltage_v": volts, "current_a": amps, "power_w": volts * amps}
        return readings.get(channel, NOMINAL.get(channel, 0.0))

    def cycle(self, *commands: Command) -> Decision:
        """Advance the plant by one period, step the core, act."""
        self.now_ns += PERIOD_NS
        self.advance(0.1)
        inputs = Inputs(
            now_ns=self.now_ns,
            snapshot=self.snapshot(),
            commands=commands,
            allotment=self.allotment,
            plan=self.plan,
            orbit=self.orbit,
            claims=self.claims,
            restored=self.restored,
        )
        self.restored = None
        self.state, decision = step(self.step_config, self.state, inputs)
        for k, index in enumerate(self.table.writable_indices):
            value = float(decision.desired[k])
            name = self.table.points[index].name
            writable = self.table.points[index].writable
            if value == value:
                assert writable is not None and writable.low <= value <= writable.high, name
                point = self.table.points[index]
                if point.driver not in self.mute and point.device not in self.nack:
                    self.set_points[name] = value
        self.events += decision.events
        self.decision = decision
        return decision

    def fly(self, seconds: float) -> Decision:
        """Run for a time; return the last decision."""
        for _ in range(round(seconds * 10)):
            decision = self.cycle()
        return decision

    def ids(self) -> list[str]:
        """Ids of all events so far."""
        return [e.event_id for e in self.events]


def _fresh(value: object) -> object:
    return type(value)(value) if isinstance(value, list | dict | set) else value


@cache
def _booted() -> Node:
    node = Node()
    node.fly(45.0)
    return node


def booted() -> Node:
    """Return a node flown to NOMINAL with all accelerators in service and caps released."""
    node = copy(_booted())
    for name, value in vars(node).items():
        setattr(node, name, _fresh(value))
    node.events = []
    return node
