"""What the store remembers, its bytes, and the way from earlier schemas.

All times are CLOCK_BOOTTIME of the host boot `host_boot_id`: it counts through sleep and never
jumps. Of an earlier host boot nothing is known but that it was before this one: its times are set
to 0, the moment this boot began, the latest that they can have been.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]
from pydantic import TypeAdapter, ValidationError

from flight.core.types import Mode

NS_PER_S = 1_000_000_000
SCHEMA: Final = 3
START_WINDOW_S = 600.0  # docs/design/modes.md: unplanned starts within 10 minutes
BUDGET_AGE_S_MAX = 86400.0  # assumed: no restart budget has a longer window
STARTS_MAX = 16  # kept; more than the crash budget
BUDGET_TIMES_MAX = 32  # kept per name

ParameterValue = bool | int | float | str


class RunPhase(StrEnum):
    """How far a run of the daemon has come."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"  # in order


class OperatorLimit(NamedTuple):
    """A cap that an operator has set on an accelerator or on "all".

    until_ns: 0: for ever. left_s: at the last commit, for a later host boot; 0 when for ever.
    """

    subject: str
    cap_w: float
    owner: str
    until_ns: int = 0
    left_s: float = 0.0


class Inhibit(NamedTuple):
    """A response, or that of a fault, which an operator holds back; times as of OperatorLimit."""

    name: str
    until_ns: int
    left_s: float = 0.0


class ParameterSet(NamedTuple):
    """Parameters changed in flight: key and value, where it differs from the configuration file.

    active: in force. staged: waiting for activation. before: what `active` was before an
    activation that is not confirmed yet, None when none is. confirm_by_ns: until when it must be.
    """

    active: Mapping[str, ParameterValue] = {}
    staged: Mapping[str, ParameterValue] = {}
    before: Mapping[str, ParameterValue] | None = None
    confirm_by_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """All that outlives a run.

    boot_count: host boots seen. run_count: starts of the daemon. run_phase: how far the newest run
    has come. mode: last in force, but for BOOT and DEGRADED, which lead back to it. starts_ns:
    unplanned starts within the window. attempt_ns: when control was last attempted, 0: in an
    earlier host boot. is_backing_off: the crash budget is spent. budgets_ns: restarts by name.
    counters: of commands, by key. element_set: of the orbit. disabled: accelerators that an
    operator keeps off. budget_w: node budget of an operator, inf for none. inhibits,
    inhibited_faults: by response and by fault id.
    """

    boot_count: int = 0
    run_count: int = 0
    host_boot_id: str = ""
    run_phase: RunPhase = RunPhase.ENDED
    mode: Mode | None = None
    starts_ns: tuple[int, ...] = ()
    attempt_ns: int = 0
    is_backing_off: bool = False
    budgets_ns: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    latched: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    operator_limits: tuple[OperatorLimit, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    parameters: ParameterSet = field(default_factory=ParameterSet)
    element_set: str = ""
    disabled: tuple[str, ...] = ()
    budget_w: float = inf
    inhibits: tuple[Inhibit, ...] = ()
    inhibited_faults: tuple[Inhibit, ...] = ()


TIMED: Final = ("operator_limits", "inhibits", "inhibited_faults")  # fields whose items end

# What is written down when nothing can be read: as after a crash of an unknown host boot.
SAFE_DEFAULTS: Final = StoredState(run_phase=RunPhase.RUNNING)

_ADAPTER: Final = TypeAdapter(StoredState)
ADDED_IN_3: Final = ("disabled", "budget_w", "inhibits", "inhibited_faults")
_FIELDS: Final = tuple(item.name for item in fields(StoredState))


def encode(state: StoredState) -> bytes:
    """Return the bytes of a state, in the newest schema."""
    plain = {name: getattr(state, name) for name in _FIELDS}
    return bytes(msgpack.packb(plain, default=_plain))


def decode(schema: int, body: bytes) -> StoredState:
    """Return the state.

    Raises:
        ValueError: The schema is unknown, or the body is not what its schema says.
    """
    try:
        plain = msgpack.unpackb(body)
    except (ValueError, msgpack.UnpackException, UnicodeDecodeError) as error:
        raise ValueError(f"not MessagePack: {error}") from None
    if not isinstance(plain, dict):
        raise ValueError("no fields")
    for step in range(schema, SCHEMA):
        plain = _migration(step)(plain)
    if schema != SCHEMA and schema not in MIGRATIONS:
        raise ValueError(f"schema {schema} is unknown")
    unknown, missing = plain.keys() - set(_FIELDS), set(_FIELDS) - plain.keys()
    if unknown or missing:
        raise ValueError(f"fields {sorted(map(str, unknown | missing))} unknown or missing")
    try:
        return _ADAPTER.validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def in_this_boot(state: StoredState, boot_id: str, now_ns: int) -> StoredState:
    """Return the state with its times in terms of this host boot, without those that are over.

    Args:
        boot_id: Of the host, not empty.
        now_ns: CLOCK_BOOTTIME.
    """
    if state.host_boot_id != boot_id:
        counted_on: dict[str, Any] = {
            name: _counted_on(getattr(state, name), now_ns) for name in TIMED
        }
        state = replace(
            state,
            host_boot_id=boot_id,
            boot_count=state.boot_count + 1,
            starts_ns=(0,) * len(state.starts_ns),
            attempt_ns=0,
            budgets_ns={name: (0,) * len(times) for name, times in state.budgets_ns.items()},
            parameters=state.parameters._replace(confirm_by_ns=0),
            **counted_on,
        )
    return pruned(state, now_ns)


def pruned(state: StoredState, now_ns: int) -> StoredState:
    """Return the state without what is over; the same object when nothing is."""
    changes: dict[str, Any] = {}
    starts = _recent(state.starts_ns, START_WINDOW_S, now_ns)[-STARTS_MAX:]
    if starts != state.starts_ns:
        changes["starts_ns"] = starts
    budgets = {
        name: _recent(times, BUDGET_AGE_S_MAX, now_ns)[-BUDGET_TIMES_MAX:]
        for name, times in state.budgets_ns.items()
    }
    budgets = {name: times for name, times in budgets.items() if times}
    if budgets != state.budgets_ns:
        changes["budgets_ns"] = budgets
    for name in TIMED:
        if items := getattr(state, name):  # most of the time there are none
            kept = tuple(item for item in items if not 0 < item.until_ns <= now_ns)
            if len(kept) != len(items):
                changes[name] = kept
    return replace(state, **changes) if changes else state


def stable(state: StoredState, now_ns: int) -> StoredState:
    """Return the state of a run in progress: after START_WINDOW_S it is trusted again."""
    lasted_ns = now_ns - state.attempt_ns
    is_over = state.is_backing_off and state.run_phase is RunPhase.RUNNING
    if is_over and lasted_ns >= round(START_WINDOW_S * NS_PER_S):
        return replace(state, is_backing_off=False)
    return state


def with_time_left(state: StoredState, now_ns: int) -> StoredState:
    """Return the state with the time that is left of what ends, for a later host boot."""
    changes: dict[str, Any] = {
        name: tuple(
            item._replace(left_s=left_s(item.until_ns, now_ns)) if item.until_ns else item
            for item in getattr(state, name)
        )
        for name in TIMED
        if getattr(state, name)
    }
    return replace(state, **changes) if changes else state


def has_ends(state: StoredState) -> bool:
    """Return whether anything in the state ends by itself."""
    return any(item.until_ns for name in TIMED for item in getattr(state, name))


def left_s(until_ns: int, now_ns: int) -> float:
    """Return the seconds from now to a time, 0 when it is over."""
    return max(0.0, (until_ns - now_ns) / NS_PER_S)


def _counted_on(items: tuple[Any, ...], now_ns: int) -> tuple[Any, ...]:
    """Return what ends, of an earlier host boot, in times of this one."""
    return tuple(
        item._replace(until_ns=now_ns + round(item.left_s * NS_PER_S)) if item.until_ns else item
        for item in items
    )


def _recent(times_ns: tuple[int, ...], age_s_max: float, now_ns: int) -> tuple[int, ...]:
    oldest_ns = now_ns - round(age_s_max * NS_PER_S)
    return tuple(min(time_ns, now_ns) for time_ns in times_ns if time_ns > oldest_ns)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a state holds a {type(value).__name__}")


def _from_1(plain: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew no host boots, budgets, limits, counters, and one parameter set.

    Fields: starts (of the daemon), phase, mode, latched, parameters.
    """
    new = StoredState(run_phase=RunPhase.RUNNING)
    known = [name for name in _FIELDS if name not in ADDED_IN_3]
    return {name: getattr(new, name) for name in known} | {
        "run_count": plain.get("starts", 0),
        "run_phase": plain.get("phase", RunPhase.RUNNING),
        "mode": plain.get("mode"),
        "latched": plain.get("latched", ()),
        "parameters": (plain.get("parameters", {}), {}, None, 0),
    }


def _from_2(plain: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 did not know who was disabled, the budget of an operator, nor inhibits."""
    new = StoredState()
    return {name: getattr(new, name) for name in ADDED_IN_3} | plain


MIGRATIONS: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {1: _from_1, 2: _from_2}
)


def _migration(step: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    if step not in MIGRATIONS:
        raise ValueError(f"schema {step} is unknown")
    return MIGRATIONS[step]
