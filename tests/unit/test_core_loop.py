"""Pumps, bypass and heaters."""

from collections import deque

import pytest

from flight.core import pumps, temperature
from flight.core.config_loop import LoopConfig
from flight.core.pumps import PumpPhase, PumpSample, PumpsState, PumpsWanted
from flight.core.temperature import TemperatureState

CONFIG = LoopConfig()
S = 1_000_000_000
GOOD, STOPPED, DARK = PumpSample(4000.0, 1.9), PumpSample(0.0, 0.0), PumpSample(None, None)


class Bench:
    """Pump a has run for long; readings are given per cycle of 100 ms."""

    def __init__(self) -> None:
        self.now_ns = 100 * S
        self.state = PumpsState(
            0,
            target_rpm=(4000.0, 0.0),
            started_ns=(S, S),
            flow_since_ns=2 * S,
            wanted=PumpsWanted.ONE,
        )

    def cycle(
        self,
        a: PumpSample = GOOD,
        b: PumpSample = STOPPED,
        flow: float | None = 0.144,
        *,
        count: int = 1,
        fresh: bool = True,
        **more: object,
    ) -> PumpsState:
        for _ in range(count):
            self.now_ns += S // 10
            if fresh:
                self.sampled_ns = self.now_ns
            at = {"speed_ns": self.sampled_ns, "current_ns": self.sampled_ns}
            values = {"wanted": PumpsWanted.ONE, "loss_response": True, "hot": False, **more}
            self.state = pumps.step(
                CONFIG, self.state, pumps=(a._replace(**at), b._replace(**at)),
                flow_kg_per_s=flow, flow_ns=self.sampled_ns, now_ns=self.now_ns, **values,
            )  # fmt: skip
        return self.state


@pytest.mark.parametrize(
    ("a", "flow"),
    [
        (STOPPED, 0.0),
        (STOPPED, 0.144),  # flow sensor stuck
        (GOOD, 0.02),  # speed sensor stuck
        (PumpSample(3700.0, 0.0), 0.144),  # breaker open, still turning
        (PumpSample(None, 0.0), 0.144),
        (STOPPED, None),
    ],
)
def test_any_sign_of_a_loss_is_answered_within_300_ms(a: PumpSample, flow: float | None) -> None:
    bench = Bench()
    state = bench.cycle(a, flow=flow, count=3)
    assert state.phase is PumpPhase.LOST
    assert state.caps_are_safe
    assert state.target_rpm[1] == 4000.0


@pytest.mark.parametrize("flow", [0.0, 0.144])
def test_one_bad_sample_is_no_loss(flow: float) -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=flow)
    assert bench.cycle(count=20).phase is PumpPhase.STEADY


def test_a_failed_pump_is_left_off_until_commanded() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=3)
    state = bench.cycle(STOPPED, GOOD, count=130)
    assert state.phase is PumpPhase.STEADY
    assert state.failed == (True, False)
    assert state.target_rpm == (0.0, 4000.0)
    state = pumps.clear_failed(state, 0)
    assert state.failed == (False, False)


def test_caps_are_released_after_ten_seconds_of_flow_and_not_before() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=13)
    assert bench.cycle(STOPPED, GOOD, count=99).caps_are_safe
    assert not bench.cycle(STOPPED, GOOD, count=2).caps_are_safe


def test_a_pump_that_turns_without_lifting_is_not_run_alone_again() -> None:
    bench = Bench()
    assert bench.cycle(GOOD, flow=0.02, count=3).phase is PumpPhase.LOST
    state = bench.cycle(GOOD, GOOD, count=130)
    assert state.phase is PumpPhase.STEADY
    assert state.failed == (False, False)
    assert state.target_rpm == (0.0, 4000.0)


def test_a_pump_that_failed_before_stays_off_when_the_flow_alone_was_low() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=3)
    bench.cycle(STOPPED, GOOD, count=130)
    bench.cycle(STOPPED, GOOD, flow=0.02, count=3)
    state = bench.cycle(STOPPED, GOOD, count=130)
    assert state.phase is PumpPhase.STEADY
    assert state.target_rpm == (0.0, 4000.0)


def test_without_flow_it_is_dead_by_five_seconds_after_the_stop() -> None:
    bench = Bench()
    assert bench.cycle(STOPPED, flow=0.0, count=44).phase is PumpPhase.LOST
    assert bench.cycle(STOPPED, flow=0.0, count=6).phase is PumpPhase.DEAD


def test_the_last_pump_is_always_kept_running() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=3)
    bench.cycle(STOPPED, GOOD, count=140)
    state = bench.cycle(STOPPED, STOPPED, flow=0.0, count=60)
    assert state.failed == (True, True)
    assert state.target_rpm == (0.0, 4000.0)


def test_all_loop_sensors_lost_is_no_pump_loss() -> None:
    assert Bench().cycle(DARK, DARK, flow=None, count=100).phase is PumpPhase.STEADY


def test_an_inhibited_response_does_nothing() -> None:
    state = Bench().cycle(STOPPED, flow=0.0, count=100, loss_response=False)
    assert state.phase is PumpPhase.STEADY


def test_both_run_in_boot_and_one_trickles_in_survival() -> None:
    bench = Bench()
    assert bench.cycle(GOOD, GOOD, wanted=PumpsWanted.BOTH).target_rpm == (4000.0, 4000.0)
    assert bench.cycle(GOOD, GOOD, wanted=PumpsWanted.TRICKLE).target_rpm == (2000.0, 0.0)


def bypass(
    state: TemperatureState,
    supply: float | None,
    seconds: float,
    *,
    radiator: float | None = 10.0,
) -> TemperatureState:
    for _ in range(round(seconds * 10)):
        state = temperature.step(
            CONFIG, state, supply_temp_c=supply, battery_temp_c=20.0, radiator_temp_c=radiator,
            dt_s=0.1,
        )  # fmt: skip
        assert 0.0 <= state.bypass_ratio <= CONFIG.bypass_ratio_max
    return state


def test_a_cold_supply_opens_the_bypass_and_a_warm_one_closes_it() -> None:
    cold = bypass(TemperatureState(), 8.0, 250.0)
    assert cold.bypass_ratio == CONFIG.bypass_ratio_max
    assert (cold.heater_a_on, cold.heater_b_on) == (True, False)
    warm = bypass(cold, 40.0, 100.0)
    assert warm == TemperatureState()


@pytest.mark.parametrize("delay_s", [14.0, 28.0], ids=["nominal flow", "trickle"])
def test_the_supply_settles_although_the_valve_is_felt_late(delay_s: float) -> None:
    """Both pipes are in between; past a radiator at -35 degC it is 50 K warmer than through."""
    state = TemperatureState(bypass_ratio=0.4)
    pipe = deque([0.4] * round(delay_s * 10))
    supplies = []
    for _ in range(10_000):
        pipe.append(state.bypass_ratio)
        supply = 15.0 + 50.0 * (pipe.popleft() - 0.5)
        state = bypass(state, supply, 0.1)
        supplies.append(supply)
    assert max(abs(supply - 15.0) for supply in supplies[-2000:]) < 0.2


def test_a_lost_supply_sensor_leaves_valve_and_heaters() -> None:
    state = TemperatureState(0.4, heater_a_on=True, heater_a_wanted=True)
    assert bypass(state, None, 10.0) == state


def test_the_battery_heater_is_off_when_its_sensor_is_lost() -> None:
    state = TemperatureState()
    for battery_c, on in (
        (4.0, True),
        (7.0, True),
        (9.0, False),
        (7.0, False),
        (4.0, True),
        (None, False),
    ):
        for _ in range(11):
            state = temperature.step(
                CONFIG, state, supply_temp_c=30.0, battery_temp_c=battery_c, radiator_temp_c=20.0,
                dt_s=0.1,
            )  # fmt: skip
        assert state.battery_heater_on is on


def test_a_heater_waits_until_the_accelerators_have_given_up_its_watts() -> None:
    state = TemperatureState()
    cold = {"supply_temp_c": 5.0, "battery_temp_c": 1.0, "radiator_temp_c": -30.0}
    for k in range(1, 15):
        state = temperature.step(CONFIG, state, **cold, dt_s=0.1)
        assert temperature.reserved_w(CONFIG, state) == 1660.0
        are_on = (state.heater_a_on, state.heater_b_on, state.battery_heater_on)
        assert are_on == ((k >= 10,) * 3)
    warm = dict.fromkeys(cold, 30.0)
    state = temperature.step(CONFIG, state, **warm, dt_s=0.1)
    assert not (state.heater_a_on or state.heater_b_on or state.battery_heater_on)
    assert temperature.reserved_w(CONFIG, state) == 0.0


@pytest.mark.parametrize("supply", [5.0, 15.0, 40.0])
def test_a_cold_radiator_gets_both_heaters_whatever_the_supply(supply: float) -> None:
    cold = bypass(TemperatureState(), supply, 2.0, radiator=-25.1)
    assert (cold.heater_a_on, cold.heater_b_on) == (True, True)
    assert bypass(cold, supply, 2.0, radiator=-20.1).heater_b_on
    warm = bypass(cold, supply, 2.0, radiator=-19.9)
    assert (warm.heater_a_on, warm.heater_b_on) == (supply < CONFIG.heater_off_c, False)


def test_the_supply_stands_in_for_a_radiator_that_is_not_read() -> None:
    warm = bypass(TemperatureState(), 15.0, 2.0, radiator=None)
    assert (warm.heater_a_on, warm.heater_b_on) == (False, False)
    cold = bypass(warm, 9.0, 2.0, radiator=None)
    assert (cold.heater_a_on, cold.heater_b_on) == (True, True)
    assert bypass(cold, None, 2.0, radiator=None)[1:3] == (True, True)


def test_a_bad_value_that_is_only_held_is_no_loss() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0)
    state = bench.cycle(STOPPED, flow=0.0, count=5, fresh=False)
    assert state.phase is PumpPhase.STEADY
    assert bench.cycle(STOPPED, flow=0.0, count=2).phase is PumpPhase.LOST


@pytest.mark.parametrize("length", [1, 2])
def test_a_short_gap_in_good_flow_long_after_a_loss_is_not_dead(length: int) -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=20)
    bench.cycle(STOPPED, GOOD, count=30)
    assert bench.cycle(STOPPED, STOPPED, flow=0.0, count=length).phase is PumpPhase.LOST
    assert bench.cycle(STOPPED, GOOD, count=105).phase is PumpPhase.STEADY


def test_flow_that_fails_again_after_a_recovery_gets_its_own_time() -> None:
    bench = Bench()
    bench.cycle(STOPPED, flow=0.0, count=20)
    bench.cycle(STOPPED, GOOD, count=50)
    assert bench.cycle(STOPPED, STOPPED, flow=0.0, count=45).phase is PumpPhase.LOST
    assert bench.cycle(STOPPED, STOPPED, flow=0.0, count=2).phase is PumpPhase.DEAD


def test_one_good_sample_without_flow_does_not_start_the_time_again() -> None:
    bench = Bench()
    bench.cycle(STOPPED, STOPPED, flow=0.0, count=30)
    bench.cycle(STOPPED, GOOD, flow=0.144)
    assert bench.cycle(STOPPED, STOPPED, flow=0.0, count=20).phase is PumpPhase.DEAD


def test_a_flow_sensor_alone_against_two_running_pumps_lowers_caps_and_no_more() -> None:
    bench = Bench()
    bench.cycle(GOOD, GOOD, flow=0.0, count=3)
    state = bench.cycle(GOOD, GOOD, flow=0.0, count=600)
    assert state.phase is PumpPhase.LOST
    assert state.caps_are_safe
    assert state.failed == (False, False)
    assert bench.cycle(GOOD, GOOD, count=105).phase is PumpPhase.STEADY


def test_a_core_that_stays_hot_bears_a_low_flow_sensor_out() -> None:
    bench = Bench()
    bench.cycle(GOOD, GOOD, flow=0.0, count=60)
    assert bench.cycle(GOOD, GOOD, flow=0.0, hot=True).phase is PumpPhase.DEAD
