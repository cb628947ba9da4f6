"""Each safety property sees its violation on plant truth, and is silent where nothing is wrong."""

import pytest

from flight.core.types import Mode
from tests.unit.truth_stand_in import World


@pytest.fixture
def world():
    made = World()
    made.fly(2.0)
    return made


def test_a_node_at_rest_violates_nothing_and_tells_how_close_it_came(world):
    assert world.broken() == []
    closest = world.checker.ledger.closest
    assert (closest["S1"].value, closest["S1"].limit, closest["S1"].unit) == (70.0, 87.0, "degC")
    assert (closest["S2"].value, closest["S2"].limit) == (50.0, 75.0)
    assert (closest["S3"].value, closest["S3"].limit) == (0.9, 0.40)
    assert closest["S6"].limit == pytest.approx(4896.0)
    assert world.checker.names == ("S1", "S2", "S3", "S4", "S5", "S6", "S12", "S13")


def test_s1_a_core_may_be_above_its_maximum_for_one_second_and_no_longer(world):
    world.truth.accel_core_temp_c[4] = 88.0
    world.fly(1.1)
    assert world.broken() == []
    world.step()
    (violation,) = world.checker.ledger.violations
    assert (violation.property, violation.subject, violation.value) == ("S1", "accel4", 88.0)


def test_s1_the_second_begins_anew_when_the_core_was_good_in_between(world):
    for _ in range(3):
        world.truth.accel_core_temp_c[4] = 88.0
        world.fly(0.8)
        world.truth.accel_core_temp_c[4] = 86.0
        world.fly(0.2)
    assert world.broken() == []


def test_s1_shutdown_temperature_is_never_reached_even_for_one_step(world):
    world.truth.accel_core_temp_c[4] = 95.0
    world.step()
    assert world.broken() == ["S1"]


@pytest.mark.parametrize(
    ("field", "value", "is_broken"),
    [
        ("supply_temp_c", 1.9, True),
        ("return_temp_c", 75.1, True),
        ("plate_outlet_temp_c", 75.1, True),
        ("radiator_out_temp_c", -39.0, False),
        ("radiator_out_temp_c", -40.1, True),
    ],
)
def test_s2_coolant_and_radiator_stay_in_range_cold_side_included(world, field, value, is_broken):
    getattr(world.truth, field)[-1] = value
    world.step()
    assert world.broken() == (["S2"] if is_broken else [])


def test_s3_the_charge_never_falls_below_the_floor(world):
    world.truth.charge_ratio[0] = 0.399
    world.step()
    assert world.broken() == ["S3"]


@pytest.mark.parametrize(("charge", "watts"), [(0.59, 3200.0), (0.49, 200.0)])
def test_s3_each_rung_is_shed_within_ten_seconds(world, charge, watts):
    world.truth.charge_ratio[0] = charge
    world.fly(10.0)
    assert world.broken() == []
    world.fly(0.2)
    assert world.broken() == ["S3"]

    good = World()
    good.truth.charge_ratio[0] = charge
    good.fly(9.0)
    good.truth.accel_power_w[:] = watts / 8.0
    good.fly(20.0)
    assert good.broken() == []


def test_s3_is_not_claimed_while_the_gauge_lies(world):
    world.inject("sensor_stuck", "eps.battery.charge_ratio")
    world.truth.charge_ratio[0] = 0.55
    world.fly(30.0)
    assert world.broken() == []


@pytest.mark.parametrize("needed", ["aux_enabled", "payload_enabled"])
def test_s4_a_module_is_never_on_without_what_it_depends_on(world, needed):
    world.mode = Mode.SAFE
    world.step()
    getattr(world.setpoint, needed)[0] = 0.0
    world.step()
    assert world.broken() == ["S4"]


def test_s4_an_auxiliary_that_trips_in_silicon_gives_the_module_the_time_of_s5(world):
    world.inject("latch_up", "accel3_aux", current_a=9.0)
    world.rails(3, module=1.0, aux=0.0)
    world.fly(0.2)
    world.rails(3, module=0.0, aux=0.0)
    world.fly(1.0)
    assert world.broken() == []


@pytest.mark.parametrize(("off_s", "is_broken"), [(0.4, True), (0.5, False)])
def test_s4_off_times_are_kept(world, off_s, is_broken):
    world.mode = Mode.SAFE
    world.step()
    world.rails(3, module=0.0, aux=0.0)
    world.fly(off_s)
    world.rails(3, module=0.0, aux=1.0)
    world.step()
    world.rails(3, module=1.0, aux=1.0)
    world.fly(0.2)
    assert world.broken() == (["S4"] if is_broken else [])
    assert world.checker.ledger.closest["S4"].value == pytest.approx(off_s)


def test_s4_two_modules_are_not_switched_on_at_once(world):
    world.mode = Mode.SAFE
    world.step()
    world.setpoint.module_enabled[:] = 0.0
    world.fly(5.0)
    world.setpoint.module_enabled[0] = 1.0
    world.fly(0.3)
    world.setpoint.module_enabled[1] = 1.0
    world.step()
    assert world.broken() == []
    world.fly(0.1)
    world.setpoint.module_enabled[2] = 1.0
    world.step()
    assert world.broken() == ["S4"]


def test_s4_a_fourth_retry_in_ten_minutes_is_one_too_many(world):
    world.inject("nvml_call_fails", "accel3")
    for _ in range(3):
        world.rails(3, module=0.0, aux=1.0)
        world.fly(10.0)
        world.rails(3, module=1.0, aux=1.0)
        world.fly(10.0)
    assert world.broken() == []
    world.rails(3, module=0.0, aux=1.0)
    world.fly(10.0)
    world.rails(3, module=1.0, aux=1.0)
    world.step()
    assert world.broken() == ["S4"]


@pytest.mark.parametrize(("steps", "is_broken"), [(2, False), (3, True)])
def test_s5_a_latched_pair_of_rails_is_open_within_250_ms(world, steps, is_broken):
    world.inject("latch_up", "accel3_aux", offset_s=-0.06)  # steps at 60, 160, 260 ms after it
    world.fly((steps - 1) * 0.1)
    world.rails(3, module=0.0, aux=0.0)
    world.fly(1.0)
    assert world.broken() == (["S5"] if is_broken else [])
    assert world.checker.ledger.closest["S5"].value == pytest.approx(0.06 + 0.1 * (steps - 1))


def test_s5_an_auxiliary_alone_is_not_enough(world):
    world.inject("latch_up", "accel3_aux", offset_s=-0.06)
    world.rails(3, module=1.0, aux=0.0)
    world.fly(0.3)
    assert "S5" in world.broken()


def test_s5_is_not_claimed_for_a_rail_that_nobody_can_see(world):
    world.inject("i2c_nack", "accel1_aux")  # the same part serves accelerators 0 to 3
    world.inject("latch_up", "accel3_aux")
    world.fly(1.0)
    assert world.broken() == []


def test_s5_a_single_sample_spike_is_no_reason_to_open_a_rail(world):
    world.inject("sensor_spike", "rail.accel3_aux.current_a", value=9.0)
    world.step()
    world.rails(3, module=0.0, aux=0.0)
    world.step()
    assert world.broken() == ["S5"]
    assert world.checker.ledger.violations[0].text == "opened without cause"


@pytest.mark.parametrize("cause", ["fault", "mode", "command", "flow", "heat", "charge"])
def test_s5_a_rail_may_open_for_a_cause(world, cause):
    if cause == "fault":
        fault = world.inject("nvml_call_fails", "accel3")
        world.fly(20.0)
        world.end(fault)
        world.fly(60.0)
    elif cause == "mode":
        world.mode = Mode.SAFE
    elif cause == "command":
        world.command("disable_accelerator", subject="accel3")
    elif cause == "flow":
        world.truth.flow_kg_per_s[0] = 0.05
    elif cause == "heat":
        world.truth.accel_core_temp_c[3] = 86.0
    else:
        world.truth.charge_ratio[0] = 0.59
    world.step()
    world.rails(3, module=0.0, aux=0.0)
    world.step()
    assert world.broken() == []


def test_s5_a_fault_of_one_accelerator_is_no_reason_to_open_another(world):
    world.inject("nvml_call_fails", "accel4")
    world.step()
    world.rails(3, module=0.0, aux=0.0)
    world.step()
    assert world.broken() == ["S5"]


def test_s6_draw_follows_a_cut_within_one_second(world):
    world.granted = [300.0] * 8
    world.fly(1.0)
    assert world.broken() == []
    world.step()
    assert world.broken() == ["S6"]


def test_s6_tolerates_two_percent_and_no_more(world):
    world.truth.accel_power_w[:] = 611.9
    world.fly(2.0)
    assert world.broken() == []
    world.truth.accel_power_w[:] = 612.1
    world.step()
    assert world.broken() == ["S6"]


def test_s6_a_cap_that_is_not_obeyed_escalates_within_ten_seconds(world):
    world.inject("cap_ignored", "accel1")
    world.granted = [300.0] * 8
    world.fly(0.5, lambda w: w.truth.accel_power_w.__setitem__(slice(2, 8), 300.0))
    world.truth.accel_power_w[0] = 300.0
    world.fly(9.5)
    assert world.broken() == []
    world.fly(0.2)
    assert world.broken() == ["S6"]
    assert world.checker.ledger.violations[0].subject == "accel1"


def test_s6_an_idle_module_without_a_grant_is_no_excess(world):
    world.granted = [600.0] * 7 + [0.0]
    world.truth.accel_power_w[7] = 70.0
    world.truth.accel_power_w[:7] = 612.0
    world.fly(3.0)
    assert world.broken() == []


@pytest.mark.parametrize(
    ("name", "target", "is_claimed_later"),
    [
        ("nvml_call_fails", "accel2", True),
        ("i2c_nack", "accel2_54v", False),
        ("sensor_stuck", "accel2.memory_temp_c", False),
    ],
)
def test_s13_a_sensor_loss_does_not_raise_power(world, name, target, is_claimed_later):
    world.inject(name, target)
    world.truth.accel_power_w[2] = 611.0
    world.truth.accel_power_w[3] = 580.0
    world.fly(1.0)
    assert world.broken() == []
    world.fly(11.0)
    world.granted[2] = 700.0
    world.truth.accel_power_w[2] = 650.0
    world.fly(2.0)
    assert world.broken() == (["S13"] if is_claimed_later else [])


def test_s13_right_after_a_partial_loss_power_does_not_rise(world):
    world.inject("i2c_nack", "accel2_54v")
    world.granted[2] = 700.0
    world.truth.accel_power_w[2] = 650.0
    world.fly(1.0)
    assert world.broken() == ["S13"]


@pytest.mark.parametrize(("power_w", "is_broken"), [(740.0, False), (780.0, True)])
def test_s13_a_stuck_core_reading_is_noticed_before_power_has_run_away(world, power_w, is_broken):
    world.inject("sensor_stuck", "accel2.core_temp_c")
    world.granted[2] = 800.0
    world.truth.accel_power_w[2] = power_w
    world.fly(24.0)
    assert world.broken() == []
    world.fly(3.0)
    assert world.broken() == (["S13"] if is_broken else [])


def test_s13_a_ramp_that_was_under_way_goes_on(world):
    world.fly(1.1, lambda w: w.setpoint.accel_cap_w.__iadd__(2.5))
    world.inject("nvml_call_fails", "accel2")
    world.granted[2] = 700.0
    world.truth.accel_power_w[2] = 700.0
    world.fly(2.0)
    assert world.broken() == []


def test_s13_an_end_of_the_loss_ends_the_claim(world):
    fault = world.inject("nvml_call_fails", "accel2")
    world.fly(2.0)
    world.end(fault)
    world.granted[2] = 700.0
    world.truth.accel_power_w[2] = 700.0
    world.fly(2.0)
    assert world.broken() == []


def test_a_violation_that_lasts_is_told_once(world):
    world.truth.accel_core_temp_c[4] = 90.0
    world.fly(10.0)
    assert world.checker.ledger.violation_count == 1


def test_s6_an_accelerator_that_cannot_be_told_its_cap_has_ten_seconds(world):
    fault = world.inject("nvml_call_fails", "accel1")
    world.granted[1] = 200.0
    world.fly(9.0)
    assert world.broken() == []
    world.end(fault)
    world.fly(0.9)
    assert world.broken() == []
    world.fly(0.3)
    assert world.broken() == ["S6"]


def test_s1_a_second_and_milder_excess_is_seen_too(world):
    world.truth.accel_core_temp_c[4] = 90.0
    world.fly(0.5)
    world.truth.accel_core_temp_c[4] = 70.0
    world.fly(0.5)
    world.truth.accel_core_temp_c[4] = 88.0
    world.fly(2.0)
    assert world.broken() == ["S1"]
