"""A cap plan looked up by time: what the planner says of one accelerator, now or in a span."""

from bisect import bisect_right
from math import inf

from flight.core.types import CapPlan


def caps_w(plan: CapPlan, count: int, now_ns: int, *, fallback_w: float) -> tuple[float, ...]:
    """Return the caps planned for now in W. One that is left out is not bound, nor is one of NaN.

    Args:
        count: Number of accelerators.
        fallback_w: The cap of each once the plan has lapsed.
    """
    if now_ns >= plan.valid_until_ns:
        return (fallback_w,) * count
    k = bisect_right(plan.from_ns, now_ns) - 1
    return plan.caps_w[k] if 0 <= k < len(plan.caps_w) else ()


def smallest_w(plan: CapPlan | None, i: int, from_ns: int, to_ns: int) -> float:
    """Return the smallest cap planned in a span in W, inf for none; none once it has lapsed."""
    if plan is None or from_ns >= plan.valid_until_ns:
        return inf
    first = bisect_right(plan.from_ns, from_ns) - 1
    last = bisect_right(plan.from_ns, to_ns) - 1
    return min((_at(plan, k, i) for k in range(first, last + 1)), default=inf)


def _at(plan: CapPlan, k: int, i: int) -> float:
    """Return an entry; inf before the first one and for an accelerator that the plan leaves out."""
    if not 0 <= k < len(plan.caps_w) or i >= len(plan.caps_w[k]):
        return inf
    planned_w = plan.caps_w[k][i]
    return planned_w if planned_w == planned_w else inf
