"""Long series made short for a picture: of each bucket of time the lowest and the highest sample.

No spike is lost, however short: a bucket is about as wide as a pixel, and both of its extremes are
drawn, in the order that fits the way the series went.
"""

import math

import numpy as np

from flight.core.types import Float64s, Int64s

NS_PER_S = 1_000_000_000


class Buckets:
    """Lowest and highest of some series in each bucket, fed in order of time.

    Args:
        begin_ns, end_ns: Of the span, both included.
        count_max: Buckets at most.
        series: How many.
        period_ns: A bucket is never narrower than a cycle.
    """

    def __init__(
        self, begin_ns: int, end_ns: int, *, count_max: int, series: int, period_ns: int
    ) -> None:
        span_ns = max(1, end_ns - begin_ns + 1)
        self.width_ns = max(period_ns, math.ceil(span_ns / count_max))
        self.count = math.ceil(span_ns / self.width_ns)
        self.begin_ns = begin_ns
        self.is_exact = self.width_ns == period_ns
        shape = (self.count, series)
        self._low, self._high = np.full(shape, np.nan), np.full(shape, np.nan)
        self._first, self._last = np.full(shape, np.nan), np.full(shape, np.nan)
        self._is_begun = np.zeros(self.count, bool)

    def index_of(self, times_ns: Int64s) -> Int64s:
        """Return in which bucket each time is."""
        index: Int64s = np.clip((times_ns - self.begin_ns) // self.width_ns, 0, self.count - 1)
        return index

    def add(self, times_ns: Int64s, values: Float64s) -> None:
        """Take samples [cycle, series] that follow those before; NaN: no reading."""
        if not len(times_ns):
            return
        index = self.index_of(times_ns)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        ends = np.append(starts[1:], len(index)) - 1
        which = index[starts]
        low = np.fmin.reduceat(values, starts, axis=0)
        high = np.fmax.reduceat(values, starts, axis=0)
        self._low[which] = np.fmin(self._low[which], low)
        self._high[which] = np.fmax(self._high[which], high)
        begun = self._is_begun[which][:, None]
        self._first[which] = np.where(begun, self._first[which], values[starts])
        self._last[which] = values[ends]
        self._is_begun[which] = True

    @property
    def extremes(self) -> tuple[Float64s, Float64s]:
        """Lowest and highest, [bucket, series]; NaN where nothing was read."""
        return self._low, self._high

    @property
    def per_bucket(self) -> int:
        """How many points a bucket has in `points`."""
        return 1 if self.is_exact else 2

    @property
    def axis(self) -> dict[str, float]:
        """The times of `points` in s: begin, step and how many."""
        step_s = self.width_ns / NS_PER_S / self.per_bucket
        begin_s = self.begin_ns / NS_PER_S + (0.0 if self.is_exact else 0.5 * step_s)
        return {
            "begin": round(begin_s, 4),
            "step": round(step_s, 6),
            "count": self.count * self.per_bucket,
        }

    def points(self) -> Float64s:
        """Return what to draw, [point, series]: both extremes of each bucket."""
        if self.is_exact:
            return self._low
        is_rising = ~(self._last < self._first)
        first = np.where(is_rising, self._low, self._high)
        second = np.where(is_rising, self._high, self._low)
        drawn: Float64s = np.stack((first, second), axis=1).reshape(-1, self._low.shape[1])
        return drawn
