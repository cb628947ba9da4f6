"""A stand-in for plant image and cycle, for the checks of the safety properties."""

from types import SimpleNamespace

import numpy as np

from flight.core.types import Ack, Command, Decision, Event, Inputs, Mode, Severity, Snapshot
from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import FAULTS, with_defaults
from sim_hw.properties import PropertyChecker
from sim_hw.property_budget import NodeBudget
from sim_hw.scenario_times import FOREVER_NS, PlannedFault

S = 1_000_000_000
CYCLE = S // 10
NOTHING = np.empty(0)
SNAPSHOT = Snapshot(NOTHING, NOTHING.astype(np.int64), NOTHING.astype(np.int32), NOTHING)


class World:
    """A node at rest: eight accelerators at 600 W, all rails on, the daemon beating."""

    def __init__(self):
        self.truth = SimpleNamespace(
            accel_core_temp_c=np.full(8, 70.0),
            accel_memory_temp_c=np.full(8, 75.0),
            accel_power_w=np.full(8, 600.0),
            accel_alive=np.ones(8),
            flow_kg_per_s=np.array([0.144]),
            supply_temp_c=np.array([40.0]),
            return_temp_c=np.array([50.0]),
            radiator_out_temp_c=np.array([40.0]),
            plate_outlet_temp_c=np.full(8, 50.0),
            charge_ratio=np.array([0.9]),
        )
        self.setpoint = SimpleNamespace(
            accel_cap_w=np.full(8, 600.0),
            module_enabled=np.ones(8),
            aux_enabled=np.ones(8),
            payload_enabled=np.ones(1),
            loop_heater_on=np.zeros(2),
            accel_clock_max_mhz=np.full(8, 1980.0),
            pump_speed_target_rpm=np.array([4500.0, 0.0]),
        )
        self.applied = []
        self.now_ns = 0
        self.mode = Mode.NOMINAL
        self.granted = [600.0] * 8
        self.commands = ()
        self.acks_ok = True
        self.allotment = None
        self.others_w = 450.0
        self.beats = True
        self.epoch = 1
        self.beat_count = 0
        self.checker = PropertyChecker(
            self, plant=self, node_image=self, budget=NodeBudget(7000.0, 2200.0),
            applied=self.applied,
        )  # fmt: skip

    @property
    def load_w(self):
        return float(self.truth.accel_power_w.sum()) + self.others_w

    @property
    def heartbeat(self):
        return self.epoch << 32 | self.beat_count if self.beat_count else 0

    def fly(self, seconds, each=None):
        for _ in range(round(seconds * 10)):
            self.step(each)

    def step(self, each=None):
        self.now_ns += CYCLE
        if self.beats:
            self.cycle()
        if each is not None:
            each(self)
        self.checker.check(self.now_ns)

    def cycle(self, *events, beats=True):
        decision = Decision(
            mode=self.mode, desired=NOTHING, cap_w=tuple(self.granted),
            cap_reason=("maximum",) * 8, events=events,
            acks=tuple(Ack(c.command_id, self.acks_ok, "") for c in self.commands),
        )  # fmt: skip
        inputs = Inputs(
            now_ns=self.now_ns, snapshot=SNAPSHOT, commands=self.commands, allotment=self.allotment
        )
        self.checker.record(inputs, decision)
        self.commands = ()
        self.beat_count += beats

    def command(self, name, **arguments):
        self.commands = (*self.commands, Command(f"{name}-1", name, tuple(arguments.items())))

    def late_cycle(self, *, takes_epoch=True):
        self.epoch += takes_epoch
        self.cycle(
            Event(self.now_ns, "cycle.late", Severity.WARNING, "cycle", ""), beats=False
        )  # fmt: skip

    def inject(self, name, target, offset_s=-0.05, **parameters):
        values = with_defaults(FAULTS[name], parameters)
        values.pop("duration_s", None)
        start_ns = self.now_ns + CYCLE + round(offset_s * S)
        fault = PlannedFault(
            id=f"{name}_{target}", name=name, target=target, parameters=values,
            start_ns=start_ns, end_ns=FOREVER_NS,
        )  # fmt: skip
        self.applied.append(AppliedFault(start_ns, fault, is_start=True))
        return fault

    def end(self, fault):
        self.applied.append(AppliedFault(self.now_ns, fault, is_start=False))

    def rails(self, i, module, aux):
        self.setpoint.module_enabled[i], self.setpoint.aux_enabled[i] = module, aux

    def broken(self):
        return sorted(self.checker.ledger.broken)
