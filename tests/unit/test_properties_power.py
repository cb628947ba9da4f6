"""S6 and S12 on plant truth: the node's budget, and what the drivers do alone in silence."""

import pytest

from flight.core.types import Allotment
from tests.unit.truth_stand_in import World

S = 1_000_000_000


@pytest.fixture
def world():
    made = World()
    made.fly(2.0)
    return made


def test_s6_an_arbiter_that_forgets_the_budget_is_seen(world):
    world.command("node_budget", power_w=2500.0)
    world.fly(1.0)
    assert world.broken() == []
    world.step()
    (violation,) = world.checker.ledger.violations
    assert (violation.property, violation.subject) == ("S6", "node")
    assert violation.value == pytest.approx(5250.0)
    assert violation.limit == pytest.approx(2550.0)


@pytest.mark.parametrize(("others_w", "is_broken"), [(549.0, False), (551.0, True)])
def test_s6_the_budget_holds_for_all_loads_with_two_percent(world, others_w, is_broken):
    world.command("node_budget", power_w=5245.0)  # 5349.9 W with its tolerance
    world.others_w = others_w
    world.fly(2.0)
    assert world.broken() == ([] if not is_broken else ["S6"])
    world.truth.accel_power_w[:] = 300.0
    world.fly(1.0)


def test_s6_a_refused_budget_is_not_in_force(world):
    world.acks_ok = False
    world.command("node_budget", power_w=2500.0)
    world.fly(3.0)
    assert world.broken() == []


def test_s6_the_configured_maximum_is_a_budget_too(world):
    world.others_w = 2400.0
    world.step()
    assert world.broken() == ["S6"]


def test_s6_a_raised_budget_counts_at_once(world):
    world.command("node_budget", power_w=5300.0)
    world.fly(3.0)
    world.command("node_budget", power_w=7000.0)
    world.others_w = 1500.0
    world.fly(3.0)
    assert world.broken() == []


def test_s6_a_grant_binds_and_its_end_falls_back(world):
    world.allotment = Allotment(power_w=5300.0, heat_w=6000.0, valid_until_ns=10 * S)
    world.fly(7.0)
    assert world.broken() == []
    world.fly(1.0)  # to its end, at 10 s
    world.fly(0.9)
    assert world.broken() == []
    world.fly(0.3)
    assert world.broken() == ["S6"]
    assert world.checker.ledger.violations[0].limit == pytest.approx(2200.0 * 1.02)


@pytest.mark.parametrize(("late_s", "is_broken"), [(0.8, False), (1.3, True)])
def test_s6_one_that_boots_draws_what_it_likes_for_a_second(world, late_s, is_broken):
    world.truth.accel_alive[3] = world.truth.accel_power_w[3] = 0.0
    world.fly(2.0)
    world.truth.accel_alive[3], world.truth.accel_power_w[3] = 1.0, 700.0
    world.fly(late_s)
    assert world.broken() == (["S6"] if is_broken else [])
    world.truth.accel_power_w[3] = 600.0
    world.fly(1.0)


def test_s6_one_that_cannot_be_told_its_cap_is_left_out_of_the_budget_for_ten_seconds(world):
    world.inject("cap_ignored", "accel1")
    world.command("node_budget", power_w=3000.0)
    world.granted = [300.0] * 8
    world.step()
    world.truth.accel_power_w[:] = 300.0
    world.truth.accel_power_w[1] = 700.0
    world.fly(9.0)
    assert world.broken() == []
    world.fly(2.0)
    assert {v.subject for v in world.checker.ledger.violations} >= {"accel1", "node"}


def test_s6_a_module_that_hears_no_switch_is_left_out_of_the_budget(world):
    world.inject("i2c_nack", "accel1_54v")
    world.command("node_budget", power_w=2000.0)
    world.granted = [200.0] + [0.0] + [200.0] * 6
    world.truth.accel_power_w[:] = 200.0
    world.others_w = 500.0
    world.fly(3.0)
    assert world.broken() == []
    world.granted[1] = 200.0
    world.fly(3.0)
    assert world.broken() == ["S6"]


def test_s6_in_silence_the_drivers_owe_no_more_than_safe_caps(world):
    world.command("node_budget", power_w=2100.0)
    world.granted = [200.0] * 8
    world.step()
    world.truth.accel_power_w[:] = world.setpoint.accel_cap_w[:] = 200.0
    world.fly(2.0)
    world.beats = False
    world.fly(1.4)
    world.setpoint.pump_speed_target_rpm[:] = 6000.0
    world.step()
    world.others_w = 600.0
    world.fly(3.0)
    assert world.broken() == []
    world.beats = True
    world.epoch += 1
    world.fly(0.9)
    assert world.broken() == []
    world.fly(0.2)
    assert world.broken() == ["S6"]


def test_s6_a_module_that_opened_in_this_step_still_counts_with_its_minimum(world):
    world.granted[2] = 0.0
    world.truth.accel_power_w[:] = 612.0
    world.truth.accel_power_w[2] = 200.0
    world.fly(2.0)
    world.setpoint.module_enabled[2] = 0.0  # its power falls in the next step
    world.step()
    assert "S6" not in world.broken()


def fall_silent(world):
    """To 3 s after the last heartbeat, with everything as S12 wants it."""
    world.beats = False
    world.fly(1.4)
    world.setpoint.accel_cap_w[:] = world.truth.accel_power_w[:] = 200.0
    world.setpoint.pump_speed_target_rpm[:] = 6000.0
    world.fly(1.6)


@pytest.mark.parametrize("cap_w", [200.0, 600.0])
def test_s12_silence_brings_safe_caps_within_the_lease(world, cap_w):
    world.beats = False
    world.fly(1.5)
    assert world.broken() == []
    world.setpoint.accel_cap_w[:] = cap_w
    world.setpoint.pump_speed_target_rpm[:] = 6000.0
    world.truth.accel_power_w[:] = 200.0
    world.fly(1.5)
    assert world.broken() == ([] if cap_w == 200.0 else ["S12"])


def test_s12_a_short_stall_lapses_nothing(world):
    world.beats = False
    world.fly(1.4)
    world.beats = True
    world.fly(1.0)
    assert world.broken() == []


@pytest.mark.parametrize("takes_epoch", [True, False])
def test_s12_full_power_returns_only_with_a_newer_epoch_in_the_heartbeat(world, takes_epoch):
    fall_silent(world)
    world.late_cycle(takes_epoch=takes_epoch)  # says in both cases that it took one
    world.beats = True
    world.step()
    assert world.broken() == []
    world.setpoint.accel_cap_w[:] = 220.0
    world.step()
    assert world.broken() == ([] if takes_epoch else ["S12"])


def test_s12_an_epoch_that_nobody_announced_counts(world):
    fall_silent(world)
    world.epoch += 1
    world.beats = True
    world.step()
    world.setpoint.accel_cap_w[:] = 600.0
    world.step()
    assert world.broken() == []


def test_s12_a_daemon_that_decides_without_beating_is_silent(world):
    for _ in range(20):
        world.now_ns += S // 10
        world.cycle(beats=False)
        world.checker.check(world.now_ns)
    assert world.broken() == ["S12"]


@pytest.mark.parametrize(("clock_mhz", "is_broken"), [(345.0, False), (1980.0, True)])
def test_s12_a_lapse_lifts_no_clock(world, clock_mhz, is_broken):
    world.setpoint.accel_clock_max_mhz[2] = 345.0
    world.step()
    fall_silent(world)
    world.setpoint.accel_clock_max_mhz[2] = clock_mhz
    world.step()
    assert world.broken() == (["S12"] if is_broken else [])


def test_s12_a_clock_that_the_lapse_itself_lifted_is_seen(world):
    world.setpoint.accel_clock_max_mhz[2] = 345.0
    world.step()
    world.beats = False
    world.fly(1.4)
    world.setpoint.accel_cap_w[:] = world.truth.accel_power_w[:] = 200.0
    world.setpoint.pump_speed_target_rpm[:] = 6000.0
    world.setpoint.accel_clock_max_mhz[2] = 1980.0
    world.fly(1.0)
    assert world.broken() == ["S12"]


@pytest.mark.parametrize("pump", [0, 1])
def test_s12_silence_brings_both_pumps_to_their_safe_speed(world, pump):
    fall_silent(world)
    assert world.broken() == []
    world.setpoint.pump_speed_target_rpm[pump] = 4500.0
    world.step()
    assert world.broken() == ["S12"]
