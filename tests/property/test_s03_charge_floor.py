"""S3: the charge stays above its hard floor, and each rung of the shed ladder acts within 10 s.

Whole flights in eclipse that begin shortly above or below a rung, with less sun, and with
accelerators that do not obey or do not hear. Each way to break the ladder below is found.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from flight.core import ladder, limits, responses
from flight.core.arbiter import CapReason, Limit
from flight.core.config import CoreConfig, LadderConfig
from flight.core.ladder import LadderState
from tests.property.aimed_flights import Aim, flights, flown, hold, scene
from tests.property.core_stories import examples
from tests.property.flight_strategies import Scenario

LOW = Aim(
    faults=(
        "string_loss", "cap_ignored", "nvml_call_fails", "nvml_hang", "daemon_stall", "latch_up",
        "sensor_stuck", "pump_stop", "cap_clamped",
    ),
    seconds=(60, 200),
    phase_percent=(0, 30),
    charge_percent=(50, 62),
    temp_c=(20, 50),
)  # fmt: skip


@examples(24)
@given(flights(LOW))
def test_every_rung_acts_in_time_in_any_flight_that_runs_low(data: Scenario) -> None:
    hold(data, "S3")


def start_at(charge_ratio: float, seconds: float) -> Scenario:
    """A node in eclipse at full load; its battery gives 1 % in about a minute."""
    return scene(seconds, charge_ratio=charge_ratio, orbit_phase=0.02, temp_c=40.0)


_ladder = ladder.step
_wanted = responses._wanted


def _no_rung(*_: object, **__: object) -> LadderState:
    return LadderState()


def _slow(config: LadderConfig, state: LadderState, **what: object) -> LadderState:
    late = config.model_copy(update={"down_s": 120.0})
    return _ladder(late, state, **what)  # type: ignore[arg-type]


def _no_limit(core: CoreConfig, _situation: object) -> Limit:
    return core.arbiter.cap_w_max, CapReason.MAXIMUM


def _none_shed(core: CoreConfig, situation: responses.Situation, *rest: object) -> list[bool]:
    return _wanted(core, replace(situation, rung=0), *rest)  # type: ignore[arg-type]


BREAKS: dict[str, tuple[object, str, Callable[..., object], Scenario]] = {
    "no ladder": (ladder, "step", _no_rung, start_at(0.58, 90.0)),
    "a rung that waits": (ladder, "step", _slow, start_at(0.49, 90.0)),
    "no cap on its first rung": (limits, "node_limit", _no_limit, start_at(0.58, 90.0)),
    "nobody shed on its second": (responses, "_wanted", _none_shed, start_at(0.49, 90.0)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_ladder_is_found(name: str) -> None:
    module, attribute, broken, data = BREAKS[name]
    assert flown(data).broken == set()
    found = flown(data, change=lambda patch: patch.setattr(module, attribute, broken)).broken
    assert found == {"S3"}


def test_a_charge_below_the_floor_is_found() -> None:
    ledger = flown(start_at(0.4005, 90.0))  # far outside of the start states of the claim
    assert [v.text for v in ledger.violations] == ["charge below the hard floor"]
