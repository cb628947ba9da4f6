"""Mode table: every pair decided, SAFE reachable from everywhere, left only on purpose."""

import pytest

from flight.core.modes import MODES, TABLE, ModeEvent, next_mode, render_mermaid
from flight.core.types import Mode

LEAVES_SAFE = {
    ModeEvent.COMMAND_STANDBY,
    ModeEvent.COMMAND_NOMINAL,
    ModeEvent.COMMAND_SURVIVAL,
    ModeEvent.SAFE_VERIFIED,
    ModeEvent.CHARGE_CRITICAL,
}


def test_every_pair_of_mode_and_event_is_decided() -> None:
    assert set(TABLE) == {(mode, event) for mode in Mode for event in ModeEvent}


@pytest.mark.parametrize("mode", list(Mode))
def test_safe_is_reachable_from_every_mode_in_one_step(mode: Mode) -> None:
    assert next_mode(mode, ModeEvent.COMMAND_SAFE) is Mode.SAFE


@pytest.mark.parametrize("event", list(ModeEvent))
def test_safe_is_left_only_by_command_verified_condition_or_downward(event: ModeEvent) -> None:
    target = next_mode(Mode.SAFE, event)
    assert (target is not Mode.SAFE) == (event in LEAVES_SAFE)


@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.SURVIVAL])
def test_a_critical_fault_leads_to_safe(mode: Mode) -> None:
    assert next_mode(mode, ModeEvent.CRITICAL_FAULT) is Mode.SAFE


def test_survival_is_not_left_by_a_fault() -> None:
    for event in (ModeEvent.CRITICAL_FAULT, ModeEvent.CHARGE_LOW, ModeEvent.READINGS_LOST):
        assert next_mode(Mode.SURVIVAL, event) is Mode.SURVIVAL


def test_only_commands_are_refused() -> None:
    refused = {event for (_, event), target in TABLE.items() if target is None}
    assert refused <= {e for e in ModeEvent if e.value.startswith("command_")}


def test_an_unknown_pair_raises() -> None:
    with pytest.raises(ValueError, match="no such pair"):
        next_mode(Mode.SAFE, "reboot")


def test_the_diagram_shows_every_change_of_the_table() -> None:
    text = render_mermaid()
    assert text.startswith("stateDiagram-v2")
    for (mode, event), target in TABLE.items():
        if target is not None and target is not mode:
            line = next(li for li in text.splitlines() if f"{mode} --> {target}:" in li)
            assert event.value in line
    assert len(MODES) == len(Mode)
