"""A sick I2C bus: no rail moves by itself, no wrong value is believed, and readings come back."""

import numpy as np
import pytest

from flight.core.types import Mode
from hal import Status
from sim_hw.sensors import PLACES, sensor_of
from tests.system.watched import Watched, fault

SICK_S = 30  # rails are up; a bus does not care about the load
RAILS_A = ["payload_54v", *(f"accel{i}_{rail}" for rail in ("54v", "aux") for i in range(4))]
DEVICES = len(RAILS_A)
TRANSFER_S_MAX = 0.035  # SMBus 3.0, t_TIMEOUT
CALL_S_MAX = 0.1  # deadline of a call into a device
LINEAR11_RATIO = 2.0**-9  # of a reading: ten bits of mantissa, at least half of them used


def assert_readings_are_back(watched: Watched) -> None:
    """Every rail of the bus is read, and nothing of the fault is left."""
    assert watched.inputs is not None
    table, snapshot = watched.flight.node.table, watched.inputs.snapshot
    on_bus = [i for i, point in enumerate(table.points) if point.driver == "rails_a"]
    assert {int(snapshot.status[i]) for i in on_bus} == {Status.OK}
    assert {int(snapshot.time_ns[i]) for i in on_bus} == {watched.flight.node.now_ns}
    assert watched.mode is Mode.NOMINAL
    assert watched.flight.node.cycle.state.judge.all_good


def assert_silence_is_told(watched: Watched) -> None:
    for end in ("", ".cleared"):
        assert sorted(watched.told(f"rail.communication_lost{end}")) == sorted(RAILS_A)


def test_a_data_line_held_for_2_s_is_freed_by_recovery_and_no_rail_moves() -> None:
    clock_count = 36  # four recoveries of nine, at most one a second on the clock of the bus
    stuck = fault("i2c_sda_stuck", "rails_a", SICK_S, clock_count=clock_count)
    held_s: list[float] = []

    def look(watched: Watched) -> None:
        if watched.image.knobs.bus_sda_clocks[0] > 0.0:
            held_s.append(watched.flight.node.now_ns / 1e9 - SICK_S)

    with Watched(stuck, duration_s=60.0) as watched:
        watched.fly_to(60.0, look)
        assert 1.5 <= held_s[-1] <= 3.0
        statistics = watched.flight.node.node_image.statistics("rails_a")
        assert statistics.recovery_count == clock_count / 9
        assert watched.told("driver.communication_lost") == ["rails_a"]
        assert_silence_is_told(watched)
        assert_readings_are_back(watched)
        assert not watched.moved


def test_a_data_line_that_no_recovery_frees_costs_readings_and_no_rail() -> None:
    stuck = fault("i2c_sda_stuck", "rails_a", duration_s=20.0)
    with Watched(stuck, duration_s=140.0) as watched:
        watched.fly_to(119.0)
        assert watched.mode is Mode.NOMINAL
        assert watched.image.truth.accel_power_w.sum() >= 4000.0  # cores are seen: it computes on
        watched.fly_to(140.0)
        assert_silence_is_told(watched)
        assert_readings_are_back(watched)
        assert not watched.moved


def wrong_samples(watched: Watched) -> list[str]:
    """Return the samples of this cycle that are good and not true."""
    assert watched.inputs is not None
    node, snapshot, found = watched.flight.node, watched.inputs.snapshot, []
    for i, point in enumerate(node.table.points):
        is_fresh = snapshot.status[i] == Status.OK and snapshot.time_ns[i] == node.now_ns
        if point.driver != "rails_a" or point.name not in PLACES or not is_fresh:
            continue
        field, element = PLACES[point.name]
        truth, spec = float(getattr(watched.image.truth, field)[element]), sensor_of(point.name)
        assert spec is not None
        allowed = 6.0 * spec.noise + spec.lsb + abs(truth) * LINEAR11_RATIO
        if abs(snapshot.values[i] - truth) > allowed:
            found.append(f"{point.name} = {snapshot.values[i]:g}, in truth {truth:g}")
    return found


@pytest.mark.parametrize(("rate", "errors_min"), [(1e-3, 60), (1e-2, 600)])
def test_wrong_bits_on_the_wire_are_counted_and_never_believed(
    rate: float, errors_min: int
) -> None:
    noisy = fault("i2c_byte_errors", "rails_a", SICK_S, rate=rate, duration_s=40.0)
    checked = 0

    def look(watched: Watched) -> None:
        nonlocal checked
        checked += 1
        assert not wrong_samples(watched)

    with Watched(noisy, duration_s=80.0) as watched:
        watched.fly_to(SICK_S)
        watched.fly_to(80.0, look)
        statistics = watched.flight.node.node_image.statistics("rails_a")
        health = watched.flight.node.node_image.health("rails_a")
        assert checked == 500
        assert statistics.pec_error_count >= errors_min / 2
        assert statistics.pec_error_count + statistics.nack_count >= errors_min
        assert statistics.retry_count >= errors_min / 2
        # What a retry does not mend is an error, and no switch was ever written for it.
        assert health.transfer_error_count < statistics.retry_count
        assert watched.flight.node.node_image.statistics("rails_b").pec_error_count == 0
        assert_readings_are_back(watched)
        assert not watched.moved
        assert not [e.event_id for e in watched.events if e.event_id.startswith("rail.over")]


def test_the_check_of_samples_can_fail() -> None:
    lie = fault("sensor_bias", "rail.accel2_54v.voltage_v", SICK_S, value=1.0)
    with Watched(lie, duration_s=40.0) as watched:
        watched.fly_to(SICK_S - 1)
        assert not wrong_samples(watched)
        watched.fly_to(SICK_S + 1)
        assert [text.split()[0] for text in wrong_samples(watched)] == ["rail.accel2_54v.voltage_v"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("i2c_stretch", {"stretch_us": 50_000.0}),  # beyond every time-out
        ("i2c_stretch", {"stretch_us": 25_000.0}),  # what SMBus allows
        ("i2c_last_moment", {}),
    ],
    ids=["stretch_beyond", "stretch_allowed", "last_moment"],
)
def test_a_slow_bus_holds_no_call_beyond_its_deadline(
    name: str, parameters: dict[str, float]
) -> None:
    slow, lasts_s = fault(name, "rails_a", SICK_S, duration_s=10.0, **parameters), 10.0
    with Watched(slow, duration_s=60.0) as watched:
        watched.fly_to(SICK_S)
        before = watched.flight.node.node_image.statistics("rails_a")
        watched.fly_to(SICK_S + lasts_s)
        after = watched.flight.node.node_image.statistics("rails_a")
        assert after.overrun_count == 0
        assert 0.02 <= after.max_ns / 1e9 <= TRANSFER_S_MAX
        rounds = lasts_s / 0.1 + 1
        busy_s = (after.busy_ns - before.busy_ns) / 1e9
        assert busy_s <= rounds * DEVICES * CALL_S_MAX * 1.001
        # and it was slow, though a silent device is tried at growing intervals only
        assert busy_s >= 0.1 * rounds * DEVICES * CALL_S_MAX
        watched.fly_to(60.0)
        assert sorted(set(watched.told("rail.communication_lost"))) == sorted(RAILS_A)
        assert_readings_are_back(watched)
        assert not watched.moved


def test_the_other_buses_do_not_feel_a_sick_one() -> None:
    stuck = fault("i2c_sda_stuck", "rails_b", SICK_S, duration_s=5.0)
    with Watched(stuck, duration_s=50.0) as watched:
        watched.fly_to(50.0)
        subjects = {subject[:6] for subject in watched.told("rail.communication_lost")}
        assert subjects == {f"accel{i}" for i in range(4, 8)}
        for bus in ("rails_a", "rails_host"):
            assert watched.flight.node.node_image.statistics(bus).timeout_count == 0
        assert not watched.moved


@pytest.mark.parametrize(
    ("controller", "mode"),
    [("host", Mode.NOMINAL), ("eps", Mode.DEGRADED), ("loop", Mode.DEGRADED)],
)
def test_a_silent_controller_is_told_and_the_node_comes_back(controller: str, mode: Mode) -> None:
    silent = fault("controller_silent", controller, SICK_S, duration_s=10.0)
    with Watched(silent, duration_s=60.0) as watched:
        watched.fly_to(SICK_S + 5)
        assert watched.told("driver.communication_lost") == [controller]
        assert watched.mode is mode
        watched.fly_to(60.0)
        assert watched.mode is Mode.NOMINAL
        assert not watched.moved


def test_an_auxiliary_part_that_browns_out_takes_its_four_accelerators_down_in_order() -> None:
    with Watched(fault("part_brown_out", "accel2_aux"), duration_s=140.0) as watched:
        watched.fly_to(140.0)
        assert sorted(watched.told("rail.tripped")) == [f"accel{i}_aux" for i in range(4)]
        assert watched.moved == {f"accel{i}_{rail}" for i in range(4) for rail in ("54v", "aux")}
        assert watched.mode is Mode.NOMINAL
        assert np.all(watched.image.setpoint.module_enabled == 1.0)


def test_a_module_part_that_browns_out_keeps_its_off_time() -> None:
    with Watched(fault("part_brown_out", "accel2_54v"), duration_s=140.0) as watched:
        watched.fly_to(140.0)


def test_a_module_that_trips_without_a_cause_is_closed_once_after_its_off_time() -> None:
    with Watched(fault("rail_trip", "accel2_54v"), duration_s=130.0) as watched:
        watched.fly_to(130.0)
        assert watched.told("rail.tripped") == ["accel2_54v"]
        assert watched.moved == {"accel2_54v", "accel2_aux"}
        assert watched.told("accel.in_service")[-1] == "accel2"
        assert np.all(watched.image.setpoint.module_enabled == 1.0)
