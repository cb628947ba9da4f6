"""Which term won each accelerator's cap, over time."""

from typing import Any, NamedTuple

import numpy as np

from flight.core.types import Int64s
from flight.report.buckets import NS_PER_S, Buckets

CODES = 256  # a code is a byte


class Segment(NamedTuple):
    """A stretch of time, in s, in which one reason won."""

    begin_s: float
    end_s: float
    reason: str


class Reasons:
    """Keeps of each bucket the reason that held longest, so that a picture stays small.

    Args:
        buckets: Those of the pictures above.
        names: The words behind the codes.
    """

    def __init__(self, buckets: Buckets, accelerators: int, names: dict[int, str]) -> None:
        self._buckets = buckets
        self._names = names
        self._counts: dict[int, Any] = {
            code: np.zeros((buckets.count, accelerators), np.int32) for code in names
        }

    def add(self, times_ns: Int64s, codes: Any) -> None:
        """Take the codes [cycle, accelerator] of some cycles."""
        index = self._buckets.index_of(times_ns)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        which = index[starts]
        for code, counts in self._counts.items():
            matches = codes == code
            if matches.any():
                counts[which] += np.add.reduceat(matches, starts, axis=0, dtype=np.int32)

    def segments(self, end_s: float) -> list[list[Segment]]:
        """Return the stretches of each accelerator, in order of time."""
        if not self._counts:
            return []
        codes = list(self._counts)
        table = np.stack([self._counts[code] for code in codes])
        best, held = table.argmax(axis=0), table.max(axis=0) > 0
        width_s = self._buckets.width_ns / NS_PER_S
        begin_s = self._buckets.begin_ns / NS_PER_S
        found: list[list[Segment]] = []
        for i in range(best.shape[1]):
            line = np.where(held[:, i], best[:, i], -1)
            starts = np.flatnonzero(np.diff(line, prepend=-2)).tolist()
            ends = [*starts[1:], len(line)]
            found.append(
                [
                    Segment(
                        round(begin_s + a * width_s, 3),
                        round(min(begin_s + b * width_s, end_s), 3),
                        self._names[codes[line[a]]],
                    )
                    for a, b in zip(starts, ends, strict=True)
                    if line[a] >= 0
                ]
            )
        return found
