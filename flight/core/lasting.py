"""What stays bad: the readings of a part that is off, silent or stuck, perhaps for years.

The first judgement after their last good values have run out says which readings are bad, and what
stands in for them. While every check says the same of every point again, the next cycle puts that
into copies of the snapshot instead of judging anew; the result is the same to the last bit.
"""

from math import nan
from typing import NamedTuple

import numpy as np

from flight.core import compare as comparing
from flight.core.compare import CompareTable, Doubt, Filled
from flight.core.types import Bools, Float64s, Int64s, Uint8s

Marks = tuple[bytes, ...]  # what each check said of each point


class Lasting(NamedTuple):
    """A judgement that holds while the same readings stay bad, and none of them is held.

    stuck: marks of the stuck check. has_doubts: comparisons doubt readings as well. usable: fails
    no check but that. bad: places that are not good; last_good, good_time_ns: theirs. filled: what
    stands in for another reading. quality: of all points but for the doubts.
    """

    marks: Marks
    stuck: bytes
    has_doubts: bool
    usable: Bools
    bad: Int64s
    last_good: Float64s
    good_time_ns: Int64s
    filled: Filled
    quality: Uint8s


class Readings(NamedTuple):
    """Arrays of judge.JudgeState by the same names."""

    last_good: Float64s
    good_time_ns: Int64s
    trusted: Float64s
    quality: Uint8s


def begin(
    marks: Marks,
    stuck: Bools,
    usable: Bools,
    good: Bools,
    filled: Filled,
    found: Readings,
    *,
    has_doubts: bool,
    oldest_held_ns: int,
) -> Lasting | None:
    """Return what lasts of a judgement; None while a last good value still stands in.

    Args:
        usable: As in Lasting. good: What is trusted as sampled.
        found: The judgement, before any doubt of a comparison.
        oldest_held_ns: A good value of this time, or later, stands in.
    """
    bad = np.flatnonzero(~good)
    good_time_ns = found.good_time_ns.take(bad)
    newest_ns = int(good_time_ns.max(initial=0))
    if newest_ns > 0 and newest_ns >= oldest_held_ns:
        return None
    return Lasting(
        marks,
        stuck.tobytes(),
        has_doubts,
        usable,
        bad,
        found.last_good.take(bad),
        good_time_ns,
        filled,
        found.quality.copy() if has_doubts else found.quality,
    )


def again(
    lasting: Lasting,
    table: CompareTable | None,
    doubts: tuple[Doubt, ...],
    values: Float64s,
    time_ns: Int64s,
) -> Readings:
    """Return the judgement of a snapshot of which every check says the same."""
    last_good, good_time_ns = values.copy(), time_ns.copy()
    last_good.put(lasting.bad, lasting.last_good)
    good_time_ns.put(lasting.bad, lasting.good_time_ns)
    trusted, quality = last_good.copy(), lasting.quality
    trusted.put(lasting.bad, nan)
    if table is not None:
        comparing.fill_again(table, lasting.filled, trusted)
        if doubts:
            quality = quality.copy()
            comparing.apply_doubts(doubts, trusted, quality)
    return Readings(last_good, good_time_ns, trusted, quality)
