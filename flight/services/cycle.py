"""The control cycle: sense, judge and decide (`step`), act, record. Ten times a second, in this
order.

A cycle that starts too late trusts nothing it decided before: it writes nothing and does not
beat, so the leases of the drivers run; it takes a new epoch and only senses. The next cycle
decides on that and writes.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Generic, Protocol, TypeVar

import numpy as np

from flight.core.types import (
    FLAG_LAPSED,
    Ack,
    Allotment,
    CapPlan,
    Command,
    Decision,
    DeviceRequest,
    Event,
    Float64s,
    Inputs,
    Int32s,
    Int64s,
    Mode,
    OrbitForecast,
    Restored,
    Severity,
    Snapshot,
    Uint32s,
    WorkloadClaim,
)
from hal import RequestKind

NS_PER_S = 1_000_000_000
LATE_LIMIT_NS = 300_000_000  # docs/design/node-image.md
COMMANDS_MAX = 64  # waiting for the next cycle; one more is rejected with its reason
TRACE_PARTS_MAX = 60  # of ten cycles
SLOW_GAP_NS_MAX = 750_000_000  # half the default lease
LAPSED_CYCLES_MAX = 10  # a lapse that is held longer than so many cycles in time needs a new epoch
FAILURES_MAX = 2  # steps in a row that may fail before the state is given up
REQUEST_NS = 5_000_000_000  # an edge that its driver has not begun by then is dropped
ACKS_MAX = 256  # kept for whoever asks; the oldest goes first

C = TypeVar("C")
S = TypeVar("S")

_TRACE_HEAD = Struct("<qQ8s")  # time, epoch, mode
_MODE_NAMES = {mode: mode.value.encode() for mode in Mode}


class CycleImage(Protocol):
    """What the cycle needs of the node image. Every call returns within 1 ms and never waits."""

    @property
    def epoch(self) -> int:
        """The newest epoch that any daemon has used on this image, 0 for none."""

    def snapshot(self) -> tuple[Float64s, Int64s, Int32s, Uint32s]:
        """Return fresh arrays of values, time_ns, status and flags, in point order."""

    def write_desired(self, values: Float64s, epoch: int) -> None:
        """Put desired values, in the order of the writable points; NaN leaves a slot as it is."""

    def beat(self, epoch: int) -> None:
        """Change the heartbeat word: the leases of slots with this epoch are renewed."""

    def request_rearm(self, driver: str) -> None:
        """Ask a driver to release its latched reflexes whose condition is gone."""

    def send_request(
        self, driver: str, kind: RequestKind, *, device: int | None, epoch: int, deadline_ns: int
    ) -> int | None:
        """Ask a driver for another edge; None: it cannot be asked now."""


@dataclass(slots=True)
class Feed:
    """What a cycle sees besides samples and commands; the services replace its fields.

    restored: given to the first cycle that decides, and taken away then.
    """

    allotment: Allotment | None = None
    plan: CapPlan | None = None
    orbit: OrbitForecast | None = None
    claims: tuple[WorkloadClaim, ...] = ()
    restored: Restored | None = None


class CycleSink(Protocol):
    """Takes what each cycle saw and decided. Must not wait, nor raise for its own trouble."""

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle. Neither argument changes afterwards."""


class Cycle(Generic[C, S]):
    """Runs the loop once per call of `run`.

    Args:
        image: The node image. On construction the cycle takes an epoch newer than the one found
            there.
        config, state: Of `step`; the state is replaced each cycle.
        step: The pure function judge + decide.
        sinks: Called in order after everything was written, also for a late cycle.
        period_ns: The period at which `run` is called.
        device_of: Of each point by name, the index of its device in its driver; a driver of one
            device needs none.
        late_limit_ns: A cycle this much later than one period after the last is late.

    A command runs in exactly one step. When that step raises, the command is answered as
    interrupted and never tried again.

    Attributes:
        on_answer: Takes each answer that no decision carries, so no sink sees it.
        remember: Returns what a core that begins anew in the midst of a run takes over; None: what
            the first step of the run was given.
    """

    def __init__(
        self,
        *,
        image: CycleImage,
        config: C,
        state: S,
        step: Callable[[C, S, Inputs], tuple[S, Decision]],
        sinks: Sequence[CycleSink] = (),
        period_ns: int,
        late_limit_ns: int = LATE_LIMIT_NS,
        device_of: Mapping[str, int] | None = None,
    ) -> None:
        self.state = state
        self._first_state = state
        self._restored: Restored | None = None  # what the first step was given
        self._failures = 0  # steps in a row that raised
        self._has_passed = False  # the last cycle was late and only sensed
        self._lapsed_cycles = 0
        self.epoch = image.epoch + 1
        self.last_snapshot: Snapshot | None = None
        self.last_decision: Decision | None = None
        self.acks: deque[Ack] = deque(maxlen=ACKS_MAX)
        self.on_answer: Callable[[Ack], None] = lambda _ack: None
        self.remember: Callable[[], Restored] | None = None
        self.feed = Feed()
        self.late_count = 0
        self.acted_ns = 0  # when a cycle last wrote; 0: never
        self._device_of = dict(device_of or {})
        self._image = image
        self.config = config
        self._step = step
        self._sinks = tuple(sinks)
        self._gap_ns_max = period_ns + late_limit_ns
        self._period_ns = period_ns
        self._last_ns: int | None = None
        self._commands: list[Command] = []
        self._trace = sha256()
        self._untraced: list[bytes | memoryview] = []  # hashed several cycles at a time

    @property
    def trace_hash(self) -> str:
        """32 hex digits over all cycles so far: time, epoch, mode, snapshot, desired values."""
        self._hash_parts()
        return self._trace.hexdigest()[:32]

    def submit(self, command: Command) -> None:
        """Hand an accepted command to the next cycle in time; its answer comes in `acks`."""
        if len(self._commands) >= COMMANDS_MAX:
            self._answer(Ack(command.command_id, False, f"{COMMANDS_MAX} commands already wait"))
            return
        self._commands.append(command)

    def interrupt(self) -> None:
        """Answer the commands that wait: there is no further cycle in this run."""
        commands, self._commands = self._commands, []
        for command in commands:
            self._answer(Ack(command.command_id, False, "interrupted: the daemon ends"))

    def reconfigure(self, config: C, adapt: Callable[[S], S]) -> None:
        """Decide by another configuration from the next cycle on.

        Args:
            adapt: Returns the state that fits it.
        """
        self.state, self._first_state = adapt(self.state), adapt(self._first_state)
        self.config = config

    def _answer(self, ack: Ack) -> None:
        self.acks.append(ack)
        self.on_answer(ack)

    def run(self, now_ns: int) -> None:
        """Run a cycle that started at now_ns (monotonic). What `step` raises passes through."""
        last_ns, self._last_ns = self._last_ns, now_ns
        snapshot = Snapshot(*self._image.snapshot())
        self.last_snapshot = snapshot
        if last_ns is not None and self._must_pass(now_ns - last_ns):
            self._has_passed = True
            inputs = self._inputs(now_ns, snapshot, ())
            decision = self._let_pass(now_ns, now_ns - last_ns - self._period_ns)
        else:
            self._has_passed = False
            self._end_stuck_lapses(snapshot)
            if self._failures >= FAILURES_MAX:
                self._begin_anew()
            commands = tuple(self._commands)
            self._commands.clear()
            inputs = self._inputs(now_ns, snapshot, commands)
            decision = self._decide(inputs)
            self._act(decision)
            self.acted_ns = now_ns
        self.last_decision = decision
        self._extend_trace(inputs, decision)
        for sink in self._sinks:
            sink.record(inputs, decision)

    def _inputs(self, now_ns: int, snapshot: Snapshot, commands: tuple[Command, ...]) -> Inputs:
        feed = self.feed
        return Inputs(
            now_ns=now_ns,
            snapshot=snapshot,
            commands=commands,
            allotment=feed.allotment,
            plan=feed.plan,
            orbit=feed.orbit,
            claims=feed.claims,
            restored=feed.restored,
        )

    def _must_pass(self, gap_ns: int) -> bool:
        """Whether a cycle so long after the last one is too late to write.

        A daemon that is slow all the time, but not so slow that leases lapse, acts in every second
        cycle rather than never: it has sensed again in the one before, and its epoch is new.
        """
        if gap_ns <= self._gap_ns_max:
            return False
        return not self._has_passed or gap_ns > SLOW_GAP_NS_MAX

    def _end_stuck_lapses(self, snapshot: Snapshot) -> None:
        """Take a new epoch when a driver keeps a lapse although no cycle was late.

        It saw a silence that the daemon did not, e.g. its own; only a newer epoch ends a lapse.
        """
        # Most cycles have no flag at all: count_nonzero says so in a third of the time of any().
        if not np.count_nonzero(snapshot.flags) or not (snapshot.flags & FLAG_LAPSED).any():
            self._lapsed_cycles = 0
            return
        self._lapsed_cycles += 1
        if self._lapsed_cycles % LAPSED_CYCLES_MAX == 0:
            self.epoch = max(self.epoch, self._image.epoch) + 1

    def _begin_anew(self) -> None:
        """Give the state up, which may be what fails, but for what outlives a run as well."""
        self.state = self._first_state
        self.feed.restored = self._restored if self.remember is None else self.remember()

    def _decide(self, inputs: Inputs) -> Decision:
        try:
            self.state, decision = self._step(self.config, self.state, inputs)
            self._failures = 0
            if inputs.restored is not None:  # what was remembered is in the state now
                self._restored, self.feed.restored = inputs.restored, None
        except Exception:
            self._failures += 1
            for command in inputs.commands:
                self._answer(Ack(command.command_id, False, "interrupted: the cycle failed"))
            raise
        if decision.acks:
            self.acks.extend(decision.acks)
        return decision

    def _act(self, decision: Decision) -> None:
        image = self._image
        image.write_desired(decision.desired, self.epoch)
        for driver in decision.rearm:
            image.request_rearm(driver)
        for request in decision.requests:
            if request.kind != "clear":  # first its evidence must be durable (evidence.py)
                self._request(request)
        image.beat(self.epoch)  # last: whoever sees the beat finds the slots written

    def _request(self, request: DeviceRequest) -> None:
        """Ask once; whoever wanted it sees in its readings whether it was done, and asks again."""
        assert self._last_ns is not None
        self._image.send_request(
            request.driver,
            RequestKind[request.kind.upper()],
            device=self._device_of.get(request.point, 0),
            epoch=self.epoch,
            deadline_ns=self._last_ns + REQUEST_NS,
        )

    def _let_pass(self, now_ns: int, late_ns: int) -> Decision:
        """Take a new epoch and return the decision to change nothing."""
        self.epoch = max(self.epoch, self._image.epoch) + 1
        self.late_count += 1
        text = f"the cycle started {late_ns / NS_PER_S:.3f} s late; epoch {self.epoch} begins"
        event = Event(now_ns, "cycle.late", Severity.WARNING, "cycle", text, late_ns / NS_PER_S)
        last = self.last_decision
        if last is None:
            return Decision(
                mode=Mode.BOOT, desired=np.empty(0), cap_w=(), cap_reason=(), events=(event,)
            )
        return Decision(
            mode=last.mode,
            desired=np.full_like(last.desired, math.nan),
            cap_w=last.cap_w,
            cap_reason=last.cap_reason,
            events=(event,),
            notices=last.notices,
            accel_phases=last.accel_phases,
        )

    def _extend_trace(self, inputs: Inputs, decision: Decision) -> None:
        snapshot, parts = inputs.snapshot, self._untraced
        parts += (
            _TRACE_HEAD.pack(inputs.now_ns, self.epoch, _MODE_NAMES[decision.mode]),
            snapshot.values.data,
            snapshot.time_ns.data,
            snapshot.status.data,
            snapshot.flags.data,
            decision.desired.data,
        )
        if len(parts) >= TRACE_PARTS_MAX:
            self._hash_parts()

    def _hash_parts(self) -> None:
        self._trace.update(b"".join(self._untraced))
        self._untraced.clear()
