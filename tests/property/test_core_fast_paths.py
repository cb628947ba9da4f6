"""What the hot path computes in a few array operations, against its plain definition: bit-equal."""

from math import nan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flight.core import judge as judging
from flight.core.config import CoreConfig
from flight.core.guard import GuardLaw, GuardState, build_law, step_all
from flight.core.judge import JudgeState, JudgeTable, build_table, initial
from flight.core.points import Point, PointTable
from flight.core.types import Snapshot

LAW = build_law(CoreConfig().guard, cap_w_min=200.0, cap_w_safe=300.0, cap_w_max=700.0)
S = 1_000_000_000
DT_S = 0.1

temperatures = st.one_of(st.just(nan), st.integers(20, 110).map(float), st.floats(-50.0, 150.0))
margins = st.one_of(st.none(), st.integers(-20, 60).map(float), st.floats(-50.0, 80.0))
limits_w = st.one_of(st.just(LAW.ceiling_w), st.floats(200.0, LAW.ceiling_w))
guards = st.builds(GuardState, limits_w, margins)
banks = st.lists(st.tuples(guards, st.booleans(), temperatures, temperatures), min_size=1)


def plain_guard(
    law: GuardLaw, was: GuardState, serves: bool, core_c: float, memory_c: float
) -> GuardState:
    """The law of one accelerator, written down without regard for time."""
    if not serves:
        return GuardState(law.cap_w_max)
    if core_c != core_c or memory_c != memory_c:
        return GuardState(min(was.limit_w, law.cap_w_safe), None)
    margin_k = min(law.setpoint_c - core_c, law.memory_setpoint_c - memory_c)
    if was.margin_k is None:
        return GuardState(was.limit_w, margin_k)
    gap_k = margin_k - was.margin_k
    if not -0.01 < gap_k < 0.01:
        margin_k = was.margin_k + gap_k * DT_S / (law.filter_time_s + DT_S)
    elif was.limit_w == law.ceiling_w and margin_k > 0.0:
        return was
    change_w = law.gain_p * (margin_k - was.margin_k)
    wanted_w = was.limit_w + change_w + law.gain_i * margin_k * DT_S
    return GuardState(min(max(wanted_w, law.cap_w_min), law.ceiling_w), margin_k)


@given(banks)
def test_guards_together_are_guards_one_by_one(
    bank: list[tuple[GuardState, bool, float, float]],
) -> None:
    before, serving, cores, memories = (tuple(column) for column in zip(*bank, strict=True))
    after = step_all(LAW, before, serving, cores, memories, DT_S)
    assert after == tuple(plain_guard(LAW, *row) for row in bank)
    assert all(type(state) is GuardState for state in after)


def test_guards_that_rest_are_the_same_object() -> None:
    before = (GuardState(LAW.ceiling_w, 20.0),) * 3
    cores, memories = (LAW.setpoint_c - 20.0,) * 3, (LAW.memory_setpoint_c - 40.0,) * 3
    assert step_all(LAW, before, (True,) * 3, cores, memories, DT_S) is before


def table_of(count: int) -> JudgeTable:
    stuck = {"stuck_after_s": 1.0, "stuck_reference_delta": 10.0}
    points = []
    for i in range(count):
        check = {**stuck, "stuck_reference": f"p{i + 1}", "stuck_lag_s": 3.0 * (i % 3 == 0)}
        more = check if i % 2 == 0 and i + 1 < count else {"rate_max_per_s": 200.0}
        points.append(
            Point(
                name=f"p{i}",
                unit="-",
                driver="d",
                device="d",
                channel=i,
                low=0.0,
                high=100.0,
                **more,
            )
        )
    return build_table(
        PointTable(tuple(points)), hold_s=0.5, stuck_period_s=0.2, no_rate_check=frozenset()
    )


POINTS = 6
TABLE = table_of(POINTS)
values = st.one_of(
    st.sampled_from([nan, -1.0, 101.0]),
    st.sampled_from([40.0, 41.0, 60.0, 75.0]),
    st.floats(0, 100),
)
rows = st.lists(values, min_size=POINTS, max_size=POINTS)
ages_ns = st.lists(st.sampled_from([0, S // 10, 10 * S]), min_size=POINTS, max_size=POINTS)
cycle = st.tuples(
    st.one_of(st.just([40.0] * POINTS), rows), st.one_of(st.just([0] * POINTS), ages_ns)
)
cycles = st.lists(st.tuples(cycle, st.integers(1, 15)), min_size=1, max_size=8)


def snapshots(
    story: list[tuple[tuple[list[float], list[int]], int]], *, drift: float = 0.0
) -> list[tuple[int, Snapshot]]:
    """Each different snapshot is seen for some cycles, as values that stand still are; every other
    one drifts by so much in each.
    """
    found, now_ns = [], 100 * S
    for (row, ages), repeats in story:
        for _ in range(repeats):
            now_ns += S // 10
            time_ns = now_ns - np.array(ages, np.int64)
            marks = np.zeros(POINTS, np.int32), np.zeros(POINTS, np.uint32)
            moved = np.array(row)
            moved[1::2] += drift * len(found)
            found.append((now_ns, Snapshot(moved, time_ns, *marks)))
    return found


def looks(state: JudgeState) -> tuple[object, ...]:
    arrays = (state.trusted, state.quality, state.last_good, state.good_time_ns, state.stuck.stuck)
    return (*(a.tobytes() for a in arrays), state.all_good, state.any_suspect)


@settings(max_examples=150)
@given(cycles, st.sampled_from([0.0, 0.125]))
def test_readings_are_those_of_the_whole_judgement(
    story: list[tuple[tuple[list[float], list[int]], int]], drift: float
) -> None:
    quick = slow = initial(TABLE)
    for k, (now_ns, snapshot) in enumerate(snapshots(story, drift=drift)):
        quick = judging.judge(TABLE, quick, now_ns, snapshot)
        stuck = slow.stuck
        if now_ns - stuck.checked_ns >= TABLE.stuck_period_ns:
            stuck = judging._check_stuck(TABLE, stuck, now_ns, snapshot.values)
        slow = judging._judge_slowly(TABLE, slow, now_ns, snapshot, stuck, slow.compare)
        assert looks(quick) == looks(slow), f"cycle {k}"
        for array in (quick.trusted, quick.last_good, quick.quality, quick.stuck.stuck):
            assert not any(np.shares_memory(array, s) for s in TABLE.scratch), f"cycle {k}"


def plain_stuck(
    i: int,
    before: tuple[float, float, float, int, bool],
    value: float,
    reference: float,
    now_ns: int,
) -> tuple[float, float, float, int, bool]:
    """One point of the stuck check: its value, reference then, acting, moved_ns and stuck."""
    was, then, acting, moved_ns, stuck = before
    dt_s, lag_s = 0.2, float(TABLE.stuck_lag_s[i])
    if abs(reference) < 1e15:
        first = acting != acting
        acting = reference if first else acting + (reference - acting) * (dt_s / (lag_s + dt_s))
    if value != was:
        return value, acting, acting, 0, False
    then = then + (acting - then) * (dt_s / (lag_s + dt_s) if lag_s else 0.0)
    moved = abs(acting - then) > float(TABLE.stuck_delta[i])
    moved_ns = (moved_ns or now_ns) if moved else 0
    stuck = stuck or (moved and now_ns - moved_ns >= int(TABLE.stuck_after_ns[i]))
    return value, then, acting, moved_ns, stuck


@given(st.lists(st.tuples(rows, st.integers(1, 12)), min_size=1, max_size=6))
def test_the_stuck_check_is_that_of_each_point_alone(story: list[tuple[list[float], int]]) -> None:
    stuck = initial(TABLE).stuck._replace(checked_ns=100 * S)
    ours: list[tuple[float, float, float, int, bool]] = [(nan, nan, nan, 0, False)] * len(
        stuck.value
    )
    now_ns = 100 * S
    for row, repeats in story:
        for _ in range(repeats):
            now_ns += S // 5
            stuck = judging._check_stuck(TABLE, stuck, now_ns, np.array(row))
            ours = [
                plain_stuck(
                    i, ours[i], row[TABLE.stuck_points[i]], row[TABLE.stuck_references[i]], now_ns
                )
                for i in range(len(ours))
            ]
            found = zip(
                stuck.value.tolist(), stuck.reference.tolist(), stuck.acting.tolist(),
                stuck.moved_ns.tolist(), stuck.stuck.tolist(), strict=True,
            )  # fmt: skip
            assert repr(list(found)) == repr(ours)
