"""Judge: turn samples into readings that laws may trust.

Checks: status of the last try, range (NaN fails it), age, rate, stuck. A reading that fails a check
is replaced by the last good value for a short hold, then by another source where there is one, then
by NaN: a law sees a number that was true a moment ago, or learns that it is blind. Readings that
pass are compared with each other (compare.py). Vector operations over all points; the slow path
runs only when some reading is not good.
"""

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np

from flight.core import compare as comparing
from flight.core import lasting as lasting_law
from flight.core.compare import NOTHING_FILLED, CompareState, CompareTable
from flight.core.lasting import Lasting, Marks, Readings
from flight.core.points import PointTable
from flight.core.types import Bools, Float64s, Int64s, Quality, Snapshot, Uint8s

NS_PER_S = 1_000_000_000
_ABSURD = 1e15  # no true reading; keeps infinities out of differences


class Scratch(NamedTuple):
    """Arrays that each judgement writes anew before it reads them; no state ever holds one.

    Fresh ones would cost as much as the comparisons themselves. So a table is for one thread.
    """

    high_enough: Bools
    low_enough: Bools
    fresh: Bools
    too_fast: Bools
    change: Float64s
    oldest_ns: Int64s


@dataclass(frozen=True, slots=True)
class JudgeTable:
    """Limits of all points as arrays, resolved once.

    rate_max_per_s: infinite for a point without a rate check, and for one whose monitor must see
    the first sample of a true step (over-current).
    stuck_points, stuck_references: points with a stuck check, and what each is compared with.
    """

    low: Float64s
    high: Float64s
    age_ns_max: Int64s
    rate_max_per_s: Float64s
    period_s: Float64s
    step_max: Float64s
    hold_ns: int
    stuck_points: Int64s
    stuck_references: Int64s
    stuck_after_ns: Int64s
    stuck_delta: Float64s
    stuck_lag_s: Float64s
    stuck_parts: tuple[Float64s, Float64s]  # see _parts; of one period
    nothing_stuck: tuple[Int64s, Bools]  # moved_ns and stuck while nothing is
    stuck_period_ns: int
    age_ns_longest: int
    all_well: Marks
    all_false: bytes
    zero_quality: Uint8s
    scratch: Scratch
    compare: CompareTable | None = None


class StuckState(NamedTuple):
    """Watch on the points with a stuck check, in the order of `JudgeTable.stuck_points`.

    acting: the reference with the lag with which it acts on the value. reference: what acted when
    the value last changed. moved_ns: since when `acting` has been away from it by more than the
    delta; 0: it is not.
    """

    checked_ns: int
    value: Float64s
    reference: Float64s
    acting: Float64s
    moved_ns: Int64s
    stuck: Bools
    any_stuck: bool


class JudgeState(NamedTuple):
    """What judge remembers, and its result.

    trusted: what laws may use; NaN where nothing can be trusted. suspect_time_ns: time of the
    sample whose rate is doubted, 0: none. good_time_ns: time of the last good sample, 0: never.
    lasting: what stays as it is while the same readings are bad; None: nothing is known of it.
    """

    last_good: Float64s
    good_time_ns: Int64s
    trusted: Float64s
    quality: Uint8s
    suspect_time_ns: Int64s
    any_suspect: bool
    all_good: bool
    stuck: StuckState
    compare: CompareState
    lasting: Lasting | None = None

    def is_good(self, point: int) -> bool:
        """Return whether the newest sample of a point is good: no held value, no doubt."""
        return self.all_good or bool(self.quality[point] == _GOOD)


def build_table(
    table: PointTable,
    *,
    hold_s: float,
    stuck_period_s: float,
    no_rate_check: frozenset[int],
    compare: CompareTable | None = None,
) -> JudgeTable:
    """Return the limits of all points as arrays.

    Args:
        no_rate_check: Points whose own monitor filters single samples: a true step is seen at once.
        compare: What is compared with what; None: nothing.
    """
    points = table.points
    rates = np.array(
        [np.inf if i in no_rate_check else p.rate_max_per_s for i, p in enumerate(points)]
    )
    periods = np.array([p.period_s for p in points])
    stuck = [
        i
        for i, p in enumerate(points)
        if p.stuck_after_s > 0.0
        and p.stuck_reference in table.index
        and isfinite(p.stuck_reference_delta)
    ]
    lag_s = np.array([points[i].stuck_lag_s for i in stuck], np.float64)
    count = len(points)
    return JudgeTable(
        low=np.array([p.low for p in points]),
        high=np.array([p.high for p in points]),
        age_ns_max=np.array([round(p.age_s_max * NS_PER_S) for p in points], np.int64),
        rate_max_per_s=rates,
        period_s=periods,
        step_max=rates * periods,
        hold_ns=round(hold_s * NS_PER_S),
        stuck_points=np.array(stuck, np.int64),
        stuck_references=np.array(
            [table.index[points[i].stuck_reference] for i in stuck], np.int64
        ),
        stuck_after_ns=np.array(
            [round(points[i].stuck_after_s * NS_PER_S) for i in stuck], np.int64
        ),
        stuck_delta=np.array([points[i].stuck_reference_delta for i in stuck], np.float64),
        stuck_lag_s=lag_s,
        stuck_parts=_parts(lag_s, round(stuck_period_s * NS_PER_S)),
        nothing_stuck=(np.zeros(len(stuck), np.int64), np.zeros(len(stuck), np.bool_)),
        stuck_period_ns=round(stuck_period_s * NS_PER_S),
        age_ns_longest=max((round(p.age_s_max * NS_PER_S) for p in points), default=0),
        all_well=(*(bytes([1]) * count,) * 3, bytes(4 * count)),
        all_false=bytes(count),
        zero_quality=np.zeros(count, np.uint8),
        scratch=_scratch(count),
        compare=compare,
    )


def _scratch(count: int) -> Scratch:
    high_enough, low_enough, fresh, too_fast = np.empty((4, count), np.bool_)
    return Scratch(
        high_enough, low_enough, fresh, too_fast, np.empty(count), np.empty(count, np.int64)
    )


def initial(table: JudgeTable) -> JudgeState:
    """Return the state before the first sample: nothing was ever good."""
    count, stuck = len(table.low), len(table.stuck_points)
    never = np.zeros(count, np.int64)
    return JudgeState(
        last_good=np.full(count, np.nan),
        good_time_ns=never,
        trusted=np.full(count, np.nan),
        quality=np.full(count, Quality.INVALID, np.uint8),
        suspect_time_ns=never,
        any_suspect=False,
        all_good=False,
        stuck=StuckState(
            0,
            np.full(stuck, np.nan),
            np.full(stuck, np.nan),
            np.full(stuck, np.nan),
            np.zeros(stuck, np.int64),
            np.zeros(stuck, np.bool_),
            False,
        ),
        compare=comparing.initial(table.compare) if table.compare else _NOTHING_COMPARED,
    )


def judge(table: JudgeTable, state: JudgeState, now_ns: int, snapshot: Snapshot) -> JudgeState:
    """Return the readings of one snapshot.

    Guarantees: `trusted` holds only values that once passed every check, at most `hold_ns` old or
    good now, or those of another source; a point that was never good is NaN without one. One
    doubted sample never reaches `trusted`.
    """
    values, time_ns, stuck = snapshot.values, snapshot.time_ns, state.stuck
    if now_ns - stuck.checked_ns >= table.stuck_period_ns and stuck.value.size:
        stuck = _check_stuck(table, stuck, now_ns, values)
    high_enough, low_enough, fresh, too_fast, change, oldest_ns = table.scratch
    np.greater_equal(values, table.low, high_enough)
    np.less_equal(values, table.high, low_enough)
    np.greater_equal(time_ns, np.subtract(now_ns, table.age_ns_max, oldest_ns), fresh)
    compare, rows = state.compare, table.compare
    if rows is not None and now_ns - compare.looked_ns >= rows.period_ns:
        valid = high_enough & low_enough
        usable = np.where(valid & fresh & (snapshot.status == 0), values, np.nan)
        compare = comparing.step(rows, compare, now_ns, usable)
    marks = low_enough.tobytes(), high_enough.tobytes(), fresh.tobytes(), snapshot.status.tobytes()
    doubted = stuck.any_stuck or state.any_suspect or compare.doubts
    # In the first moments a sample never taken (time 0) would look fresh.
    if now_ns <= table.age_ns_longest:
        return _judge_slowly(table, state, now_ns, snapshot, stuck, compare)
    if not doubted and marks == table.all_well:
        np.absolute(np.subtract(values, state.last_good, change), change)
        if np.greater(change, table.step_max, too_fast).tobytes() != table.all_false:
            return _judge_slowly(table, state, now_ns, snapshot, stuck, compare)
        return JudgeState(
            values,
            time_ns,
            values,
            table.zero_quality,
            state.suspect_time_ns,
            False,
            True,
            stuck,
            compare,
        )
    if state.lasting is not None and _still_lasts(state.lasting, marks, stuck, compare):
        np.absolute(np.subtract(values, state.last_good, change), change)
        np.logical_and(np.greater(change, table.step_max, too_fast), state.lasting.usable, too_fast)
        if too_fast.tobytes() == table.all_false:
            return _judge_again(table, state, state.lasting, snapshot, stuck, compare)
    if doubted:
        return _judge_slowly(table, state, now_ns, snapshot, stuck, compare, marks)
    valid = high_enough & low_enough
    return _judge_some(table, state, now_ns, snapshot, stuck, compare, valid, fresh.copy(), marks)


def _still_lasts(lasting: Lasting, marks: Marks, stuck: StuckState, compare: CompareState) -> bool:
    """Every check says the same of every point as it did before."""
    return (
        marks == lasting.marks
        and lasting.has_doubts is bool(compare.doubts)
        and stuck.stuck.tobytes() == lasting.stuck
    )


def _judge_again(
    table: JudgeTable,
    state: JudgeState,
    lasting: Lasting,
    snapshot: Snapshot,
    stuck: StuckState,
    compare: CompareState,
) -> JudgeState:
    """Judge a snapshot of which the same readings are bad as before, and none is too fast."""
    last_good, good_time_ns, trusted, quality = lasting_law.again(
        lasting, table.compare, compare.doubts, snapshot.values, snapshot.time_ns
    )
    return JudgeState(
        last_good,
        good_time_ns,
        trusted,
        quality,
        state.suspect_time_ns,
        False,
        False,
        stuck,
        compare,
        lasting,
    )


def _judge_some(
    table: JudgeTable,
    state: JudgeState,
    now_ns: int,
    snapshot: Snapshot,
    stuck: StuckState,
    compare: CompareState,
    valid: Bools,
    fresh: Bools,
    marks: Marks,
) -> JudgeState:
    """Judge a snapshot of which some readings are bad, and none is doubted."""
    valid &= snapshot.status == 0
    good = valid & fresh
    last_good = np.where(good, snapshot.values, state.last_good)
    if (np.abs(last_good - state.last_good) > table.step_max).any():
        return _judge_slowly(table, state, now_ns, snapshot, stuck, compare)
    good_time_ns = np.where(good, snapshot.time_ns, state.good_time_ns)
    trusted = np.where(good | _is_held(table, good_time_ns, now_ns), last_good, np.nan)
    quality = np.where(valid, np.where(fresh, _GOOD, _STALE), _INVALID)
    filled = NOTHING_FILLED
    if table.compare is not None:
        filled = comparing.fill(table.compare, trusted, quality)
    found = Readings(last_good, good_time_ns, trusted, quality)
    return JudgeState(
        *found,
        suspect_time_ns=state.suspect_time_ns,
        any_suspect=False,
        all_good=False,
        stuck=stuck,
        compare=compare,
        lasting=lasting_law.begin(
            marks, stuck.stuck, good, good, filled, found,
            has_doubts=False, oldest_held_ns=now_ns - table.hold_ns,
        ),
    )  # fmt: skip


_GOOD, _STALE = np.uint8(Quality.GOOD), np.uint8(Quality.STALE)
_INVALID = np.uint8(Quality.INVALID)
_NOTHING_COMPARED = CompareState(0, (), (), ())


def _is_held(table: JudgeTable, good_time_ns: Int64s, now_ns: int) -> Bools:
    """The last good value may still stand in."""
    return (good_time_ns >= now_ns - table.hold_ns) & (good_time_ns > 0)


def _judge_slowly(
    table: JudgeTable,
    state: JudgeState,
    now_ns: int,
    snapshot: Snapshot,
    stuck: StuckState,
    compare: CompareState,
    marks: Marks | None = None,
) -> JudgeState:
    """The whole of `judge`: rate and stuck checks, and what comparisons doubt, too.

    Args:
        marks: What the checks say; None: it is not known whether the next cycle comes here again.
    """
    values, time_ns = snapshot.values, snapshot.time_ns
    fresh = (time_ns >= now_ns - table.age_ns_max) & (time_ns > 0)
    valid = (values >= table.low) & (values <= table.high) & (snapshot.status == 0)
    usable = valid & fresh

    elapsed_s = np.maximum((time_ns - state.good_time_ns) * 1e-9, table.period_s)
    safe_values = np.where(valid, values, 0.0)
    too_fast = np.abs(safe_values - state.last_good) > table.rate_max_per_s * elapsed_s
    same_doubt = (state.suspect_time_ns == 0) | (state.suspect_time_ns == time_ns)
    doubted = usable & too_fast & same_doubt
    suspect_time_ns = np.where(doubted, time_ns, 0)
    if stuck.any_stuck:
        frozen = np.zeros(len(values), np.bool_)
        frozen[table.stuck_points] = stuck.stuck
        doubted |= usable & frozen

    good = usable & ~doubted
    last_good = np.where(good, values, state.last_good)
    good_time_ns = np.where(good, time_ns, state.good_time_ns)
    quality = table.zero_quality.copy()
    quality[doubted] = Quality.SUSPECT
    quality[~fresh] = Quality.STALE
    quality[~valid | (time_ns <= 0)] = Quality.INVALID
    trusted = np.where(good | _is_held(table, good_time_ns, now_ns), last_good, np.nan)
    all_good = bool(good.all()) and not compare.doubts
    found = Readings(last_good, good_time_ns, trusted, quality)
    filled, lasting = NOTHING_FILLED, None
    if table.compare is not None and not all_good:
        filled = comparing.fill(table.compare, trusted, quality)
    any_suspect = bool(suspect_time_ns.any())
    if marks and not any_suspect and (stuck.any_stuck or compare.doubts):
        lasting = lasting_law.begin(
            marks, stuck.stuck, usable, good, filled, found,
            has_doubts=bool(compare.doubts), oldest_held_ns=now_ns - table.hold_ns,
        )  # fmt: skip
    if not all_good:
        comparing.apply_doubts(compare.doubts, trusted, quality)
    return JudgeState(
        *found,
        suspect_time_ns=suspect_time_ns,
        any_suspect=any_suspect,
        all_good=all_good,
        stuck=stuck,
        compare=compare,
        lasting=lasting,
    )


def _check_stuck(table: JudgeTable, state: StuckState, now_ns: int, values: Float64s) -> StuckState:
    """A value that has not changed while its reference moved is stuck until it changes again."""
    value = values.take(table.stuck_points)
    elapsed_ns = now_ns - state.checked_ns
    usual = elapsed_ns == table.stuck_period_ns
    part, forget = table.stuck_parts if usual else _parts(table.stuck_lag_s, elapsed_ns)
    acting = _acting_reference(state, part, values.take(table.stuck_references))
    unchanged = value == state.value
    # What else acts on the value drifts slowly and is forgiven, as fast as the reference acts.
    drifted = state.reference + (acting - state.reference) * forget
    reference_then = np.where(unchanged, drifted, acting)
    moved = unchanged & (np.abs(acting - reference_then) > table.stuck_delta)
    if not state.any_stuck and 1 not in moved.tobytes():  # as below, with nothing that moved
        nothing = table.nothing_stuck
        return StuckState(now_ns, value, reference_then, acting, *nothing, False)
    moved_ns = np.where(moved, np.where(state.moved_ns > 0, state.moved_ns, now_ns), 0)
    stuck = unchanged & (state.stuck | (moved & (now_ns - moved_ns >= table.stuck_after_ns)))
    return StuckState(now_ns, value, reference_then, acting, moved_ns, stuck, bool(stuck.any()))


def _parts(lag_s: Float64s, elapsed_ns: int) -> tuple[Float64s, Float64s]:
    """How much of its gap the reference's action closes in a time; 0 in the second for no lag."""
    dt_s = elapsed_ns * 1e-9
    part = dt_s / (lag_s + dt_s)
    return part, part * (lag_s > 0.0)


def _acting_reference(state: StuckState, part: Float64s, reference: Float64s) -> Float64s:
    """What acts on each value now: its reference, with its lag; as before while it is unknown."""
    acting = state.acting + (reference - state.acting) * part
    is_first = state.acting != state.acting
    if 1 in is_first.tobytes():
        acting = np.where(is_first, reference, acting)
    known = np.abs(reference) < _ABSURD
    return np.where(known, acting, state.acting) if 0 in known.tobytes() else acting
