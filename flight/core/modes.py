"""Modes of a node: one table (mode, event) -> mode; the diagram in the docs is made from it."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from flight.core.types import Mode


class ModeEvent(StrEnum):
    """What can move the node from one mode to another."""

    BOOTED_TO_STANDBY = "booted_to_standby"  # readings and flow are good; autostart_mode is STANDBY
    BOOTED_TO_NOMINAL = "booted_to_nominal"  # readings and flow are good; autostart_mode is NOMINAL
    BOOTED_TO_SAFE = "booted_to_safe"  # ... is SAFE, or the boot took too long
    RESTARTED_TO_DEGRADED = "restarted_to_degraded"  # unplanned; it was NOMINAL or DEGRADED
    RESTARTED_TO_STANDBY = "restarted_to_standby"
    RESTARTED_TO_SAFE = "restarted_to_safe"
    RESTARTED_TO_SURVIVAL = "restarted_to_survival"
    HOST_RESTARTED = "host_restarted"  # the host, by itself
    RESTARTS_SPENT = "restarts_spent"  # the daemon, too often
    COMMAND_STANDBY = "command_standby"
    COMMAND_NOMINAL = "command_nominal"
    COMMAND_SAFE = "command_safe"
    COMMAND_SURVIVAL = "command_survival"
    READINGS_LOST = (
        "readings_lost"  # a driver that the whole node depends on is silent, or a lease lapsed
    )
    READINGS_RESTORED = "readings_restored"  # all of them good long enough
    CRITICAL_FAULT = "critical_fault"  # a fault whose response is SAFE
    CHARGE_LOW = "charge_low"  # ladder rung 3
    CHARGE_CRITICAL = "charge_critical"  # ladder rung 4
    CHARGE_SURVIVABLE = "charge_survivable"  # ladder above rung 4 again
    SAFE_VERIFIED = (
        "safe_verified"  # the low charge that caused SAFE is restored, no critical fault
    )


class ModeState(NamedTuple):
    """Mode in force, since when, and the event that led into it."""

    mode: Mode
    since_ns: int
    cause: ModeEvent | None = None


_B, _ST, _N, _D, _S, _V = (
    Mode.BOOT,
    Mode.STANDBY,
    Mode.NOMINAL,
    Mode.DEGRADED,
    Mode.SAFE,
    Mode.SURVIVAL,
)
MODES: Final = (_B, _ST, _N, _D, _S, _V)

# For each event, the mode it leads to from each mode, in the order of MODES. The same mode: it
# stays. None: a command that is refused there; a condition is never refused.
_ROWS: Final[dict[ModeEvent, tuple[Mode | None, ...]]] = {
    #                             from: BOOT  STANDBY NOMINAL DEGRADED SAFE SURVIVAL
    ModeEvent.BOOTED_TO_STANDBY: (_ST, _ST, _N, _D, _S, _V),
    ModeEvent.BOOTED_TO_NOMINAL: (_N, _ST, _N, _D, _S, _V),
    ModeEvent.BOOTED_TO_SAFE: (_S, _ST, _N, _D, _S, _V),
    ModeEvent.RESTARTED_TO_DEGRADED: (_D, _ST, _N, _D, _S, _V),
    ModeEvent.RESTARTED_TO_STANDBY: (_ST, _ST, _N, _D, _S, _V),
    ModeEvent.RESTARTED_TO_SAFE: (_S, _ST, _N, _D, _S, _V),
    ModeEvent.RESTARTED_TO_SURVIVAL: (_V, _ST, _N, _D, _S, _V),
    ModeEvent.HOST_RESTARTED: (_S, _S, _S, _S, _S, _V),
    ModeEvent.RESTARTS_SPENT: (_S, _S, _S, _S, _S, _V),
    ModeEvent.COMMAND_STANDBY: (None, _ST, _ST, _ST, _ST, None),
    ModeEvent.COMMAND_NOMINAL: (None, _N, _N, None, _N, None),
    ModeEvent.COMMAND_SAFE: (_S, _S, _S, _S, _S, _S),
    ModeEvent.COMMAND_SURVIVAL: (_V, _V, _V, _V, _V, _V),
    ModeEvent.READINGS_LOST: (_B, _ST, _D, _D, _S, _V),
    ModeEvent.READINGS_RESTORED: (_B, _ST, _N, _N, _S, _V),
    ModeEvent.CRITICAL_FAULT: (_S, _S, _S, _S, _S, _V),
    ModeEvent.CHARGE_LOW: (_S, _S, _S, _S, _S, _V),
    ModeEvent.CHARGE_CRITICAL: (_V, _V, _V, _V, _V, _V),
    ModeEvent.CHARGE_SURVIVABLE: (_B, _ST, _N, _D, _S, _S),
    ModeEvent.SAFE_VERIFIED: (_B, _ST, _N, _D, _B, _V),
}

TABLE: Final = MappingProxyType(
    {
        (mode, event): target
        for event, row in _ROWS.items()
        for mode, target in zip(MODES, row, strict=True)
    }
)

COMMANDS: Final = MappingProxyType(
    {
        "STANDBY": ModeEvent.COMMAND_STANDBY,
        "NOMINAL": ModeEvent.COMMAND_NOMINAL,
        "SAFE": ModeEvent.COMMAND_SAFE,
        "SURVIVAL": ModeEvent.COMMAND_SURVIVAL,
    }
)


def next_mode(mode: Mode, event: ModeEvent) -> Mode | None:
    """Return the mode that follows, or None when a command is refused in this mode.

    Raises:
        ValueError: The pair is not in the table: our bug.
    """
    try:
        return TABLE[(mode, event)]
    except KeyError:
        raise ValueError(f"no such pair in the mode table: {mode!r}, {event!r}") from None


def render_mermaid() -> str:
    """Return the table as a mermaid state diagram, one edge per pair that changes the mode."""
    lines = ["stateDiagram-v2", "    [*] --> BOOT"]
    for source in MODES:
        targets: dict[Mode, list[str]] = {}
        for event in ModeEvent:
            target = TABLE[(source, event)]
            if target is not None and target is not source:
                targets.setdefault(target, []).append(event.value)
        for target, events in targets.items():
            lines.append(f"    {source} --> {target}: {', '.join(events)}")
    return "\n".join(lines) + "\n"
