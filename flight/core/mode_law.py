"""Which mode events are due in a cycle; the table in modes.py says where they lead."""

from flight.core import ladder, modes, pumps, rails
from flight.core.config import CoreConfig
from flight.core.cycle import Sensed
from flight.core.modes import ModeEvent, ModeState
from flight.core.monitors import Responding, Response
from flight.core.pumps import PumpsState
from flight.core.rails import Phase
from flight.core.state import Health, State
from flight.core.types import Mode

_BOOTED = {
    "STANDBY": ModeEvent.BOOTED_TO_STANDBY,
    "NOMINAL": ModeEvent.BOOTED_TO_NOMINAL,
    "SAFE": ModeEvent.BOOTED_TO_SAFE,
}

# A graver cause of the mode in force takes it over: it is no longer left as its first cause allows.
_TAKE_OVER = frozenset(
    {
        (ModeEvent.COMMAND_SAFE, Mode.SAFE),
        (ModeEvent.COMMAND_SURVIVAL, Mode.SURVIVAL),
        (ModeEvent.CRITICAL_FAULT, Mode.SAFE),
    }
)


def step_health(
    state: State, sensed: Sensed, responding: Responding, pump_state: PumpsState, rung: int
) -> Health:
    """Return the health one cycle later; the same object when nothing changed."""
    was, now_ns = state.health, sensed.now_ns
    bad = bool(responding and responding.get(Response.DEGRADE)) or sensed.any_lapsed()
    readings_ns = 0 if bad else was.readings_ns or now_ns
    charge_ns = 0 if rung else was.charge_ns or now_ns
    boot_ns = 0
    if state.mode.mode is Mode.BOOT:
        sensed_all = state.payload.phase is not rails.PayloadPhase.UNKNOWN and all(
            pair.phase is not Phase.UNKNOWN for pair in state.pairs
        )
        flowing = pump_state.flow_since_ns > 0 and not pump_state.caps_are_safe
        boot_ns = (was.boot_ns or now_ns) if sensed_all and readings_ns and flowing else 0
    if readings_ns == was.readings_ns and charge_ns == was.charge_ns and boot_ns == was.boot_ns:
        return was
    return Health(readings_ns, charge_ns, boot_ns)


def step(
    core: CoreConfig,
    state: State,
    *,
    restart: ModeEvent | None = None,
    command: ModeEvent | None,
    responding: Responding,
    pump_state: PumpsState,
    rung: int,
    health: Health,
    now_ns: int,
) -> ModeState:
    """Apply the events of this cycle to the mode table, the gravest last, so that it wins.

    Args:
        restart: How an earlier run ended, with the first inputs of a run; None: nothing of it.
    """
    was = state.mode
    if (
        command is None
        and restart is None
        and _is_steady(was, responding, pump_state, rung, health)
    ):
        return was
    critical = pump_state.phase is pumps.PumpPhase.DEAD or bool(
        responding and (responding.get(Response.SAFE) or responding.get(Response.FAILED_CLOSED))
    )
    due = _recovering(core, state, health, critical=critical, now_ns=now_ns)
    if restart is not None:
        due.insert(0, restart)
    if command is not None:
        due.append(command)
    if was.cause is ModeEvent.CHARGE_CRITICAL and rung < ladder.RUNG_SURVIVAL:
        due.append(ModeEvent.CHARGE_SURVIVABLE)
    if critical:
        due.append(ModeEvent.CRITICAL_FAULT)
    if rung == ladder.RUNG_SAFE:
        due.append(ModeEvent.CHARGE_LOW)
    elif rung == ladder.RUNG_SURVIVAL:
        due.append(ModeEvent.CHARGE_CRITICAL)
    mode = was
    for event in due:
        target = modes.next_mode(mode.mode, event)
        if target is not None and target is not mode.mode:
            mode = ModeState(target, now_ns, event)
        elif target is mode.mode and event is not mode.cause and (event, target) in _TAKE_OVER:
            mode = mode._replace(cause=event)
    return mode


def _is_steady(
    was: ModeState, responding: Responding, pump_state: PumpsState, rung: int, health: Health
) -> bool:
    """A quick look, right when it says yes: no condition moves the node out of NOMINAL."""
    return (
        was.mode is Mode.NOMINAL
        and not responding
        and health.readings_ns > 0
        and rung < ladder.RUNG_SAFE
        and pump_state.phase is not pumps.PumpPhase.DEAD
    )


def _recovering(
    core: CoreConfig, state: State, health: Health, *, critical: bool, now_ns: int
) -> list[ModeEvent]:
    """Return the events that follow from how long things have been well, or not."""
    was, config = state.mode, core.modes
    due: list[ModeEvent] = []
    if was.mode is Mode.BOOT:
        if health.boot_ns and now_ns - health.boot_ns >= config.boot_s * 1e9:
            due.append(_BOOTED[config.autostart_mode])
        elif now_ns - max(state.started_ns or now_ns, was.since_ns) >= config.boot_s_max * 1e9:
            due.append(ModeEvent.BOOTED_TO_SAFE)
    if not health.readings_ns:
        due.append(ModeEvent.READINGS_LOST)
    elif was.mode is Mode.DEGRADED and now_ns - health.readings_ns >= config.degraded_s * 1e9:
        due.append(ModeEvent.READINGS_RESTORED)
    elif was.mode is Mode.SAFE and not critical and _charge_is_verified(core, was, health, now_ns):
        due.append(ModeEvent.SAFE_VERIFIED)
    return due


def _charge_is_verified(core: CoreConfig, was: ModeState, health: Health, now_ns: int) -> bool:
    """The low charge that led to SAFE has been restored for long enough."""
    caused = was.cause in (ModeEvent.CHARGE_LOW, ModeEvent.CHARGE_SURVIVABLE)
    restored_ns = now_ns - health.charge_ns
    return caused and health.charge_ns > 0 and restored_ns >= core.modes.verify_s * 1e9
