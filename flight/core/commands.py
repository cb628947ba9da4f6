"""Commands that the core carries out itself, each answered with a reason when refused."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from flight.core import ladder, modes, pumps, rails
from flight.core.accelerators import AccelState
from flight.core.config import CoreConfig
from flight.core.fault_kinds import FAULT_IDS
from flight.core.modes import ModeEvent
from flight.core.monitors import Response
from flight.core.pumps import PUMP_NAMES
from flight.core.state import OperatorLimit, OperatorState, State
from flight.core.types import Ack, Command

INHIBITABLE = ("guard", "pump_loss", "latch_up", "over_temperature", "charge", "cap_check")
INHIBIT_S_MAX = 3600.0
LIMIT_S_MAX = 1e7
OWNER: Final = "operator"  # of a limit whose owner is not named
OWNERS_MAX: Final = 8  # with a limit on one accelerator at the same time; assumed
_OWNER_LENGTH_MAX: Final = 32

Arguments = Mapping[str, float | str]


class Outcome(NamedTuple):
    """What a batch of commands changed. clear: subjects whose latched faults are cleared.

    restart: how an earlier run ended, at the start of one.
    """

    operator: OperatorState
    accels: tuple[AccelState, ...]
    mode_event: ModeEvent | None = None
    clear: tuple[str, ...] = ()
    acks: tuple[Ack, ...] = ()
    restart: ModeEvent | None = None


class _RefusedError(Exception):
    """An operator error: the command is rejected with this reason."""


def expire(operator: OperatorState, now_ns: int) -> OperatorState:
    """Return the operator's wishes without those whose time is over."""
    if not operator.limits and not operator.inhibits and not operator.inhibited_faults:
        return operator
    if any(0 < limit.until_ns <= now_ns for limit in operator.limits):
        operator = operator.with_limits(
            tuple(limit for limit in operator.limits if not 0 < limit.until_ns <= now_ns)
        )
    if not _any_over(operator.inhibits, now_ns) and not _any_over(
        operator.inhibited_faults, now_ns
    ):
        return operator
    return operator._replace(
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
    *,
    has_loop: bool,
) -> Outcome:
    """Return the outcome of all commands of one cycle, in order; each gets exactly one ack.

    Args:
        has_loop: There are pumps that can be meant.
    """
    outcome = Outcome(operator, state.accels)
    for command in commands:
        arguments = dict(command.arguments)
        try:
            outcome = _one(_Call(config, state, outcome, arguments, now_ns, has_loop), command.name)
            ack = Ack(command.command_id, True, "done")
        except _RefusedError as refusal:
            ack = Ack(command.command_id, False, str(refusal))
        outcome = outcome._replace(acks=(*outcome.acks, ack))
    return outcome


class _Call(NamedTuple):
    """One command on its way: what its handler may look at."""

    config: CoreConfig
    state: State
    outcome: Outcome
    arguments: Arguments
    now_ns: int
    has_loop: bool

    @property
    def accelerator_count(self) -> int:
        """Number of accelerators."""
        return len(self.state.pairs)

    def with_operator(self, operator: OperatorState) -> Outcome:
        """Return the outcome with other wishes of the operator."""
        return self.outcome._replace(operator=operator)


def _one(call: _Call, name: str) -> Outcome:
    if name not in _COMMANDS:
        raise _RefusedError(f"unknown command {name!r}; known: {', '.join(COMMAND_NAMES)}")
    handler, required, optional = _COMMANDS[name]
    given = call.arguments.keys()
    missing, unknown = required - given, given - required - optional
    if missing or unknown:
        wrong = [f"missing {key}" for key in sorted(missing)]
        raise _RefusedError("; ".join(wrong + [f"unknown {key}" for key in sorted(unknown)]))
    return handler(call)


def _set_mode(call: _Call) -> Outcome:
    return call.outcome._replace(mode_event=_mode_event(call.state, call.arguments))


def _operator_limit(call: _Call) -> Outcome:
    """A further limit of the same owner replaces the first; it touches no other's."""
    arbiter, arguments, operator = call.config.arbiter, call.arguments, call.outcome.operator
    cap_w = _number(arguments, "cap_w", arbiter.cap_w_min, arbiter.cap_w_max)
    until_ns = 0
    if "duration_s" in arguments:
        until_ns = call.now_ns + round(_number(arguments, "duration_s", 0.1, LIMIT_S_MAX) * 1e9)
    chosen, owner = _accelerators(arguments, call.accelerator_count), _owner(arguments)
    others = tuple(o for o in operator.limits if o.accelerator not in chosen or o.owner != owner)
    for i in chosen:
        if sum(other.accelerator == i for other in others) >= OWNERS_MAX:
            raise _RefusedError(f"accel{i} already has limits of {OWNERS_MAX} owners")
    own = tuple(OperatorLimit(i, cap_w, owner, until_ns) for i in sorted(chosen))
    return call.with_operator(operator.with_limits(others + own))


def _release_limit(call: _Call) -> Outcome:
    operator, owner = call.outcome.operator, _owner(call.arguments)
    chosen = _accelerators(call.arguments, call.accelerator_count)
    left = tuple(o for o in operator.limits if o.accelerator not in chosen or o.owner != owner)
    if left == operator.limits:
        raise _RefusedError(f"{owner} has no limit on {call.arguments['subject']}")
    return call.with_operator(operator.with_limits(left))


def _node_budget(call: _Call) -> Outcome:
    arbiter = call.config.arbiter
    power_w = _number(call.arguments, "power_w", arbiter.overhead_w, arbiter.node_power_w_max)
    return call.with_operator(call.outcome.operator._replace(budget_w=power_w))


def _enable(call: _Call) -> Outcome:
    return _with_disabled(call, False)


def _disable(call: _Call) -> Outcome:
    return _with_disabled(call, True)


def _with_disabled(call: _Call, off: bool) -> Outcome:
    chosen, operator = _accelerators(call.arguments, call.accelerator_count), call.outcome.operator
    disabled = tuple(off if i in chosen else was for i, was in enumerate(operator.disabled))
    return call.with_operator(operator._replace(disabled=disabled))


def _inhibit(call: _Call) -> Outcome:
    response, operator = str(call.arguments["name"]), call.outcome.operator
    if response not in INHIBITABLE:
        raise _RefusedError(f"no response {response!r}; known: {', '.join(INHIBITABLE)}")
    if response == "pump_loss" and not call.has_loop:
        raise _RefusedError("pump_loss: this node has no coolant loop, so no pump can be lost")
    duration_s = _number(call.arguments, "duration_s", 0.0, INHIBIT_S_MAX)
    others = tuple(item for item in operator.inhibits if item[0] != response)
    until_ns = call.now_ns + round(duration_s * 1e9)
    return call.with_operator(operator._replace(inhibits=(*others, (response, until_ns))))


def _inhibit_fault(call: _Call) -> Outcome:
    """Hold back the response of a fault; it is raised, told and counted as before."""
    event_id, operator = str(call.arguments["id"]), call.outcome.operator
    if event_id not in FAULT_IDS:
        raise _RefusedError(f"no fault {event_id!r}; `nightside faults` lists them")
    duration_s = _number(call.arguments, "duration_s", 0.0, INHIBIT_S_MAX)
    others = tuple(item for item in operator.inhibited_faults if item[0] != event_id)
    until_ns = call.now_ns + round(duration_s * 1e9)
    return call.with_operator(operator._replace(inhibited_faults=(*others, (event_id, until_ns))))


def _clear_latched(call: _Call) -> Outcome:
    subjects = _clearable(call)
    return call.outcome._replace(clear=(*call.outcome.clear, *subjects))


def _retire(call: _Call) -> Outcome:
    reason = str(call.arguments.get("reason", "by command"))[:64]
    return _with_accels(call, lambda accel: accel._replace(retired=accel.retired or reason))


def _return_to_service(call: _Call) -> Outcome:
    """Retired or latched off: it may be switched on again, and starts with probation."""
    chosen = _accelerators(call.arguments, call.accelerator_count)
    if not any(call.outcome.accels[i].retired for i in chosen):
        raise _RefusedError(f"{call.arguments['subject']} is not retired")
    returning = tuple(f"accel{i}" for i in sorted(chosen) if call.outcome.accels[i].retired)
    outcome = _with_accels(call, lambda accel: accel._replace(retired="", resets_ns=()))
    return outcome._replace(clear=(*outcome.clear, *returning))


def _reset_accelerator(call: _Call) -> Outcome:
    """The client is asked to leave first; the reset then waits for it and for eclipse entry."""
    for i in sorted(_accelerators(call.arguments, call.accelerator_count)):
        phase = call.state.pairs[i].phase
        if phase not in rails.SERVED:
            raise _RefusedError(f"accel{i} is not in service: its rails are {phase}")
    return _with_accels(call, lambda accel: accel._replace(reset_wanted=True))


def _with_accels(call: _Call, change: Callable[[AccelState], AccelState]) -> Outcome:
    chosen = _accelerators(call.arguments, call.accelerator_count)
    accels = tuple(change(a) if i in chosen else a for i, a in enumerate(call.outcome.accels))
    return call.outcome._replace(accels=accels)


_Handler = Callable[[_Call], Outcome]


def _takes(
    handler: _Handler, required: str, optional: str = ""
) -> tuple[_Handler, frozenset[str], frozenset[str]]:
    return handler, frozenset(required.split()), frozenset(optional.split())


# Of each command, its handler, the required and the optional arguments.
_COMMANDS: Final[Mapping[str, tuple[_Handler, frozenset[str], frozenset[str]]]] = {
    "set_mode": _takes(_set_mode, "mode"),
    "operator_limit": _takes(_operator_limit, "subject cap_w", "duration_s owner"),
    "release_limit": _takes(_release_limit, "subject", "owner"),
    "node_budget": _takes(_node_budget, "power_w"),
    "enable_accelerator": _takes(_enable, "subject"),
    "disable_accelerator": _takes(_disable, "subject"),
    "clear_latched": _takes(_clear_latched, "subject"),
    "inhibit_response": _takes(_inhibit, "name duration_s"),
    "inhibit_fault": _takes(_inhibit_fault, "id duration_s"),
    "retire": _takes(_retire, "subject", "reason"),
    "return_to_service": _takes(_return_to_service, "subject"),
    "reset_accelerator": _takes(_reset_accelerator, "subject"),
}
COMMAND_NAMES = tuple(_COMMANDS)
COMMAND_ARGUMENTS: Mapping[str, frozenset[str]] = {
    name: required | optional for name, (_, required, optional) in _COMMANDS.items()
}


def _owner(arguments: Arguments) -> str:
    owner = arguments.get("owner", OWNER)
    if not isinstance(owner, str) or not _is_name(owner):
        raise _RefusedError(
            f"owner must be a name of at most {_OWNER_LENGTH_MAX} letters, digits and ._-,"
            f" got {owner!r}"
        )
    return owner


def _is_name(text: str) -> bool:
    plain = all(c.isascii() and (c.isalnum() or c in "._-") for c in text)
    return plain and 0 < len(text) <= _OWNER_LENGTH_MAX


def _number(arguments: Arguments, key: str, low: float, high: float) -> float:
    value = arguments[key]
    if isinstance(value, str) or not low <= value <= high:  # neither holds NaN or an infinity
        raise _RefusedError(f"{key} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _accelerators(arguments: Arguments, count: int) -> frozenset[int]:
    subject = str(arguments["subject"])
    if subject == "all":
        return frozenset(range(count))
    names = {f"accel{i}": i for i in range(count)}
    if subject not in names:
        raise _RefusedError(f"no accelerator {subject!r}; known: accel0 to accel{count - 1}, all")
    return frozenset({names[subject]})


def _clearable(call: _Call) -> tuple[str, ...]:
    subject = str(call.arguments["subject"])
    accelerators = tuple(f"accel{i}" for i in range(call.accelerator_count))
    pumped = PUMP_NAMES if call.has_loop else ()
    known = (*accelerators, "payload_54v", *pumped)
    if subject == "all":
        return known
    if subject in PUMP_NAMES and not call.has_loop:
        raise _RefusedError(f"{subject}: this node has no coolant loop, and so no pumps")
    if subject not in known:
        names = ", ".join(("accelN", "payload_54v", *pumped, "all"))
        raise _RefusedError(f"nothing latches under {subject!r}; known: {names}")
    return (subject,)


def _mode_event(state: State, arguments: Arguments) -> ModeEvent:
    wanted = str(arguments["mode"])
    event = modes.COMMANDS.get(wanted)
    if event is None:
        raise _RefusedError(f"no mode {wanted!r} to command; known: {', '.join(modes.COMMANDS)}")
    mode = state.mode.mode
    if modes.next_mode(mode, event) is None:
        raise _RefusedError(f"{wanted} is not reachable from {mode} by command")
    if event is ModeEvent.COMMAND_NOMINAL:
        if state.ladder.rung >= ladder.RUNG_SAFE:
            raise _RefusedError("state of charge is too low")
        if state.pumps.phase is pumps.PumpPhase.DEAD:
            raise _RefusedError("there is no coolant flow")
        if state.payload.phase is rails.PayloadPhase.LATCHED_OFF:
            raise _RefusedError("payload_54v is latched off; clear_latched first")
        if state.monitors.responding.get(Response.SAFE):
            raise _RefusedError("a fault that leads to SAFE is active; `nightside faults` names it")
    return event
