"""The simulation's fault injector: each fault where it happens, at its instant, and undone."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.fault_injector import FaultInjector
from sim_hw.faults import FAULTS, accelerators_struck, with_defaults
from sim_hw.faults_accel import LIBRARY_FUNCTIONS
from sim_hw.scenario_times import FOREVER_NS, PlannedFault

S = 1_000_000_000
PER_ACCELERATOR = """
    nvml_return nvml_hang nvml_delay_s nvml_fault_function nvml_no_permission accel_cap_ignored
    accel_cap_clamp_w accel_slowdown accel_remapped_corrected_count accel_remapped_uncorrected_count
    accel_remap_pending accel_remap_failed module_nack aux_nack module_brown_out module_fail_closed
    module_spurious_trip
""".split()
PER_BUS = "bus_sda_clocks bus_stretch_us bus_last_moment bus_byte_error_rate".split()
SINGLE = """
    payload_nack host_rail_nack nvml_driver_return nvml_driver_hang loop_silent eps_silent
    host_silent
""".split()
KNOBS = {
    **dict.fromkeys(PER_ACCELERATOR, 8), **dict.fromkeys(PER_BUS, 3), **dict.fromkeys(SINGLE, 1),
    "aux_brown_out": 2,
}  # fmt: skip
TRUTHS = """
    accel_xid accel_recovery_action accel_ecc_corrected_count accel_ecc_uncorrected_count
    accel_pcie_replay_count
""".split()
PLANT_AT_1 = {
    "pump_torque_ratio": 2, "pump_head_ratio": 2, "string_ok": 8, "interface_ratio": 8,
    "plate_open_ratio": 8, "emissivity_ratio": 1, "absorptance_ratio": 1, "pointing_ratio": 1,
}  # fmt: skip
PLANT_AT_0 = {
    "pump_breaker_open": 2, "latch_current_a": 8, "leak_kg_per_s": 1, "bypass_stuck": 1,
    "bypass_drive_cold": 1, "bypass_drive_hot": 1, "heater_stuck_on": 2, "heater_stuck_off": 2,
    "cell_short": 16, "strands_open": 1, "limiter_trip": 2, "hang_pending": 8,
    "ecc_uncorrected_pending": 8, "ecc_uncontained_pending": 8,
}  # fmt: skip
FUNCTIONS = ("", *LIBRARY_FUNCTIONS)
TEMPERATURE = "nvmlDeviceGetTemperature"


class Image:
    def __init__(self):
        self.sensor_mode, self.sensor_value = np.zeros(400), np.zeros(400)
        self.knobs = SimpleNamespace(**{name: np.zeros(n) for name, n in KNOBS.items()})
        self.truth = SimpleNamespace(**{name: np.zeros(8) for name in TRUTHS})
        self.truth.accel_alive = np.ones(8)
        self.truth.module_voltage_v, self.truth.aux_voltage_v = np.full(8, 54.0), np.full(8, 3.3)

    def truth_word(self, field, element=0):
        return {"accel_core_temp_c": 8, "aux_current_a": 100}[field] + element


class World:
    def __init__(self):
        self.image = Image()
        self.stalls = []
        ones = {name: np.ones(n) for name, n in PLANT_AT_1.items()}
        zeros = {name: np.zeros(n) for name, n in PLANT_AT_0.items()}
        self.faults = SimpleNamespace(**ones, **zeros)

    def stall(self, until_ns):
        self.stalls.append(until_ns)

    def injector(self, *plan):
        plant = SimpleNamespace(faults=self.faults)
        return FaultInjector(
            plan, plant=plant, image=self.image, cycle_gate=self, function_number=FUNCTIONS.index
        )


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
        ("i2c_sda_stuck", "rails_a", {}, lambda w: w.image.knobs.bus_sda_clocks[0], -1.0),
        ("i2c_sda_stuck", "rails_host", {"clock_count": 9.0},
         lambda w: w.image.knobs.bus_sda_clocks[2], 9.0),
        ("i2c_stretch", "rails_b", {"stretch_us": 7.0},
         lambda w: w.image.knobs.bus_stretch_us[1], 7.0),
        ("i2c_last_moment", "rails_b", {}, lambda w: w.image.knobs.bus_last_moment[1], 1.0),
        ("i2c_byte_errors", "rails_a", {}, lambda w: w.image.knobs.bus_byte_error_rate[0], 1e-3),
        ("switch_closed", "accel6_54v", {}, lambda w: w.image.knobs.module_fail_closed[6], 1.0),
        ("controller_silent", "loop", {}, lambda w: w.image.knobs.loop_silent[0], 1.0),
        ("controller_silent", "eps", {}, lambda w: w.image.knobs.eps_silent[0], 1.0),
        ("nvml_call_fails", "accel4", {"function": TEMPERATURE},
         lambda w: w.image.knobs.nvml_fault_function[4], float(FUNCTIONS.index(TEMPERATURE))),
        ("nvml_hang", "accel4", {}, lambda w: w.image.knobs.nvml_hang[4], 1.0),
        ("nvml_slow", "accel4", {"delay_s": 3.0}, lambda w: w.image.knobs.nvml_delay_s[4], 3.0),
        ("nvml_no_permission", "accel4", {}, lambda w: w.image.knobs.nvml_no_permission[4], 1.0),
        ("nvml_driver_fails", "nvml", {}, lambda w: w.image.knobs.nvml_driver_return[0], 999.0),
        ("nvml_driver_fails", "nvml", {"hangs": True},
         lambda w: w.image.knobs.nvml_driver_hang[0], 1.0),
        ("cap_clamped", "accel1", {}, lambda w: w.image.knobs.accel_cap_clamp_w[1], 300.0),
        ("accel_slowdown", "accel1", {}, lambda w: w.image.knobs.accel_slowdown[1], 1.0),
        ("accel_lost", "accel1", {}, lambda w: w.image.knobs.nvml_return[1], 15.0),
        ("accel_lost", "accel1", {}, lambda w: w.image.truth.accel_xid[1], 79.0),
        ("recovery_action", "accel1", {}, lambda w: w.image.truth.accel_recovery_action[1], 1.0),
        ("row_remap", "accel1", {"is_pending": True},
         lambda w: w.image.knobs.accel_remap_pending[1], 1.0),
        ("row_remap", "accel1", {"has_failed": True},
         lambda w: w.image.knobs.accel_remap_failed[1], 1.0),
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


PLANT_CASES = [
    ("pump_worn", "pump_b", {"head_ratio": 0.25}, "pump_head_ratio", 1, 0.25),
    ("coolant_leak", "loop", {"leak_kg_per_s": 0.01}, "leak_kg_per_s", 0, 0.01),
    ("bypass_stuck", "bypass", {}, "bypass_stuck", 0, 1.0),
    ("bypass_stuck", "bypass", {"end": "cold"}, "bypass_drive_cold", 0, 1.0),
    ("bypass_stuck", "bypass", {"end": "hot"}, "bypass_drive_hot", 0, 1.0),
    ("heater_stuck", "heater_b", {}, "heater_stuck_on", 1, 1.0),
    ("heater_stuck", "heater_a", {"is_on": False}, "heater_stuck_off", 0, 1.0),
    ("plate_blocked", "plate6", {"open_ratio": 0.2}, "plate_open_ratio", 6, 0.2),
    ("interface_worn", "accel3", {"resistance_ratio": 4.0}, "interface_ratio", 3, 4.0),
    ("radiator_aged", "radiator", {"emissivity_ratio": 0.7}, "emissivity_ratio", 0, 0.7),
    ("radiator_aged", "radiator", {"absorptance_ratio": 2.0}, "absorptance_ratio", 0, 2.0),
    ("outlet_trip", "payload_outlet", {}, "limiter_trip", 0, 1.0),
    ("cell_short", "cell7", {}, "cell_short", 7, 1.0),
    ("strands_open", "battery", {"strand_count": 3.0}, "strands_open", 0, 3.0),
    ("array_off_pointing", "array", {"pointing_ratio": 0.4}, "pointing_ratio", 0, 0.4),
]


@pytest.mark.parametrize(("name", "target", "parameters", "view", "place", "value"), PLANT_CASES)
def test_each_fault_of_the_plant_writes_its_view_and_nothing_else(
    world, name, target, parameters, view, place, value
):
    neutral = {key: views.copy() for key, views in vars(world.faults).items()}
    injector = world.injector(fault(name, target, 1.0, 2.0, **parameters))
    injector.apply_due(S)
    assert getattr(world.faults, view)[place] == value
    neutral[view][place] = value
    others = {key for key in neutral if key != view and not name.startswith("radiator")}
    for key in (view, *others):
        assert np.array_equal(getattr(world.faults, key), neutral[key]), key
    injector.apply_due(2 * S)
    expected = 1.0 if view in PLANT_AT_1 else 0.0
    assert np.all(getattr(world.faults, view) == expected)


@pytest.mark.parametrize(
    ("name", "parameters", "view"),
    [
        ("memory_error", {}, "ecc_uncorrected_pending"),
        ("memory_error", {"is_contained": False}, "ecc_uncontained_pending"),
    ],
)
def test_an_event_of_an_accelerator_is_handed_over_once(world, name, parameters, view):
    injector = world.injector(fault(name, "accel6", **parameters))
    injector.apply_due(S)
    assert getattr(world.faults, view).tolist() == [0.0] * 6 + [1.0, 0.0]
    assert injector.next_time_ns() == FOREVER_NS


def test_a_hang_is_over_once_the_accelerator_was_reset(world):
    injector = world.injector(fault("accel_hang", "accel2"))
    injector.apply_due(5 * S)
    assert world.faults.hang_pending.tolist() == [0.0, 0.0, 1.0] + [0.0] * 5
    assert [active.name for active in injector.active] == ["accel_hang"]
    world.image.truth.accel_alive[2] = 0.0
    injector.apply_due(6 * S)
    assert injector.active == ()


def test_an_outlet_trips_again_when_it_is_struck_again(world):
    injector = world.injector(
        fault("outlet_trip", "payload_outlet", 1.0, fault_id="one"),
        fault("outlet_trip", "payload_outlet", 4.0, fault_id="two"),
    )
    seen = []
    while (now_ns := injector.next_time_ns()) < FOREVER_NS:
        injector.apply_due(now_ns)
        seen.append(world.faults.limiter_trip[0])
    assert [now for before, now in pairwise(seen) if now != before] == [0, 1, 0]


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


@pytest.mark.parametrize(
    ("name", "target", "where"),
    [
        ("part_brown_out", "accel6_54v", lambda w: w.image.knobs.module_brown_out[6]),
        ("part_brown_out", "accel6_aux", lambda w: w.image.knobs.aux_brown_out[1]),
        ("rail_trip", "accel6_54v", lambda w: w.image.knobs.module_spurious_trip[6]),
    ],
)
def test_what_happens_once_is_taken_back_by_the_part_itself(world, name, target, where):
    injector = world.injector(fault(name, target))
    injector.apply_due(S)
    assert where(world) == 1.0
    assert injector.next_time_ns() == FOREVER_NS


def test_an_xid_goes_back_so_that_the_same_one_can_come_again(world):
    injector = world.injector(fault("accel_xid", "accel2", 1.05, code=48.0))
    seen = []
    while (now_ns := injector.next_time_ns()) < FOREVER_NS:
        injector.apply_due(now_ns)
        seen.append((now_ns, world.image.truth.accel_xid[2]))
    assert seen[0] == (1_050_000_000, 48.0)
    assert seen[-1] == (2_100_000_000, 0.0)
    assert {xid for _, xid in seen[:-1]} == {48.0}


@pytest.mark.parametrize("rail", ["module_voltage_v", "aux_voltage_v"])
@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("accel_lost", lambda w: w.image.knobs.nvml_return[2]),
        ("recovery_action", lambda w: w.image.truth.accel_recovery_action[2]),
    ],
)
def test_some_faults_end_when_the_accelerator_has_lost_its_power(world, name, where, rail):
    injector = world.injector(fault(name, "accel2", 1.0, 60.0))
    injector.apply_due(S)
    getattr(world.image.truth, rail)[3] = 0.0  # of another one
    injector.apply_due(5 * S)
    assert where(world) > 0.0
    getattr(world.image.truth, rail)[2] = 0.0
    injector.apply_due(6 * S)
    assert where(world) == 0.0
    assert injector.active == ()
    injector.apply_due(60 * S)  # its planned end comes too late to matter
    assert [(e.time_ns, e.is_start) for e in injector.applied] == [(S, True), (6 * S, False)]


@pytest.mark.parametrize(
    ("name", "is_mended"), [("recovery_action", True), ("row_remap", True), ("accel_lost", False)]
)
def test_a_reset_mends_what_waits_for_one(world, name, is_mended):
    injector = world.injector(fault(name, "accel2", 1.0, 60.0))
    injector.apply_due(S)
    world.image.truth.accel_alive[3] = 0.0  # another one boots
    injector.apply_due(5 * S)
    assert injector.active
    world.image.truth.accel_alive[2] = 0.0
    injector.apply_due(6 * S)
    assert (injector.active == ()) == is_mended


@pytest.mark.parametrize("step_ms", [7, 100, 450, 10_000])
def test_counters_grow_by_the_rate_however_often_the_injector_is_asked(world, step_ms):
    injector = world.injector(
        fault("ecc_errors", "accel2", 1.037, 4.037, corrected_per_s=7.0, uncorrected_per_s=1.0),
        fault("pcie_replays", "accel3", 1.0, 2.5, "other", per_s=3.0),
    )
    for now_ms in range(0, 12_000, step_ms):
        injector.apply_due(now_ms * 1_000_000)
    injector.apply_due(12 * S)
    truth = world.image.truth
    assert truth.accel_ecc_corrected_count.tolist() == [0, 0, 21, 0, 0, 0, 0, 0]
    assert truth.accel_ecc_uncorrected_count[2] == 3
    assert truth.accel_pcie_replay_count[3] == 4
    assert injector.next_time_ns() == FOREVER_NS


def test_what_the_calls_of_one_accelerator_do_is_one_thing(world):
    injector = world.injector(
        fault("nvml_call_fails", "accel2", 1.0, 9.0, "one", function=TEMPERATURE),
        fault("nvml_hang", "accel2", 2.0, 3.0, "two"),
    )
    knobs, seen = world.image.knobs, []
    for second in (1, 2, 3, 9):
        injector.apply_due(second * S)
        seen.append((knobs.nvml_return[2], knobs.nvml_hang[2], knobs.nvml_fault_function[2] > 0.0))
    assert seen == [(15.0, 0.0, True), (0.0, 1.0, False), (15.0, 0.0, True), (0.0, 0.0, False)]


def test_the_simulated_library_knows_every_function_that_can_fail_alone():
    with SimulatedDevices(PlantImage(), seed=7) as devices:
        numbers = [devices.nvml_function_number(name) for name in LIBRARY_FUNCTIONS]
    assert len(set(numbers)) == len(LIBRARY_FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "target", "struck"),
    [
        ("i2c_nack", "accel6_54v", range(6, 7)),
        ("i2c_nack", "accel6_aux", range(4, 8)),
        ("latch_up", "accel6_aux", range(6, 7)),
        ("sensor_bias", "rail.accel6_aux.current_a", range(6, 7)),
        ("i2c_stretch", "rails_a", range(4)),
        ("i2c_stretch", "rails_host", range(0)),
        ("nvml_driver_fails", "nvml", range(8)),
        ("pump_stop", "pump_a", range(0)),
    ],
)
def test_a_fault_reaches_the_accelerators_behind_its_part(name, target, struck):
    assert accelerators_struck(name, target) == struck
