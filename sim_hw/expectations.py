"""Expectations of a scenario, judged in every cycle on telemetry values and events alone.

Nothing here looks at plant truth: the same code judges a flight on a bench. An expectation that
could never be judged is a failure, and so is an `always` over a point that died: telemetry that
stands still proves nothing. While the daemon's cycle does not run there is no telemetry to judge.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flight.core.points import PointTable
from flight.core.types import Decision, Float64s, Inputs, Int64s, Snapshot
from sim_hw.fault_story import RESPONDING
from sim_hw.scenario_times import PlannedExpectation
from sim_hw.timeline import NS_PER_S

AT_GRACE_NS = (
    NS_PER_S  # `at` is judged on the first fresh telemetry after it, at most this much later
)
SILENT_NS = 10 * NS_PER_S  # `always`: a point without a sample for longer, to the end, is silent
LOOK_NS = NS_PER_S  # how often it is looked at who is silent
ROWS = 32  # snapshots looked at together


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """What became of one expectation.

    `value` is the worst value seen (`always`, `at`), the time it took in s (`within`, when
    reached), the last value (`within`, when not) or a count of events; None when it could not be
    judged. `low` and `high` bound it, None for no bound; `margin` is how far `value` is inside,
    negative outside.
    """

    id: str
    ok: bool
    value: float | None
    unit: str
    low: float | None
    high: float | None
    margin: float | None
    text: str


class _Tracker(Protocol):
    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Look at one cycle; return True when nothing more can change."""

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return what became of it."""


class ExpectationChecker:
    """Judges all expectations of a flight plan; a cycle sink (flight/services/cycle.py).

    A recorded cycle costs a few microseconds for all `always` expectations together, and about one
    for each other that is open.
    """

    def __init__(self, planned: Sequence[PlannedExpectation], points: PointTable) -> None:
        self._order = {expectation.id: i for i, expectation in enumerate(planned)}
        self._waiting: list[tuple[int, int, _Tracker]] = []
        self._open: list[_Tracker] = []
        self._trackers: list[_Tracker] = []
        self._last: Snapshot | None = None
        self._last_decision: Decision | None = None
        self._last_ns = 0
        blocks: dict[tuple[int, int], list[PlannedExpectation]] = {}
        for expectation in planned:
            if expectation.when == "always" and _is_per_point(expectation):
                blocks.setdefault((expectation.from_ns, expectation.until_ns), []).append(
                    expectation
                )
            elif expectation.event:
                self._add(expectation.from_ns, _Events(expectation))
            elif expectation.back_to:
                self._add(expectation.from_ns, _BackTo(expectation))
            elif expectation.when == "within":
                self._add(expectation.from_ns, _Within(_View(expectation, points)))
            else:
                self._add(expectation.from_ns, _Throughout(_View(expectation, points), points))
        for (from_ns, _), members in blocks.items():
            self._add(from_ns, _Block([_View(member, points) for member in members], points))
        self._waiting.sort(key=lambda entry: entry[:2])

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle."""
        now_ns = inputs.now_ns
        self._last, self._last_decision, self._last_ns = inputs.snapshot, decision, now_ns
        while self._waiting and self._waiting[0][0] <= now_ns:
            self._open.append(self._waiting.pop(0)[2])
        done = [t for t in self._open if t.see(now_ns, inputs.snapshot, decision)]
        for tracker in done:
            self._open.remove(tracker)

    def finish(self, end_ns: int) -> tuple[ExpectationResult, ...]:
        """Return all results, in the order of the scenario, at the end of the run (or of what was
        flown).

        An expectation at `end` is judged on the last cycle.
        """
        last, decision = self._last, self._last_decision
        if last is not None and decision is not None:
            decision = replace(decision, events=())  # they were before that
            for from_ns, _, tracker in self._waiting:
                if from_ns <= end_ns:
                    tracker.see(self._last_ns, last, decision)
        results = [r for tracker in self._trackers for r in tracker.results(last, self._last_ns)]
        return tuple(sorted(results, key=lambda result: self._order[result.id]))

    def _add(self, from_ns: int, tracker: _Tracker) -> None:
        self._waiting.append((from_ns, len(self._trackers), tracker))
        self._trackers.append(tracker)


def _is_per_point(expectation: PlannedExpectation) -> bool:
    """Whether the bounds hold for each point alone, so that many expectations are judged in one
    go.
    """
    return bool(expectation.point) and (
        expectation.stat == "all"
        or (expectation.stat == "max" and math.isinf(expectation.low))
        or (expectation.stat == "min" and math.isinf(expectation.high))
    )


class _View:
    """The points of one expectation in a snapshot, and the value that they make."""

    def __init__(self, expectation: PlannedExpectation, points: PointTable) -> None:
        matched = points.match(expectation.point)
        assert matched, f"{expectation.point}: checked by load_scenario"
        self.expectation = expectation
        self.indices = np.array(matched, dtype=np.intp)
        self.names = tuple(points.points[i].name for i in matched)
        self.unit = points.points[matched[0]].unit
        self._age_ns_max = round(max(points.points[i].age_s_max for i in matched) * NS_PER_S)

    def value(self, now_ns: int, snapshot: Snapshot) -> float:
        """Return the value; NaN while a point has no sample or one that is too old to judge."""
        if int(snapshot.time_ns[self.indices].min()) < max(1, now_ns - self._age_ns_max):
            return math.nan
        return self.reduce(snapshot.values[self.indices])

    def reduce(self, values: Float64s) -> float:
        """Return one value for all points."""
        expectation = self.expectation
        highest, lowest = float(values.max()), float(values.min())
        match expectation.stat:
            case "max":
                return highest
            case "min":
                return lowest
            case "sum":
                return float(values.sum())
        margins = np.minimum(values - expectation.low, expectation.high - values)
        worst = margins.argmin() if expectation.stat == "all" else margins.argmax()
        return float(values[worst])

    def margin(self, value: float) -> float:
        """Return how far a value is inside the bounds, negative outside."""
        return min(value - self.expectation.low, self.expectation.high - value)

    def bound_text(self) -> str:
        """Return the claim in words: `accel*.cap_w <= 200 W`."""
        e = self.expectation
        name = e.point if e.stat == "all" or len(self.names) == 1 else f"{e.stat} {e.point}"
        return f"{name} {_bounds_text(e.low, e.high)} {self.unit}".rstrip()

    def result(self, value: float, *, is_judged: bool, note: str = "") -> ExpectationResult:
        """Return the result of a value against the bounds."""
        e = self.expectation
        known = is_judged and not math.isnan(value)
        margin = self.margin(value) if known else None
        return ExpectationResult(
            id=e.id,
            ok=margin is not None and margin >= 0.0,
            value=value if known else None,
            unit=self.unit,
            low=_finite(e.low),
            high=_finite(e.high),
            margin=margin,
            text=f"{self.bound_text()}{note or ('' if known else ': never judged')}",
        )


class _Hearing:
    """Who was heard in a window: each point at least once with a fresh sample, and to its end.

    What an accelerator reports is not missed while its module rail reads open.
    """

    def __init__(self, indices: Sequence[int] | NDArray[np.intp], points: PointTable) -> None:
        chosen = [points.points[i] for i in indices]
        switches = [points.index.get(_switch_of(point.name), -1) for point in chosen]
        self.was_heard = np.zeros(len(chosen), np.bool_)
        self.all_heard = False
        self._names = [point.name for point in chosen]
        self._indices = np.array(indices, np.intp)
        self._ages_ns = np.array([round(point.age_s_max * NS_PER_S) for point in chosen])
        self._switches = np.array(switches, np.intp)
        self._has_switch = self._switches >= 0
        self._last_ns = np.zeros(len(chosen), np.int64)
        self._looked_ns = 0

    def look(self, now_ns: int, snapshot: Snapshot) -> None:
        """Look once a second, and in every cycle until all were heard."""
        if self.all_heard and now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        times_ns: Int64s = snapshot.time_ns[self._indices]
        np.maximum(self._last_ns, times_ns, out=self._last_ns)
        self.was_heard |= (times_ns > 0) & (times_ns >= now_ns - self._ages_ns)
        self.all_heard = bool(self.was_heard.all())
        is_off = self._has_switch & (snapshot.values[self._switches] < 0.5)
        self._last_ns[is_off] = now_ns

    def complaint(self, start: int = 0, end: int | None = None) -> str:
        """Return why some of the points prove nothing, empty when all were heard to the end."""
        for i in range(start, len(self._names) if end is None else end):
            if not self.was_heard[i]:
                return f": never judged, no fresh sample of {self._names[i]}"
            silent_ns = self._looked_ns - int(self._last_ns[i])
            if silent_ns > max(SILENT_NS, int(self._ages_ns[i])):
                return f": not judged, {self._names[i]} silent since {self._last_ns[i] / 1e9:.1f} s"
        return ""


def _switch_of(name: str) -> str:
    """Return the point that says whether the source of a point is powered."""
    source, _, _ = name.partition(".")
    return f"rail.{source}_54v.enable" if source.startswith("accel") else ""


class _Block:
    """All per-point `always` expectations of one window: two running extremes over all their
    points. Once all points were heard, snapshots are kept and looked at ROWS at a time.
    """

    def __init__(self, views: Sequence[_View], points: PointTable) -> None:
        self._views = views
        self._until_ns = views[0].expectation.until_ns
        self._indices = np.concatenate([view.indices for view in views])
        self._highest = np.full(len(self._indices), math.nan)
        self._lowest = np.full(len(self._indices), math.nan)
        self._hearing = _Hearing(self._indices, points)
        self._kept: list[Float64s] = []  # values of whole snapshots

    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Widen the extremes; the last good value of a point that fell silent still counts."""
        del decision
        if now_ns > self._until_ns:
            return True
        hearing = self._hearing
        hearing.look(now_ns, snapshot)
        if hearing.all_heard:
            self._kept.append(snapshot.values)
            if len(self._kept) == ROWS:
                self._take_kept()
            return False
        values = snapshot.values[self._indices]
        values[~hearing.was_heard] = math.nan
        self._widen(values, values)
        return False

    def _take_kept(self) -> None:
        if self._kept:
            values, indices = np.array(self._kept), self._indices
            self._kept.clear()
            highest, lowest = np.fmax.reduce(values, axis=0), np.fmin.reduce(values, axis=0)
            self._widen(highest.take(indices), lowest.take(indices))

    def _widen(self, highest: Float64s, lowest: Float64s) -> None:
        np.fmax(self._highest, highest, out=self._highest)
        np.fmin(self._lowest, lowest, out=self._lowest)

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return one result per expectation: the worst value that any of its points had."""
        self._take_kept()
        found, start = [], 0
        for view in self._views:
            end = start + len(view.indices)
            extremes = np.concatenate([self._highest[start:end], self._lowest[start:end]])
            note = self._hearing.complaint(start, end)
            start = end
            worst = math.nan
            if not bool(np.isnan(extremes).all()):
                worst = min((float(v) for v in extremes if v == v), key=view.margin)
            found.append(_always_result(view, worst, note))
        return found


class _Throughout:
    """`always` on a value that several points make together, and `at` with or without `hold_s`."""

    def __init__(self, view: _View, points: PointTable) -> None:
        self._view = view
        expectation = view.expectation
        self._hearing = _Hearing(view.indices, points)
        self._is_instant = expectation.when == "at"
        self._until_ns = expectation.until_ns + expectation.hold_ns
        self._worst = math.nan

    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Keep the worst value; an instant between two cycles is judged on the one after it."""
        del decision
        is_first = math.isnan(self._worst)
        grace_ns = AT_GRACE_NS if is_first and self._is_instant else 0
        if now_ns > self._until_ns + grace_ns:
            return True
        if not self._is_instant:
            self._hearing.look(now_ns, snapshot)
        value = self._view.value(now_ns, snapshot)
        if not math.isnan(value) and (
            is_first or self._view.margin(value) < self._view.margin(self._worst)
        ):
            self._worst = value
        return False

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return the one result."""
        if not self._is_instant:
            return [_always_result(self._view, self._worst, self._hearing.complaint())]
        is_whole = last_ns + AT_GRACE_NS > self._until_ns
        return [self._view.result(self._worst, is_judged=is_whole)]


class _Within:
    """Becomes true after an instant, in time, and then holds."""

    def __init__(self, view: _View) -> None:
        self._view = view
        self._reached_ns: int | None = None
        self._is_done = False
        self._last_value = math.nan

    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Look whether it is true now, and whether it has held long enough."""
        del decision
        view, expectation = self._view, self._view.expectation
        if self._reached_ns is None and now_ns > expectation.until_ns:
            return True
        value = view.value(now_ns, snapshot)
        if math.isnan(value):
            return False
        self._last_value = value
        if view.margin(value) < 0.0:
            self._reached_ns = None
            return False
        if self._reached_ns is None:
            self._reached_ns = now_ns
        self._is_done = now_ns - self._reached_ns >= expectation.hold_ns
        return self._is_done

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return the time that it took, or the last value and its bounds."""
        view, expectation = self._view, self._view.expectation
        if not self._is_done or self._reached_ns is None:
            note = ": not reached" if self._reached_ns is None else ": reached, but did not hold"
            result = view.result(self._last_value, is_judged=True, note=note)
            return [replace(result, ok=False)]
        took_s = (self._reached_ns - expectation.from_ns) / NS_PER_S
        allowed_s = (expectation.until_ns - expectation.from_ns) / NS_PER_S
        return [_in_time(expectation.id, took_s, allowed_s, view.bound_text())]


class _BackTo:
    """The mode is in force and no response is at work on any accelerator; then it stays so."""

    def __init__(self, expectation: PlannedExpectation) -> None:
        self._expectation = expectation
        self._reached_ns: int | None = None
        self._is_done = False
        self._missing = "never judged"

    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Look whether the node is back now, and whether it has stayed so long enough."""
        del snapshot
        expectation = self._expectation
        if self._reached_ns is None and now_ns > expectation.until_ns:
            return True
        if decision.mode != expectation.back_to or not RESPONDING.isdisjoint(decision.cap_reason):
            self._reached_ns = None
            self._missing = _what_is_missing(expectation.back_to, decision)
            return False
        if self._reached_ns is None:
            self._reached_ns = now_ns
        self._is_done = now_ns - self._reached_ns >= expectation.hold_ns
        return self._is_done

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return the time that it took, or what was missing last."""
        e = self._expectation
        allowed_s = (e.until_ns - e.from_ns) / NS_PER_S
        claim = f"back to {e.back_to}"
        if self._is_done and self._reached_ns is not None:
            return [_in_time(e.id, (self._reached_ns - e.from_ns) / NS_PER_S, allowed_s, claim)]
        result = _in_time(e.id, 0.0, allowed_s, f"{claim}: not in time, {self._missing}")
        return [replace(result, ok=False, value=None, margin=None)]


def _what_is_missing(mode: str, decision: Decision) -> str:
    if decision.mode != mode:
        return f"the mode was {decision.mode}"
    held = (f"accel{i} ({why})" for i, why in enumerate(decision.cap_reason) if why in RESPONDING)
    return f"held were {', '.join(held)}"


class _Events:
    """Counts matching events in a window."""

    def __init__(self, expectation: PlannedExpectation) -> None:
        self._expectation = expectation
        self._count = 0
        self._first_ns: int | None = None
        self._is_seen = False

    def see(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> bool:
        """Count."""
        del snapshot
        expectation = self._expectation
        self._is_seen = True
        if now_ns > expectation.until_ns:
            return True
        for event in decision.events:
            if fnmatchcase(event.event_id, expectation.event) and fnmatchcase(
                event.subject, expectation.subject
            ):
                self._count += 1
                if self._first_ns is None:
                    self._first_ns = now_ns
        return False

    def results(self, last: Snapshot | None, last_ns: int) -> list[ExpectationResult]:
        """Return how long the first one took where that is the question, else the count."""
        e = self._expectation
        claim = e.event if e.subject == "*" else f"{e.event} of {e.subject}"
        ok = e.low <= self._count <= e.high
        if ok and e.when == "within" and e.high == math.inf and self._first_ns is not None:
            took_s = (self._first_ns - e.from_ns) / NS_PER_S
            return [_in_time(e.id, took_s, (e.until_ns - e.from_ns) / NS_PER_S, claim)]
        return [
            ExpectationResult(
                id=e.id,
                ok=ok and self._is_seen,
                value=float(self._count) if self._is_seen else None,
                unit="count",
                low=_finite(e.low),
                high=_finite(e.high),
                margin=min(self._count - e.low, e.high - self._count) if self._is_seen else None,
                text=f"{claim}, count {_bounds_text(e.low, e.high)}"
                + ("" if self._is_seen else ": never judged"),
            )
        ]


def _always_result(view: _View, worst: float, complaint: str) -> ExpectationResult:
    """A bound that was broken is told before who was silent."""
    is_broken = not math.isnan(worst) and view.margin(worst) < 0.0
    if complaint and not is_broken:
        return view.result(math.nan, is_judged=False, note=complaint)
    return view.result(worst, is_judged=True)


def _in_time(name: str, took_s: float, allowed_s: float, claim: str) -> ExpectationResult:
    return ExpectationResult(
        id=name,
        ok=True,
        value=took_s,
        unit="s",
        low=None,
        high=allowed_s,
        margin=allowed_s - took_s,
        text=claim,
    )


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _bounds_text(low: float, high: float) -> str:
    if math.isinf(low):
        return f"<= {high:g}"
    if math.isinf(high):
        return f">= {low:g}"
    return f"= {low:g}" if low == high else f"{low:g} to {high:g}"
