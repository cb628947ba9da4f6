"""Rail sequencing of one accelerator and of the payload bus."""

import pytest

from flight.core import rails
from flight.core.config import RailsConfig
from flight.core.rails import (
    AUX_ON,
    MODULE_ON,
    Conditions,
    Pair,
    PairSample,
    Payload,
    PayloadPhase,
    Phase,
)

CONFIG = RailsConfig()
S = 1_000_000_000
DEAD = PairSample(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, answers=False)
AUX_GOOD = PairSample(1.0, 3.3, 0.8, 0.0, 0.0, 0.0, answers=False)
BOTH_GOOD = PairSample(1.0, 3.3, 0.8, 1.0, 54.0, 1.3, answers=False)
ANSWERS = BOTH_GOOD._replace(answers=True)


def at(now_s: float, **more: bool) -> Conditions:
    known = {"flow_good": True, "payload_good": True, "module_turn": True, **more}
    return Conditions(now_ns=round(now_s * S), **known)


def step(
    pair: Pair, sample: PairSample, now_s: float, *, wanted: bool = True, **more: bool
) -> Pair:
    return rails.step(CONFIG, pair, sample, at(now_s, **more), wanted=wanted)


def test_the_whole_climb_goes_in_order() -> None:
    pair, phases = Pair(Phase.OFF), []
    for k, sample in enumerate([DEAD, AUX_GOOD, AUX_GOOD, BOTH_GOOD, ANSWERS]):
        pair = step(pair, sample, 10.0 + k / 10)
        phases.append(pair.phase)
    assert phases == [Phase.AUX, Phase.READY, Phase.MODULE, Phase.STARTING, Phase.PROBATION]
    assert step(pair, ANSWERS, 20.0).phase is Phase.ON


@pytest.mark.parametrize("missing", ["flow_good", "payload_good"])
def test_nothing_starts_without_flow_or_payload_bus(missing: str) -> None:
    assert step(Pair(Phase.OFF), DEAD, 10.0, **{missing: False}).phase is Phase.OFF


@pytest.mark.parametrize("field", ["aux_current_a", "module_current_a"])
@pytest.mark.parametrize("value", [None, 0.6])
def test_nothing_starts_while_current_flows_or_is_unknown(field: str, value: float | None) -> None:
    assert step(Pair(Phase.OFF), DEAD._replace(**{field: value}), 10.0).phase is Phase.OFF


def test_the_off_time_is_kept() -> None:
    pair = rails.switch_off(CONFIG, Pair(Phase.ON), reason="test", now_ns=10 * S)
    pair = step(pair, DEAD, 10.1)
    assert step(pair, DEAD, 10.5).phase is Phase.OFF
    assert step(pair, DEAD, 10.6).phase is Phase.AUX


def test_the_module_waits_for_its_turn() -> None:
    assert step(Pair(Phase.READY), AUX_GOOD, 10.0, module_turn=False).phase is Phase.READY


@pytest.mark.parametrize("phase", [Phase.AUX, Phase.MODULE])
def test_power_good_is_awaited_half_a_second(phase: Phase) -> None:
    pair = Pair(phase, 10 * S)
    assert step(pair, DEAD, 10.4).phase is phase
    failed = step(pair, DEAD, 10.5)
    assert failed.phase is Phase.OFF
    assert len(failed.retries_ns) == 1


def test_ready_falls_back_when_flow_is_lost() -> None:
    assert step(Pair(Phase.READY), AUX_GOOD, 10.0, flow_good=False).phase is Phase.OFF


def test_an_accelerator_that_never_answers_is_switched_off() -> None:
    assert step(Pair(Phase.STARTING, 10 * S), BOTH_GOOD, 20.0).phase is Phase.OFF


def test_the_fourth_fault_in_ten_minutes_latches_off() -> None:
    pair = Pair(Phase.ON)
    for k in range(3):
        pair = rails.trip(CONFIG, pair, reason="t", off_s=0.5, now_ns=(100 + k) * S)
        assert pair.phase is Phase.OFF
    pair = rails.trip(CONFIG, pair, reason="t", off_s=0.5, now_ns=600 * S)
    assert pair.phase is Phase.LATCHED_OFF
    assert step(pair, DEAD, 5000.0).phase is Phase.LATCHED_OFF
    assert rails.clear(pair).phase is Phase.OFF


def test_old_retries_are_forgotten() -> None:
    pair = Pair(Phase.ON, retries_ns=(1 * S, 2 * S, 3 * S))
    assert rails.trip(CONFIG, pair, reason="t", off_s=0.5, now_ns=700 * S).phase is Phase.OFF


def test_an_aux_rail_is_never_off_while_its_module_is_commanded_on() -> None:
    assert MODULE_ON < AUX_ON


def test_rails_are_adopted_as_found_once_both_are_sensed() -> None:
    unknown = Pair()
    assert step(unknown, ANSWERS._replace(aux_enable=None), 10.0).phase is Phase.UNKNOWN
    assert step(unknown, ANSWERS, 10.0).phase is Phase.STARTING
    assert step(unknown, DEAD, 10.0).phase is Phase.OFF
    assert step(unknown, BOTH_GOOD._replace(aux_enable=0.0), 10.0).phase is Phase.OFF


def payload_step(payload: Payload, now_s: float, **more: object) -> Payload:
    values = {"enable": 1.0, "voltage_v": 54.0, "wanted": True, "modules_off": True, **more}
    return rails.step_payload(CONFIG, payload, now_ns=round(now_s * S), **values)


def test_the_payload_bus_is_closed_only_while_all_modules_are_off() -> None:
    payload = Payload(PayloadPhase.OFF)
    assert payload_step(payload, 10.0, modules_off=False).phase is PayloadPhase.OFF
    assert payload_step(payload, 10.0, wanted=False).phase is PayloadPhase.OFF
    assert payload_step(payload, 10.0).phase is PayloadPhase.SWITCHING


def test_a_payload_bus_that_does_not_become_good_is_opened_and_retried_then_latched() -> None:
    payload, now_s = Payload(PayloadPhase.OFF), 10.0
    for _ in range(60):
        now_s += 0.5
        payload = payload_step(payload, now_s, voltage_v=0.0)
    assert payload.phase is PayloadPhase.LATCHED_OFF
    assert rails.payload_enable(payload) == 0.0
    assert rails.clear_payload(payload).phase is PayloadPhase.OFF


def test_the_payload_bus_is_left_alone_until_sensed() -> None:
    payload = payload_step(Payload(), 10.0, enable=None)
    assert rails.payload_enable(payload) != rails.payload_enable(payload)
    assert payload_step(payload, 10.0).phase is PayloadPhase.ON


SILENT = PairSample(1.0, 3.3, 0.8, None, None, None, answers=False, module_answers=False)


def test_both_rails_go_off_in_one_decision_while_the_modules_part_answers() -> None:
    pair = step(Pair(Phase.ON, 5 * S), ANSWERS, 10.0, wanted=False)
    assert pair.phase is Phase.OFF
    assert not pair.aux_held


def test_the_auxiliary_rail_is_held_until_a_silent_module_is_known_to_be_open() -> None:
    pair = step(Pair(Phase.ON, 5 * S), SILENT, 10.0, wanted=False)
    for k in range(100):
        assert pair.aux_held
        pair = step(pair, SILENT, 10.1 + k / 10, wanted=False)
    still_on = SILENT._replace(module_enable=1.0, module_voltage_v=54.0, module_answers=True)
    assert step(pair, still_on, 21.0, wanted=False).aux_held
    for known in ({"module_enable": 0.0}, {"module_voltage_v": 0.1}, {"payload_dead": True}):
        assert not step(pair, SILENT._replace(**known), 21.0, wanted=False).aux_held


@pytest.mark.parametrize("field", ["aux_enable", "module_enable"])
@pytest.mark.parametrize("value", [1.0, None])
def test_the_off_time_counts_from_when_both_switches_read_open(
    field: str, value: float | None
) -> None:
    pair = rails.switch_off(CONFIG, Pair(Phase.ON), reason="test", now_ns=10 * S)
    unsure = DEAD._replace(**{field: value})
    for k in range(50):
        pair = step(pair, unsure, 10.1 + k / 10)
        assert pair.phase is Phase.OFF
    pair = step(pair, DEAD, 16.0)
    assert step(pair, DEAD, 16.4).phase is Phase.OFF
    assert step(pair, unsure, 16.5).phase is Phase.OFF
    assert step(pair, DEAD, 16.5).phase is Phase.AUX


def test_a_response_may_allow_fewer_retries() -> None:
    pair = Pair(Phase.ON, retries_ns=(100 * S, 101 * S))
    more = {"reason": "t", "off_s": 0.5, "now_ns": 102 * S}
    assert rails.trip(CONFIG, pair, **more).phase is Phase.OFF
    assert rails.trip(CONFIG, pair, **more, retry_count_max=2).phase is Phase.LATCHED_OFF


@pytest.mark.parametrize("aux_v", [None, 0.0])
def test_ready_falls_back_when_its_auxiliary_is_lost(aux_v: float | None) -> None:
    sample = AUX_GOOD._replace(aux_voltage_v=aux_v)
    assert step(Pair(Phase.READY), sample, 10.0).phase is Phase.OFF
