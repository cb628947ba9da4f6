"""The simulation's fault injector: each fault where it happens, at its instant, and undone."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sim_hw.fault_injector import FaultInjector
from sim_hw.faults import FAULTS, with_defaults
from sim_hw.scenario_times import FOREVER_NS, PlannedFault

S = 1_000_000_000
KNOBS = {
    "nvml_return": 8, "accel_cap_ignored": 8, "module_nack": 8, "aux_nack": 8, "payload_nack": 1,
    "host_rail_nack": 1,
}  # fmt: skip


class Image:
    def __init__(self):
        self.sensor_mode, self.sensor_value = np.zeros(400), np.zeros(400)
        self.knobs = SimpleNamespace(**{name: np.zeros(n) for name, n in KNOBS.items()})

    def truth_word(self, field, element=0):
        return {"accel_core_temp_c": 8, "aux_current_a": 100}[field] + element


class World:
    def __init__(self):
        self.image = Image()
        self.stalls = []
        self.faults = SimpleNamespace(
            pump_torque_ratio=np.ones(2),
            pump_breaker_open=np.zeros(2),
            latch_current_a=np.zeros(8),
            string_ok=np.ones(8),
        )

    def stall(self, until_ns):
        self.stalls.append(until_ns)

    def injector(self, *plan):
        plant = SimpleNamespace(faults=self.faults)
        return FaultInjector(plan, plant=plant, image=self.image, cycle_gate=self)


def fault(name, target, start_s=1.0, end_s=math.inf, fault_id="it", **parameters):
    values = with_defaults(FAULTS[name], parameters)
    values.pop("duration_s", None)
    return PlannedFault(
        id=fault_id, name=name, target=target, parameters=values, start_ns=round(start_s * S),
        end_ns=FOREVER_NS if math.isinf(end_s) else round(end_s * S),
    )  # fmt: skip


@pytest.fixture
def world():
    return World()


def test_faults_are_applied_at_their_instant_and_undone_at_their_end(world):
    injector = world.injector(fault("pump_stop", "pump_b", 1.037, 2.5))
    assert injector.next_time_ns() == 1_037_000_000
    injector.apply_due(1_036_999_999)
    assert world.faults.pump_torque_ratio.tolist() == [1.0, 1.0]
    injector.apply_due(1_037_000_000)
    assert world.faults.pump_torque_ratio.tolist() == [1.0, 0.0]
    assert world.faults.pump_breaker_open.tolist() == [0.0, 1.0]
    assert injector.next_time_ns() == 2_500_000_000
    injector.apply_due(3 * S)
    assert world.faults.pump_torque_ratio.tolist() == [1.0, 1.0]
    assert world.faults.pump_breaker_open.tolist() == [0.0, 0.0]
    assert injector.next_time_ns() == FOREVER_NS
    assert [(edge.time_ns, edge.is_start) for edge in injector.applied] == [
        (1_037_000_000, True),
        (2_500_000_000, False),
    ]


@pytest.mark.parametrize(
    ("name", "target", "parameters", "where", "value"),
    [
        ("latch_up", "accel3_aux", {}, lambda w: w.faults.latch_current_a[3], 1.2),
        ("string_loss", "string5", {}, lambda w: 1.0 - w.faults.string_ok[5], 1.0),
        ("nvml_call_fails", "accel4", {"code": 999.0},
         lambda w: w.image.knobs.nvml_return[4], 999.0),
        ("i2c_nack", "accel6_54v", {}, lambda w: w.image.knobs.module_nack[6], 1.0),
        ("i2c_nack", "accel6_aux", {}, lambda w: w.image.knobs.aux_nack[6], 1.0),
        ("i2c_nack", "payload_54v", {}, lambda w: w.image.knobs.payload_nack[0], 1.0),
        ("i2c_nack", "host_3v3", {}, lambda w: w.image.knobs.host_rail_nack[0], 1.0),
        ("cap_ignored", "accel1", {}, lambda w: w.image.knobs.accel_cap_ignored[1], 1.0),
        ("sensor_stuck", "accel2.core_temp_c", {}, lambda w: w.image.sensor_mode[10], 1.0),
        ("sensor_stuck", "accel2.core_temp_c", {"value": 0.0},
         lambda w: w.image.sensor_mode[10], 3.0),
        ("sensor_bias", "accel2.core_temp_c", {"value": -9.0},
         lambda w: w.image.sensor_mode[10], 2.0),
    ],
)  # fmt: skip
def test_each_fault_reaches_its_place_and_leaves_it(world, name, target, parameters, where, value):
    injector = world.injector(fault(name, target, 1.0, 2.0, **parameters))
    assert where(world) == 0.0
    injector.apply_due(S)
    assert where(world) == value
    injector.apply_due(2 * S)
    assert where(world) == 0.0


def test_a_spike_is_one_sample_that_the_sensor_itself_takes_back(world):
    world.injector(fault("sensor_spike", "rail.accel5_aux.current_a", value=9.0)).apply_due(S)
    assert (world.image.sensor_mode[105], world.image.sensor_value[105]) == (4.0, 9.0)


def test_a_stall_keeps_the_cycle_from_running_until_its_end(world):
    world.injector(fault("daemon_stall", "daemon", 1.0, 4.0)).apply_due(S)
    assert world.stalls == [4 * S]


def test_of_two_faults_on_one_thing_the_later_counts_and_then_the_earlier_again(world):
    injector = world.injector(
        fault("sensor_stuck", "accel2.core_temp_c", 1.0, 9.0, "stuck"),
        fault("sensor_bias", "accel2.core_temp_c", 2.0, 3.0, "bias", value=5.0),
    )
    modes = []
    for second in (1, 2, 3, 9):
        injector.apply_due(second * S)
        modes.append(world.image.sensor_mode[10])
    assert modes == [1.0, 2.0, 1.0, 0.0]


def test_every_fault_of_the_catalogue_has_an_effect_in_the_simulation(world):
    for kind in FAULTS.values():
        needed = {p.name: 1.0 for p in kind.parameters if p.default is None}
        target = "accel2.core_temp_c" if kind.repeats_point else kind.example
        world.injector(fault(kind.name, target, 1.0, 2.0, **needed)).apply_due(S)
