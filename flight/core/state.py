"""State of the core: everything `step` remembers, immutable, and its bytes."""

import struct
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from math import inf
from typing import NamedTuple

import numpy as np

from flight.core.accelerators import AccelState
from flight.core.arbiter import Grants
from flight.core.counters import Counted
from flight.core.guard import GuardState
from flight.core.judge import JudgeState
from flight.core.ladder import LadderState
from flight.core.modes import ModeState
from flight.core.monitors import MonitorState
from flight.core.notices import NoticeState
from flight.core.pumps import PumpsState
from flight.core.rails import Pair, Payload
from flight.core.record import record
from flight.core.temperature import TemperatureState
from flight.core.trends import TrendState
from flight.core.types import Float64s


class OperatorLimit(NamedTuple):
    """A cap that one owner has set on one accelerator. until_ns: 0 for ever."""

    accelerator: int
    cap_w: float
    owner: str
    until_ns: int = 0


class OperatorState(NamedTuple):
    """What operators have asked for.

    limits: in the order they were set. limits_w: derived from them, the smallest per accelerator,
    inf for none. disabled: accelerators kept off. budget_w: node budget, inf for the configured
    one. inhibits: response name and until when. inhibited_faults: fault id and until when.
    """

    limits_w: tuple[float, ...]
    disabled: tuple[bool, ...]
    budget_w: float = inf
    inhibits: tuple[tuple[str, int], ...] = ()
    inhibited_faults: tuple[tuple[str, int], ...] = ()
    limits: tuple[OperatorLimit, ...] = ()

    def with_limits(self, limits: tuple[OperatorLimit, ...]) -> "OperatorState":
        """Return the state with other limits in force; on each accelerator the smallest wins."""
        smallest_w = [inf] * len(self.limits_w)
        for limit in limits:
            smallest_w[limit.accelerator] = min(smallest_w[limit.accelerator], limit.cap_w)
        return self._replace(limits=limits, limits_w=tuple(smallest_w))


class Health(NamedTuple):
    """Since when, in ns, things have been well; 0: they are not.

    readings_ns: the drivers that the node leans on answer and no lease has lapsed. charge_ns: the
    ladder is on its nominal rung. boot_ns: BOOT could end.
    """

    readings_ns: int = 0
    charge_ns: int = 0
    boot_ns: int = 0


@record()
class State:
    """All that `step` remembers. Arrays are replaced, never changed.

    module_switched_ns: last switch-on of a module rail.
    settled: every rail is where it is wanted.
    calm: no accelerator is being drained or reset, or silent.
    all_on: every accelerator is in service and payload_54v on.
    shared_w: what all accelerators together might draw.
    allotted: the node lives on grants: it has no power system of its own, or the spacecraft has
        granted power once, so that losing the grant is a loss.
    clocks_mhz: clock limit per accelerator. counted: error counters (counters.py).
    desired: of the last decision.
    """

    now_ns: int
    started_ns: int
    judge: JudgeState
    monitors: MonitorState
    mode: ModeState
    health: Health
    ladder: LadderState
    pumps: PumpsState
    temperature: TemperatureState
    payload: Payload
    pairs: tuple[Pair, ...]
    module_switched_ns: int
    settled: bool
    calm: bool
    all_on: bool
    guards: tuple[GuardState, ...]
    accels: tuple[AccelState, ...]
    grants: Grants
    shared_w: float
    overhead_w: float
    clocks_mhz: tuple[float, ...]
    counted: Counted
    allotted: bool
    operator: OperatorState
    notices: NoticeState
    desired: Float64s
    trends: TrendState

    def to_bytes(self) -> bytes:
        """Return a canonical encoding: equal states give equal bytes, on one machine type."""
        out = bytearray()
        for name in State.__annotations__:
            _pack(getattr(self, name), out)
        return bytes(out)


def replaced(
    state: State,
    *,
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    accels: tuple[AccelState, ...] | None = None,
    operator: OperatorState | None = None,
) -> State:
    """Return the state with what commands may clear, or a start takes over, replaced."""
    return replace(
        state, pairs=pairs, payload=payload, pumps=pumps, settled=False,
        accels=state.accels if accels is None else accels,
        operator=state.operator if operator is None else operator,
    )  # fmt: skip


def _pack(value: object, out: bytearray) -> None:
    """Append a tagged encoding of one value."""
    if isinstance(value, Enum):
        value = str(value.value)
    elif isinstance(value, frozenset):
        value = tuple(sorted(value))
    elif isinstance(value, Mapping):
        value = tuple(sorted((str(k), v) for k, v in value.items()))
    if isinstance(value, tuple):
        out += b"(" + struct.pack("<I", len(value))
        for item in value:
            _pack(item, out)
    elif isinstance(value, np.ndarray):
        out += b"a" + str(value.dtype).encode() + value.tobytes()
    else:
        out += _pack_scalar(value)


def _pack_scalar(value: object) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, int):
        return b"i" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        return b"s" + struct.pack("<I", len(data)) + data
    raise TypeError(f"state holds a {type(value).__name__}")
