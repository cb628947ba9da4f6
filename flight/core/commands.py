"""Commands that the core carries out itself, each answered with a reason when refused."""

from collections.abc import Mapping
from math import inf, isfinite
from typing import NamedTuple

from flight.core import modes, pumps, rails
from flight.core.config import CoreConfig
from flight.core.fault_kinds import FAULT_IDS
from flight.core.modes import ModeEvent
from flight.core.state import OperatorState, State
from flight.core.types import Ack, Command

INHIBITABLE = ("guard", "pump_loss", "latch_up", "over_temperature", "charge", "cap_check")
INHIBIT_S_MAX = 3600.0


class Outcome(NamedTuple):
    """What a batch of commands changed. clear: subjects whose latched faults are cleared."""

    operator: OperatorState
    mode_event: ModeEvent | None = None
    clear: tuple[str, ...] = ()
    acks: tuple[Ack, ...] = ()


class _RefusedError(Exception):
    """An operator error: the command is rejected with this reason."""


def expire(operator: OperatorState, now_ns: int) -> OperatorState:
    """Return the operator's wishes without those whose time is over."""
    due = any(0 < until <= now_ns for until in operator.limits_until_ns)
    if (
        not due
        and not (operator.inhibits and _any_over(operator.inhibits, now_ns))
        and not (operator.inhibited_faults and _any_over(operator.inhibited_faults, now_ns))
    ):
        return operator
    keep = [not 0 < until <= now_ns for until in operator.limits_until_ns]
    pairs = list(zip(operator.limits_w, operator.limits_until_ns, keep, strict=True))
    return operator._replace(
        limits_w=tuple(w if k else inf for w, _, k in pairs),
        limits_until_ns=tuple(u if k else 0 for _, u, k in pairs),
        inhibits=tuple(item for item in operator.inhibits if item[1] > now_ns),
        inhibited_faults=tuple(item for item in operator.inhibited_faults if item[1] > now_ns),
    )


def _any_over(held: tuple[tuple[str, int], ...], now_ns: int) -> bool:
    return any(until <= now_ns for _, until in held)


def apply(
    config: CoreConfig,
    state: State,
    operator: OperatorState,
    commands: tuple[Command, ...],
    now_ns: int,
) -> Outcome:
    """Return the outcome of all commands of one cycle, in order; each gets exactly one ack."""
    outcome = Outcome(operator)
    for command in commands:
        arguments = dict(command.arguments)
        try:
            outcome = _one(config, state, outcome, command.name, arguments, now_ns)
            ack = Ack(command.command_id, True, "done")
        except _RefusedError as refusal:
            ack = Ack(command.command_id, False, str(refusal))
        outcome = outcome._replace(acks=(*outcome.acks, ack))
    return outcome


# Of each command, the required and the optional arguments.
_ARGUMENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "set_mode": (frozenset({"mode"}), frozenset()),
    "operator_limit": (frozenset({"subject", "cap_w"}), frozenset({"duration_s"})),
    "node_budget": (frozenset({"power_w"}), frozenset()),
    "enable_accelerator": (frozenset({"subject"}), frozenset()),
    "disable_accelerator": (frozenset({"subject"}), frozenset()),
    "clear_latched": (frozenset({"subject"}), frozenset()),
    "inhibit_response": (frozenset({"name", "duration_s"}), frozenset()),
    "inhibit_fault": (frozenset({"id", "duration_s"}), frozenset()),
}
COMMAND_NAMES = tuple(_ARGUMENTS)
COMMAND_ARGUMENTS: Mapping[str, frozenset[str]] = {
    name: required | optional for name, (required, optional) in _ARGUMENTS.items()
}


def _one(
    config: CoreConfig,
    state: State,
    outcome: Outcome,
    name: str,
    arguments: Mapping[str, float | str],
    now_ns: int,
) -> Outcome:
    if name not in _ARGUMENTS:
        raise _RefusedError(f"unknown command {name!r}; known: {', '.join(COMMAND_NAMES)}")
    required, optional = _ARGUMENTS[name]
    missing, unknown = required - arguments.keys(), arguments.keys() - required - optional
    if missing or unknown:
        wrong = [f"missing {key}" for key in sorted(missing)]
        raise _RefusedError("; ".join(wrong + [f"unknown {key}" for key in sorted(unknown)]))
    operator, count = outcome.operator, len(state.pairs)
    if name == "set_mode":
        return outcome._replace(mode_event=_mode_event(state, arguments))
    if name == "operator_limit":
        cap_w = _number(arguments, "cap_w", config.arbiter.cap_w_min, config.arbiter.cap_w_max)
        until_ns = 0
        if "duration_s" in arguments:
            until_ns = now_ns + round(_number(arguments, "duration_s", 0.1, 1e7) * 1e9)
        chosen = _accelerators(arguments, count)
        limits = tuple(cap_w if i in chosen else w for i, w in enumerate(operator.limits_w))
        untils = tuple(
            until_ns if i in chosen else u for i, u in enumerate(operator.limits_until_ns)
        )
        return outcome._replace(operator=operator._replace(limits_w=limits, limits_until_ns=untils))
    if name == "node_budget":
        power_w = _number(
            arguments, "power_w", config.arbiter.overhead_w, config.arbiter.node_power_w_max
        )
        return outcome._replace(operator=operator._replace(budget_w=power_w))
    if name in ("enable_accelerator", "disable_accelerator"):
        chosen, off = _accelerators(arguments, count), name == "disable_accelerator"
        disabled = tuple(off if i in chosen else was for i, was in enumerate(operator.disabled))
        return outcome._replace(operator=operator._replace(disabled=disabled))
    if name == "inhibit_response":
        response = str(arguments["name"])
        if response not in INHIBITABLE:
            raise _RefusedError(f"no response {response!r}; known: {', '.join(INHIBITABLE)}")
        until_ns = now_ns + round(_number(arguments, "duration_s", 0.0, INHIBIT_S_MAX) * 1e9)
        others = tuple(item for item in operator.inhibits if item[0] != response)
        return outcome._replace(
            operator=operator._replace(inhibits=(*others, (response, until_ns)))
        )
    if name == "inhibit_fault":
        return outcome._replace(operator=_inhibit_fault(operator, arguments, now_ns))
    return outcome._replace(clear=(*outcome.clear, *_clearable(arguments, count)))


def _inhibit_fault(
    operator: OperatorState, arguments: Mapping[str, float | str], now_ns: int
) -> OperatorState:
    """Hold back the response of a fault; it is raised, told and counted as before."""
    event_id = str(arguments["id"])
    if event_id not in FAULT_IDS:
        raise _RefusedError(f"no fault {event_id!r}; `nightside faults` lists them")
    until_ns = now_ns + round(_number(arguments, "duration_s", 0.0, INHIBIT_S_MAX) * 1e9)
    others = tuple(item for item in operator.inhibited_faults if item[0] != event_id)
    return operator._replace(inhibited_faults=(*others, (event_id, until_ns)))


def _number(arguments: Mapping[str, float | str], key: str, low: float, high: float) -> float:
    value = arguments[key]
    if isinstance(value, str) or not isfinite(value) or not low <= value <= high:
        raise _RefusedError(f"{key} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _accelerators(arguments: Mapping[str, float | str], count: int) -> frozenset[int]:
    subject = str(arguments["subject"])
    if subject == "all":
        return frozenset(range(count))
    names = {f"accel{i}": i for i in range(count)}
    if subject not in names:
        raise _RefusedError(f"no accelerator {subject!r}; known: accel0 to accel{count - 1}, all")
    return frozenset({names[subject]})


def _clearable(arguments: Mapping[str, float | str], count: int) -> tuple[str, ...]:
    subject = str(arguments["subject"])
    accelerators = tuple(f"accel{i}" for i in range(count))
    known = (*accelerators, "payload_54v", "pump_a", "pump_b")
    if subject == "all":
        return known
    if subject not in known:
        raise _RefusedError(
            f"nothing latches under {subject!r}; known: accelN, payload_54v, pump_a, pump_b, all"
        )
    return (subject,)


def _mode_event(state: State, arguments: Mapping[str, float | str]) -> ModeEvent:
    wanted = str(arguments["mode"])
    event = modes.COMMANDS.get(wanted)
    if event is None:
        raise _RefusedError(f"no mode {wanted!r} to command; known: {', '.join(modes.COMMANDS)}")
    mode = state.mode.mode
    if modes.next_mode(mode, event) is None:
        raise _RefusedError(f"{wanted} is not reachable from {mode} by command")
    if event is ModeEvent.COMMAND_NOMINAL:
        if state.ladder.rung >= 3:
            raise _RefusedError("state of charge is too low")
        if state.pumps.phase is pumps.PumpPhase.DEAD:
            raise _RefusedError("there is no coolant flow")
        if state.payload.phase is rails.PayloadPhase.LATCHED_OFF:
            raise _RefusedError("payload_54v is latched off; clear_latched first")
    return event
