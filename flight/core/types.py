"""What goes into `step` and what comes out. Arrays are in point order unless said otherwise."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flight.core.record import record

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
FLAG_ABANDONED = 16  # of Snapshot.flags: no daemon for too long; the driver switched the point off


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


@record()
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


class CapPlan(NamedTuple):
    """A cap trajectory looked up by time. After valid_until_ns it binds nothing any more.

    from_ns: ascending start times. caps_w: for each of them, one cap per accelerator.
    """

    from_ns: tuple[int, ...]
    caps_w: tuple[tuple[float, ...], ...]
    valid_until_ns: int


class OrbitForecast(NamedTuple):
    """What the node's own ephemeris says of the coming eclipses, in monotonic time.

    spans_ns: (entry, exit) of each eclipse not over yet, ascending; the first may have begun.
    valid_until_ns: how far ahead it was computed; 0: nothing is known.
    """

    spans_ns: tuple[tuple[int, int], ...] = ()
    valid_until_ns: int = 0


class WorkloadClaim(NamedTuple):
    """What the workload on one accelerator has declared of itself.

    demand_w: power it can use, inf when it has not said. checkpoint_s: time from a notice to a
    checkpoint. client: who owns the accelerator, "" for nobody. acknowledged: id of the newest
    notice that the client has acted on, "" for none.
    """

    demand_w: float = inf
    checkpoint_s: float = 0.0
    client: str = ""
    acknowledged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the store remembers of earlier runs; given once, with the first inputs of a run.

    mode: in force when the last run ended; None: unknown. was_planned: the last run ended in
    order. restart_count: unplanned starts of the last ten minutes, this one included. same_boot:
    the host has not restarted meanwhile. latched: subjects latched off (payload_54v, accel3,
    pump_a). retired: accelerators taken out of service for good. operator_limits_w: (accelerator
    or "all", cap, owner, seconds left; inf: for ever). disabled: accelerators that an operator
    keeps off. budget_w: node budget of an operator, inf for none. inhibits, inhibited_faults:
    response or fault id, and seconds left.
    """

    mode: Mode | None = None
    was_planned: bool = False
    restart_count: int = 0
    same_boot: bool = False
    latched: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    operator_limits_w: tuple[tuple[str, float, str, float], ...] = ()
    disabled: tuple[str, ...] = ()
    budget_w: float = inf
    inhibits: tuple[tuple[str, float], ...] = ()
    inhibited_faults: tuple[tuple[str, float], ...] = ()


@record()
class Inputs:
    """All that one step sees of the world. claims: per accelerator, () when no port is open."""

    now_ns: int
    snapshot: Snapshot
    commands: tuple[Command, ...] = ()
    allotment: Allotment | None = None
    plan: CapPlan | None = None
    orbit: OrbitForecast | None = None
    claims: tuple[WorkloadClaim, ...] = ()
    restored: Restored | None = None


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


class NoticeLevel(StrEnum):
    """What a workload may do, from everything to nothing."""

    OPEN = "open"  # start and run
    CORDON = "cordon"  # run on, start nothing new
    DRAIN = "drain"  # end by the deadline
    CHECKPOINT = "checkpoint"  # save by the deadline; it may run on with less power
    FREEZE = "freeze"  # stop using the accelerator now
    OFF = "off"  # it is, or is about to be, without power


class Notice(NamedTuple):
    """What a workload is told about one accelerator. A new id means that something changed.

    deadline_ns, expected_end_ns: 0 for none, unknown. watts_after: cap from the deadline on.
    """

    notice_id: str
    scope: str
    level: NoticeLevel
    reason: str
    issued_ns: int
    deadline_ns: int = 0
    watts_after: float = 0.0
    expected_end_ns: int = 0


class DeviceRequest(NamedTuple):
    """An edge for a driver: "clear", "reset" or "power_cycle" of the device that has a point."""

    kind: str
    driver: str
    point: str = ""


@record()
class Decision:
    """What one step wants.

    desired: in the order of PointTable.writable_indices; NaN leaves the slot as it is.
    rearm: drivers whose latched reflexes may be released, by name. requests: other edges.
    cap_w, cap_reason: per accelerator, what the arbiter granted and the term that won.
    notices: those in force, one per accelerator; the same object while nothing changed.
    accel_phases: per accelerator, the word of accelerators.AccelPhase; likewise.
    """

    mode: Mode
    desired: Float64s
    cap_w: tuple[float, ...]
    cap_reason: tuple[str, ...]
    rearm: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    acks: tuple[Ack, ...] = ()
    requests: tuple[DeviceRequest, ...] = ()
    notices: tuple[Notice, ...] = ()
    accel_phases: tuple[str, ...] = ()
