"""Properties of the laws alone: ranges, ramps, shares, monotony. Rails: test_s04_rail_order.py."""

from hypothesis import given
from hypothesis import strategies as st

from flight.core import arbiter
from flight.core.arbiter import CapReason, Grants, Limit
from flight.core.config import ArbiterConfig, CoreConfig
from flight.core.guard import GuardState, build_law
from flight.core.guard import step as guard_step

CONFIG = ArbiterConfig()
LAW = build_law(CoreConfig().guard, cap_w_min=200.0, cap_w_safe=200.0, cap_w_max=700.0)

watts = st.floats(200.0, 700.0)
limit = st.one_of(st.none(), st.tuples(watts, st.just(CapReason.GUARD)))
limits = st.lists(limit, min_size=1, max_size=8)


def granted(
    before: list[float], wanted: list[Limit | None], shared_w: float, dt_s: float
) -> Grants:
    was = Grants(tuple(before), (CapReason.RAMP,) * len(before))
    return arbiter.grant(
        CONFIG, was, wanted, shared_w=shared_w, shared_reason=CapReason.BUDGET, dt_s=dt_s
    )


@given(limits, st.data(), st.floats(0.0, 6000.0), st.floats(0.01, 0.3))
def test_grants_stay_in_range_under_their_limit_and_ramp(
    wanted: list[Limit | None], data: st.DataObject, shared_w: float, dt_s: float
) -> None:
    before = data.draw(
        st.lists(st.one_of(st.just(0.0), watts), min_size=len(wanted), max_size=len(wanted))
    )
    after = granted(before, wanted, shared_w, dt_s).cap_w
    for was, now, bound in zip(before, after, wanted, strict=True):
        if bound is None:
            assert now == 0.0
            continue
        assert 200.0 <= now <= max(bound[0], 200.0)
        assert now <= max(was, 200.0) + 25.0 * dt_s + 1e-9


@given(limits, st.floats(1600.0, 6000.0))
def test_shared_power_is_never_exceeded_and_never_wasted(
    wanted: list[Limit | None], shared_w: float
) -> None:
    after = granted([700.0] * len(wanted), wanted, shared_w, 0.1).cap_w
    asked = sum(w[0] for w in wanted if w is not None)
    assert sum(after) <= max(shared_w, 0.0) + 1e-6
    assert (
        sum(after) >= min(asked, shared_w) - 1e-6
        or min((a for a in after if a), default=0.0) == 200.0
    )


@given(limits, st.floats(1600.0, 6000.0), st.floats(0.0, 500.0))
def test_less_shared_power_never_grants_anyone_more(
    wanted: list[Limit | None], shared_w: float, less_w: float
) -> None:
    rich = granted([700.0] * len(wanted), wanted, shared_w, 0.1).cap_w
    poor = granted([700.0] * len(wanted), wanted, shared_w - less_w, 0.1).cap_w
    assert all(p <= r + 1e-9 for p, r in zip(poor, rich, strict=True))


temperature = st.one_of(st.none(), st.floats(-20.0, 125.0))


@given(st.lists(st.tuples(temperature, temperature, st.floats(0.01, 0.3)), max_size=50))
def test_the_guard_stays_in_the_cap_range_whatever_it_reads(
    samples: list[tuple[float | None, float | None, float]],
) -> None:
    state = GuardState(700.0)
    for core, memory, dt_s in samples:
        state = guard_step(LAW, state, core_temp_c=core, memory_temp_c=memory, dt_s=dt_s)
        assert 200.0 <= state.limit_w <= LAW.ceiling_w
        if core is None or memory is None:
            assert state.limit_w <= 200.0
