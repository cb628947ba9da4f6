"""Quick looks at a whole cycle: each is right when it says yes, and then saves what it names.

tests/property/test_core_shortcuts.py flies stories with and without them: decisions are equal.
"""

from flight.core import commands, ladder, notices, rails
from flight.core.config import CoreConfig
from flight.core.cycle import Sensed
from flight.core.modes import ModeEvent, ModeState
from flight.core.monitors import Responding
from flight.core.pumps import PumpPhase, PumpsState
from flight.core.state import State
from flight.core.types import Inputs, Mode

_LEFT_BY_COMMAND = frozenset({Mode.STANDBY, Mode.SAFE, Mode.SURVIVAL})
_LEFT_BY_CHARGE = frozenset(
    {ModeEvent.CHARGE_LOW, ModeEvent.CHARGE_SURVIVABLE, ModeEvent.CHARGE_CRITICAL}
)


def rests(
    state: State,
    sensed: Sensed,
    outcome: commands.Outcome,
    responding: Responding,
    pumped: PumpsState,
    rung: int,
    clocks_mhz_max: tuple[float, ...],
) -> bool:
    """A quick look, right when it says yes: health, mode and accelerators stay as they are.

    So do rails, reflexes and clocks while the shared power stays too. It says yes with nothing
    commanded, restored, raised, held, shed, drained or on its way, everyone in service answering,
    and in a mode that no time ends.
    """
    health = state.health
    return (
        not responding
        and (state.mode.mode is Mode.NOMINAL or _stays(state.mode))
        and sensed.flags is None
        and state.settled
        and state.calm
        and pumped is state.pumps
        and pumped.phase is PumpPhase.STEADY
        and rung == ladder.RUNG_NOMINAL == state.ladder.rung
        and health.readings_ns > 0
        and health.charge_ns > 0
        and not health.boot_ns
        and outcome.accels is state.accels
        and outcome.operator is state.operator
        and outcome.mode_event is None
        and outcome.restart is None
        and state.clocks_mhz is clocks_mhz_max
        and (sensed.judged.all_good or not _anyone_is_silent(state, sensed))
    )


def _stays(mode: ModeState) -> bool:
    """Only a command, a fault or a low charge ends this mode: no time does, nor a charge."""
    return mode.mode in _LEFT_BY_COMMAND and mode.cause not in _LEFT_BY_CHARGE


def _anyone_is_silent(state: State, sensed: Sensed) -> bool:
    """An accelerator in service has no core reading."""
    for core_c, pair in zip(sensed.readings.core_temp_c, state.pairs, strict=True):
        if core_c != core_c and pair[0] in rails.SERVED:
            return True
    return False


def accelerators_are_calm(
    state: State, sensed: Sensed, outcome: commands.Outcome, mode: ModeState
) -> bool:
    """A quick look, right when it says yes: nobody leaves, is silent, or is being reset."""
    return (
        outcome.operator.disabled is state.operator.disabled
        and outcome.accels is state.accels
        and mode is state.mode
        and state.calm
        and (sensed.judged.all_good or not _anyone_is_silent(state, sensed))
    )


def notices_hold(core: CoreConfig, before: State, after: State, inputs: Inputs) -> bool:
    """A quick look, right when it says yes: nothing that the notices speak of has changed."""
    was = before.notices
    return (
        inputs.now_ns < was.wake_ns
        and inputs.claims is was.claims
        and inputs.plan is was.plan
        and inputs.orbit is was.orbit
        and after.pairs is before.pairs
        and after.accels is before.accels
        and after.mode is before.mode
        and after.operator.disabled is before.operator.disabled
        and after.pumps.phase is before.pumps.phase
        and after.ladder.rung == before.ladder.rung
        and (
            after.grants is before.grants
            or (
                after.grants.reason == before.grants.reason
                and not notices.guards_are_low(core, after.grants)
                and not notices.guards_are_low(core, before.grants)  # one that rises is told too
            )
        )
    )
