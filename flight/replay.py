"""Replay: run `step` again on what a recording says it saw, and compare every decision.

Within one build (flight/build_identity.py) decisions must be equal to the bit. Across builds they
are compared at the resolution at which they leave the node: caps in 0.1 W, other desired values as
32-bit floats, events by id and subject. A chain of steps breaks where cycles are missing from the
recording; it goes on from the next state that the recorder kept.
"""

import gc
import time
from collections import Counter, deque
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from flight.config import NodeConfig, build_points
from flight.core.points import PointTable
from flight.core.reconfigure import adapt
from flight.core.state import State
from flight.core.step import StepConfig, compile_config, initial_state, step
from flight.core.types import Decision, Event, Float64s, Inputs, Notice, Snapshot
from flight.operator_error import OperatorError
from flight.replay_causes import Reading, readings_behind, readings_of
from flight.replay_compare import Comparison, Differing
from flight.services.recording import FOREVER_NS, NS_PER_S, RecordingReader
from flight.services.recording_rows import BlockRows, Granted, Rares

LATE_ID = "cycle.late"  # flight/services/cycle.py: such a cycle senses and takes no step
HISTORY_CYCLES = 5
DETAILS_MAX = 8  # differing fields of the first differing cycle that are looked into
_GIVEN = tuple((field.name, field.default) for field in fields(Inputs)[2:])


class Past(NamedTuple):
    """One cycle before a difference."""

    inputs: Inputs
    recorded: Decision
    replayed: Decision


class Difference(NamedTuple):
    """One field of the first decision that came out differently, and what led there.

    depends: `readings` are those that the field depends on; else they are those of its thing.
    """

    now_ns: int
    what: Differing
    readings: tuple[Reading, ...]
    depends: bool
    past: tuple[tuple[int, Any, Any], ...]  # time, recorded and replayed value of the field


@dataclass(kw_only=True)
class ReplayReport:
    """What a replay found.

    late: cycles that took no step. skipped: cycles behind a gap, before the next kept state.
    differing: cycles that differ. fields: how often each field differed. first: details of the
    first cycle that differs, of DETAILS_MAX fields at most; first_count: how many fields did.
    """

    is_exact: bool
    from_ns: int = 0
    to_ns: int = 0
    cycles: int = 0
    late: int = 0
    skipped: int = 0
    differing: int = 0
    cpu_s: float = 0.0
    fields: Counter[str] = field(default_factory=Counter)
    first: tuple[Difference, ...] = ()
    first_count: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Simulated s per CPU s."""
        return (self.to_ns - self.from_ns) / NS_PER_S / max(self.cpu_s, 1e-9)


def recorded_config(reader: RecordingReader) -> NodeConfig:
    """Return the configuration as flown.

    Raises: OperatorError, when this version cannot fly it.
    """
    try:
        return NodeConfig.model_validate_json(reader.meta["config_text"])
    except ValueError as error:
        raise OperatorError(
            f"its configuration cannot be used by this version: {error}; replay it with version "
            f"{reader.meta['version']}"
        ) from None


def replay(
    reader: RecordingReader,
    *,
    config: NodeConfig,
    is_exact: bool,
    from_ns: int = 0,
    to_ns: int = FOREVER_NS,
) -> ReplayReport:
    """Replay a span of a run; the state before it comes from the recording.

    Args:
        config: As flown, or changed, to see what would have been decided.
        is_exact: Compare to the bit.

    Raises:
        OperatorError: the recording cannot be replayed with this version, or not this span.
    """
    points = build_points(config)
    if tuple(point.name for point in points) != reader.channels():
        raise OperatorError(
            f"its points are not those of this version; replay it with version "
            f"{reader.meta['version']}"
        )
    was_enabled = gc.isenabled()
    gc.disable()  # a step leaves no cycles behind; looking for them costs a tenth of the time
    start_s = time.process_time()
    try:
        run = _Replay(reader, config, points, is_exact)
        run.fly(from_ns, to_ns)
    finally:
        if was_enabled:
            gc.enable()
    run.report.cpu_s = time.process_time() - start_s
    return run.report


class _Replay:
    """State of one replay."""

    def __init__(
        self, reader: RecordingReader, config: NodeConfig, points: PointTable, is_exact: bool
    ) -> None:
        self.report = ReplayReport(is_exact=is_exact)
        self._reader = reader
        self._points = points
        self._config: StepConfig = compile_config(config, points)
        self._is_changed = config != recorded_config(reader)
        self._state: State | None = None
        self._gap_ns_max = int(reader.meta["period_ns"]) * 3 // 2
        losses = {name: loss for name, loss in reader.losses().items() if loss.run >= reader.run}
        self._events_from_ns = losses["event"].until_ns + 1 if "event" in losses else 0
        self._inputs_from_ns = max(
            (loss.until_ns for name, loss in losses.items() if name not in ("event", "evidence")),
            default=-1,
        ) + 1  # fmt: skip
        self._compare = Comparison(reader.writable_channels(), is_exact=is_exact)
        self._rares: Rares = reader.rares(0, -1)
        self._given: dict[str, Any] = {}  # rare fields of the inputs of the next cycle
        self._notices: tuple[Notice, ...] = ()
        self._past: deque[Past] = deque(maxlen=HISTORY_CYCLES)

    def fly(self, from_ns: int, to_ns: int) -> None:
        """Find where to begin, then step through the span."""
        report = self.report
        first_ns = round(self._reader.span_s()[0] * NS_PER_S)
        start_ns = self._begin(max(from_ns, first_ns, self._inputs_from_ns), first_ns)
        if start_ns > to_ns:
            raise OperatorError("no state is kept in this span: take a longer one")
        report.from_ns = start_ns
        rares = self._reader.rares(start_ns, to_ns)
        grants = self._reader.grant_reader()
        self._rares, last_ns = rares, start_ns
        self._given, self._notices = rares.given(start_ns - 1), rares.notices_at(start_ns - 1)
        for block in self._reader.blocks(start_ns, to_ns):
            granted, first = grants.read(block), 0
            for gap in _gaps(block.times_ns, last_ns, self._gap_ns_max):
                self._fly_rows(block, granted, first, gap)
                first = self._cross_gap(block.times_ns, gap)
            self._fly_rows(block, granted, first, len(granted))
            last_ns = block.times_ns[-1]
        report.to_ns = last_ns
        if self._events_from_ns:
            report.notes.append(
                f"events before {self._events_from_ns / NS_PER_S:.1f} s were not compared: "
                "the quota has taken some"
            )

    def _begin(self, from_ns: int, first_ns: int) -> int:
        """Set the state before the span; return the time of the first cycle to step."""
        losses = self._reader.losses()
        is_whole = "block" not in losses or losses["block"].run < self._reader.run
        entry = next(run for run in self._reader.runs() if run.run == self._reader.run)
        kept = self._reader.state_before(from_ns)
        if from_ns == first_ns and is_whole and entry.rows_lost == 0:
            goes_on = kept is not None and kept[0] < first_ns  # under another configuration
            fresh = initial_state(self._config)
            self._state = self._taken(kept[1]) if kept and goes_on else fresh
            return first_ns
        kept = kept or self._reader.state_after(from_ns)
        if kept is None:
            raise OperatorError(
                "the begin of this run was not recorded and no state is kept: it cannot be replayed"
            )
        self._state = self._taken(kept[1])
        return kept[0] + 1

    def _taken(self, kept: State) -> State:
        """Return a kept state under this configuration: it holds limits of the one as flown."""
        return adapt(self._config, kept) if self._is_changed else kept

    def _cross_gap(self, times: list[int], gap: int) -> int:
        """Take the state that was kept behind a gap; return the row from which steps go on.

        A late cycle takes no step, so where no state was kept the chain goes on over it; else it
        is broken until the next kept state.
        """
        now_ns = times[gap]
        kept = self._reader.state_after(now_ns - 1)
        if kept is not None and kept[0] == now_ns:
            self._state = self._taken(kept[1])
            self._given, self._notices = self._rares.given(now_ns), self._rares.notices_at(now_ns)
            self._given["commands"] = ()
            if _is_late(self._rares.events.get(now_ns)):
                self.report.late += 1
            else:
                self.report.skipped += 1
            return gap + 1
        if self._state is None or not _is_late(self._rares.events.get(now_ns)):
            self._state = None
        return gap

    def _fly_rows(self, block: BlockRows, granted: list[Granted], first: int, end: int) -> None:
        """Step through rows of a block. The fast path: what is the same in most cycles costs
        nothing.
        """
        if first >= end:
            return
        if self._state is None and (first := self._find_state(block.times_ns, first, end)) >= end:
            return
        config, state = self._config, self._state
        assert state is not None
        desired = block.desired.tobytes()
        size = len(desired) // len(granted)
        times, changes_ns, past = block.times_ns, self._rares.changes_ns, self._past
        given, notices = _in_order(self._given), self._notices
        snapshots = list(block.snapshots())
        for i in range(first, end):
            now_ns, grant = times[i], granted[i]
            if now_ns in changes_ns:
                self._state = state
                state = self._step_rare(block, i, snapshots[i], grant)
                given, notices = _in_order(self._given), self._notices
                continue
            before, inputs = state, Inputs(now_ns, snapshots[i], *given)
            state, decision = step(config, before, inputs)
            if (
                desired[i * size : (i + 1) * size] == decision.desired.tobytes()
                and grant.cap_w == decision.cap_w
                and grant.cap_reason == decision.cap_reason
                and grant.mode is decision.mode
                and not decision.events
                and not decision.acks
                and not decision.rearm
                and not decision.requests
                and decision.notices == notices
            ):
                past.append(Past(inputs, decision, decision))
            else:
                self._judge(before, inputs, block.desired[i], grant, decision)
        self.report.cycles += end - first
        self._state = state

    def _find_state(self, times: list[int], first: int, end: int) -> int:
        """Look for a kept state among rows of a broken chain; return the row behind it."""
        kept = self._reader.state_after(times[first] - 1)
        if kept is None or kept[0] > times[end - 1]:
            self.report.skipped += end - first
            return end
        behind = sum(now_ns <= kept[0] for now_ns in times[first:end])
        self.report.skipped += behind
        self._state = self._taken(kept[1])
        self._given, self._notices = self._rares.given(kept[0]), self._rares.notices_at(kept[0])
        self._given["commands"] = ()
        return first + behind

    def _step_rare(self, block: BlockRows, i: int, snapshot: Snapshot, grant: Granted) -> State:
        """Step a cycle in which something came, was said or asked for; return the state behind."""
        now_ns, state = block.times_ns[i], self._state
        assert state is not None
        given, self._notices = self._rares.given(now_ns), self._rares.notices_at(now_ns)
        self._given = {**given, "commands": ()}
        if _is_late(self._rares.events.get(now_ns)):
            self.report.late += 1
            self.report.cycles -= 1
            return state
        inputs = Inputs(now_ns=now_ns, snapshot=snapshot, **given)
        after, decision = step(self._config, state, inputs)
        self._judge(state, inputs, block.desired[i], grant, decision)
        return after

    def _judge(
        self, before: State, inputs: Inputs, desired: Float64s, grant: Granted, decision: Decision
    ) -> None:
        """Compare one decision in full."""
        now_ns = inputs.now_ns
        recorded = Decision(
            mode=grant.mode, desired=desired, cap_w=grant.cap_w, cap_reason=grant.cap_reason,
            **self._rares.taken(now_ns),
        )  # fmt: skip
        self._past.append(Past(inputs, recorded, decision))
        found = self._compare(recorded, decision, with_events=now_ns >= self._events_from_ns)
        if not found:
            return
        self.report.differing += 1
        self.report.fields.update(what.field for what in found)
        if not self.report.first:
            self.report.first_count = len(found)
            self.report.first = tuple(
                self._explain(before, inputs, what) for what in found[:DETAILS_MAX]
            )

    def _explain(self, before: State, inputs: Inputs, what: Differing) -> Difference:
        pick = self._compare.picker(what.field)
        past = tuple((p.inputs.now_ns, pick(p.recorded), pick(p.replayed)) for p in self._past)
        readings = readings_behind(self._config, self._points, before, inputs, pick)
        if readings:
            return Difference(inputs.now_ns, what, readings, True, past)
        subject = what.field.removeprefix("desired.").removeprefix("rail.").split(".")[0]
        own = readings_of(self._config, self._points, before, inputs, subject.partition("_")[0])
        return Difference(inputs.now_ns, what, own, False, past)


def _in_order(given: dict[str, Any]) -> tuple[Any, ...]:
    """Return the fields of `Inputs` behind the snapshot, in their order: quicker than by name."""
    return tuple(given.get(name, default) for name, default in _GIVEN)


def _is_late(events: list[Event] | None) -> bool:
    return events is not None and any(event.event_id == LATE_ID for event in events)


def _gaps(times: list[int], last_ns: int, gap_ns_max: int) -> list[int]:
    """Return the rows that stand behind a gap."""
    if times[-1] - last_ns <= gap_ns_max:
        return []
    befores = [last_ns, *times]
    return [i for i, now_ns in enumerate(times) if now_ns - befores[i] > gap_ns_max]
