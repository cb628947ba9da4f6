"""S11: SAFE is reachable from everywhere, and left only by command or a verified condition.

On the table, on the whole step in any story, and in whole flights on plant truth; there SAFE is
shown to be power-positive as well. Each way to break it below is found.
"""

from types import MappingProxyType

import pytest
from hypothesis import given

from flight.core import mode_law, modes
from flight.core.modes import MODES, TABLE, ModeEvent
from flight.core.types import Mode
from tests.property.aimed_flights import Aim, changed, flights, scene
from tests.property.core_stories import (
    FAULTS,
    ORDERS,
    OTHERS,
    STUCK,
    Story,
    begin,
    examples,
    fresh,
    order,
    stories,
)
from tests.property.flight_strategies import Scenario
from tests.system.flying import flight_of

LEAVES_SAFE = frozenset(
    {
        ModeEvent.COMMAND_STANDBY,
        ModeEvent.COMMAND_NOMINAL,
        ModeEvent.COMMAND_SURVIVAL,
        ModeEvent.SAFE_VERIFIED,
        ModeEvent.CHARGE_CRITICAL,  # further down
    }
)
LEAVES_SURVIVAL = frozenset({ModeEvent.COMMAND_SAFE, ModeEvent.CHARGE_SURVIVABLE})
FROM_OUTSIDE = frozenset(
    {ModeEvent.COMMAND_SAFE, ModeEvent.CRITICAL_FAULT, ModeEvent.HOST_RESTARTED}
)
DRAINED_S = 6.0  # the claims of the stories allow 5 s


def test_safe_is_one_command_away_from_every_mode() -> None:
    for mode in MODES:
        assert TABLE[(mode, ModeEvent.COMMAND_SAFE)] is Mode.SAFE


def test_survival_is_one_command_and_one_condition_away_from_every_mode() -> None:
    for mode in MODES:
        assert TABLE[(mode, ModeEvent.COMMAND_SURVIVAL)] is Mode.SURVIVAL
        assert TABLE[(mode, ModeEvent.CHARGE_CRITICAL)] is Mode.SURVIVAL


@pytest.mark.parametrize("event", sorted(FROM_OUTSIDE))
def test_what_calls_for_safe_leads_there_from_every_mode_that_is_above_it(event: str) -> None:
    for mode in MODES:
        if mode is not Mode.SURVIVAL:
            assert TABLE[(mode, ModeEvent(event))] is Mode.SAFE


@pytest.mark.parametrize("event", list(ModeEvent))
def test_safe_and_survival_are_left_by_the_events_named_here_and_no_other(event: ModeEvent) -> None:
    assert (TABLE[(Mode.SAFE, event)] not in (Mode.SAFE, None)) == (event in LEAVES_SAFE)
    left = TABLE[(Mode.SURVIVAL, event)] not in (Mode.SURVIVAL, None)
    assert left == (event in LEAVES_SURVIVAL)


def breaches(story: Story) -> list[str]:
    """Fly a story, then command SAFE; return each breach of S11."""
    node = fresh()
    node.cycle()
    found: list[str] = []
    for (what, which), cycles in story:
        commands = begin(node, what, which)
        for _ in range(cycles):
            was = node.state.mode
            node.cycle(*commands)
            now = node.state.mode
            allowed = {Mode.SAFE: LEAVES_SAFE, Mode.SURVIVAL: LEAVES_SURVIVAL}.get(was.mode)
            if allowed is not None and now.mode is not was.mode:
                if now.cause not in allowed:
                    found.append(f"{was.mode} left by {now.cause}")
                is_due = now.since_ns - was.since_ns >= node.config.modes.verify_s * 1e9
                if now.cause is ModeEvent.SAFE_VERIFIED and not is_due:
                    found.append("a condition was verified in no time")
                if str(now.cause).startswith("command_") and not commands:
                    found.append("left by a command that nobody gave")
            commands = ()
    decision = node.cycle(order("set_mode", mode="SAFE"))
    if decision.mode is not Mode.SAFE and node.state.ladder.rung < 4:
        found.append(f"SAFE is not reachable: {decision.mode}")
    node.fly(DRAINED_S)
    if max(node.decision.cap_w) > 0.0 or any(node.state.pairs[i].phase == "on" for i in range(8)):
        found.append("SAFE keeps accelerators on")
    return found


@examples(30)
@given(story=stories(*FAULTS, STUCK, *ORDERS, *OTHERS))
def test_safe_is_reached_from_any_story_and_left_only_as_allowed(story: Story) -> None:
    assert breaches(story) == []


LOST_READINGS: Story = [(("mute", "eps.battery.temp_c"), 1), (("mode", "SAFE"), 60)]
LOW_CHARGE: Story = [(("charge", 0.35), 60), (("limit", 0), 60), (("charge", 0.95), 60)] + [
    (("limit", 0), 60)
] * 6
DEGRADED: Story = [(("nack", "loop"), 20)]


def _with(mode: Mode, event: ModeEvent, target: Mode | None) -> object:
    return MappingProxyType({**TABLE, (mode, event): target})


BREAKS: dict[str, tuple[object, str, object, Story]] = {
    "readings leave SAFE": (
        modes, "TABLE", _with(Mode.SAFE, ModeEvent.READINGS_LOST, Mode.NOMINAL),
        [(("mode", "SAFE"), 5), (("nack", "loop"), 20)],
    ),
    "nothing verified": (mode_law, "_charge_is_verified", lambda *_: True, LOW_CHARGE),
    "DEGRADED refuses": (
        modes, "TABLE", _with(Mode.DEGRADED, ModeEvent.COMMAND_SAFE, None), DEGRADED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, broken, story = BREAKS[name]
    assert breaches(story) == []
    monkeypatch.setattr(module, attribute, broken)
    assert breaches(story) != []


ANYWHERE = Aim(
    faults=(
        "pump_stop", "latch_up", "sensor_stuck", "sensor_bias", "nvml_call_fails", "nvml_hang",
        "accel_lost", "cap_ignored", "string_loss", "rail_trip",
    ),
    seconds=(40, 100),
    charge_percent=(50, 100),
    modes=("NOMINAL", "NOMINAL", "STANDBY", "SAFE"),
)  # fmt: skip
SAFE_S = 10.0  # nobody drains in these flights


def not_safe(data: Scenario) -> list[str]:
    """Fly, command SAFE at the end; return what of the node is not safe 10 s later."""
    with flight_of(data, duration_s=300.0) as flight:
        flight.fly(float(data["duration"].removesuffix(" s")))
        flight.command_port.submit(order("set_mode", mode="SAFE"))
        flight.fly(SAFE_S)
        decision, setpoint = flight.node.cycle.last_decision, flight.node.image.setpoint
        assert decision is not None
        found = [] if decision.mode is Mode.SAFE else [f"the mode is {decision.mode}"]
        found += [f"accel{i} is on" for i in range(8) if setpoint.module_enabled[i] > 0.0]
        return found + [str(violation) for violation in flight.properties.ledger.violations]


@examples(20)
@given(flights(ANYWHERE))
def test_safe_is_reached_on_plant_truth_from_any_flight(data: Scenario) -> None:
    assert not_safe(data) == []


def test_a_flight_that_refuses_safe_is_found() -> None:
    refuses = _with(Mode.NOMINAL, ModeEvent.COMMAND_SAFE, None)
    assert not_safe(scene(30)) == []
    with changed(lambda patch: patch.setattr(modes, "TABLE", refuses)):
        assert not_safe(scene(30)) != []


ECLIPSE_S = 2160.0  # of 5739 s, with its penumbra
PERIOD_S = 5739.0


def gained(mode: str, *, dark_s: float, sunlit_s: float) -> float:
    """Fly the last part of an eclipse and some sunlight; return what the battery has gained."""
    phase = (ECLIPSE_S - dark_s) / PERIOD_S
    data = scene(dark_s + sunlit_s, orbit_phase=phase, charge_ratio=0.6, mode=mode)
    with flight_of(data) as flight:
        flight.fly(dark_s + sunlit_s)
        return float(flight.node.image.truth.charge_ratio[0]) - 0.6


def test_safe_gains_more_in_five_minutes_of_sun_than_a_whole_eclipse_takes() -> None:
    assert gained("SAFE", dark_s=ECLIPSE_S, sunlit_s=300.0) > 0.0


def test_a_node_that_computes_on_does_not() -> None:
    assert gained("NOMINAL", dark_s=430.0, sunlit_s=60.0) < 0.0
