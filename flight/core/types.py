"""What goes into `step` and what comes out. Arrays are in point order unless said otherwise."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Uint32s = NDArray[np.uint32]
Uint8s = NDArray[np.uint8]
Bools = NDArray[np.bool_]

FLAG_LAPSED = 1  # of Snapshot.flags: the driver applied the safe value and waits for a newer epoch
FLAG_REFLEX = 2  # of Snapshot.flags: a reflex holds this point
FLAG_REFUSED = 4  # of Snapshot.flags: the desired value is outside the immutable limits
FLAG_WRITE_FAILED = 8  # of Snapshot.flags: the last write failed; the driver tries again


class Quality(IntEnum):
    """How far a reading may be trusted; lower is better."""

    GOOD = 0
    SUSPECT = 1  # a value, but a check doubts it: the last good value stands in for a short time
    STALE = 2  # too old
    INVALID = 3  # the device answered an error, nothing, or a value that cannot be
    SUBSTITUTED = 4  # another source stands in


class Mode(StrEnum):
    """Modes of a node (docs/design/modes.md)."""

    BOOT = "BOOT"
    STANDBY = "STANDBY"
    NOMINAL = "NOMINAL"
    DEGRADED = "DEGRADED"
    SAFE = "SAFE"
    SURVIVAL = "SURVIVAL"


class Severity(IntEnum):
    """Severity of an event."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One copy of all samples. Never changed after it was taken.

    values: last value, kept when a later sample failed. time_ns: monotonic time of the last good
    sample, 0 for never. status: ns_status_t of the last try, 0 good. flags: FLAG_*.
    """

    values: Float64s
    time_ns: Int64s
    status: Int32s
    flags: Uint32s


class Command(NamedTuple):
    """An accepted command. `arguments` are names and values in the order given."""

    command_id: str
    name: str
    arguments: tuple[tuple[str, float | str], ...] = ()


class Allotment(NamedTuple):
    """What the spacecraft grants this node, until a monotonic time."""

    power_w: float
    heat_w: float
    valid_until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that one step sees of the world."""

    now_ns: int
    snapshot: Snapshot
    commands: tuple[Command, ...] = ()
    allotment: Allotment | None = None


class Event(NamedTuple):
    """Something that changed. `event_id` is stable and dotted, `subject` is e.g. accel3."""

    time_ns: int
    event_id: str
    severity: Severity
    subject: str
    text: str
    value: float = 0.0


class Ack(NamedTuple):
    """Terminal answer to a command: accepted and done, or rejected with the reason."""

    command_id: str
    ok: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one step wants.

    desired: in the order of PointTable.writable_indices; NaN leaves the slot as it is.
    rearm: drivers whose latched reflexes may be released, by name.
    cap_w, cap_reason: per accelerator, what the arbiter granted and the term that won.
    """

    mode: Mode
    desired: Float64s
    cap_w: tuple[float, ...]
    cap_reason: tuple[str, ...]
    rearm: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    acks: tuple[Ack, ...] = ()
