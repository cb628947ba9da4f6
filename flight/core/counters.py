"""Error counters of the accelerators: the first new error is told at once, then a sum now and then.

Errors that go on for hours come once a second; told one by one they would hide everything else, and
left out they would be lost. So each accelerator's new errors are counted until they are told.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Counted(NamedTuple):
    """What has been counted.

    seen: uncorrected errors of all accelerators, then their last Xids, as last known. total, told:
    new errors of each accelerator since the start, and how many of them have been told; the same
    object while nothing waits to be told. told_ns: when, 0: never.
    """

    seen: tuple[float, ...]
    total: tuple[float, ...]
    told: tuple[float, ...]
    told_ns: tuple[int, ...]


def none_counted(count: int) -> Counted:
    """Return what is known of so many accelerators before any sample."""
    zeros = (0.0,) * count
    return Counted(zeros + zeros, zeros, zeros, (0,) * count)


def step(before: Counted, now: tuple[float, ...], now_ns: int, *, tell_every_s: float) -> Counted:
    """Return what is counted one cycle later; the same object when nothing changed.

    Args:
        now: Uncorrected errors of all accelerators, then their last Xids. An unknown one (NaN)
            stays as it was, and a count that falls was reset.
        tell_every_s: Time between two tellings about one accelerator.
    """
    was = before.seen
    if before.told is before.total:
        if now == was:
            return before
        for new, old in zip(now, was, strict=True):
            if new != old and new == new:
                break
        else:  # whatever differs is unknown: of one that is off
            return before
    seen = tuple(old if new != new else new for old, new in zip(was, now, strict=True))
    if seen == was and before.told is before.total:
        return before
    count = len(before.total)
    total = tuple(
        sum_ + new - old if new > old else sum_
        for sum_, old, new in zip(before.total, was[:count], seen[:count], strict=True)
    )
    told, told_ns = list(before.told), list(before.told_ns)
    every_ns = round(tell_every_s * 1e9)
    for i, sum_ in enumerate(total):
        if sum_ > told[i] and (not told_ns[i] or now_ns - told_ns[i] >= every_ns):
            told[i], told_ns[i] = sum_, now_ns
    all_told = total if total == tuple(told) else tuple(told)
    after = Counted(seen, total, all_told, tuple(told_ns))
    return before if after == before and all_told is not total else after


def news(before: Counted, after: Counted) -> Iterator[tuple[str, int, str, float]]:
    """Yield event id, accelerator, text and value for all that is told in this cycle.

    The value is the number of new errors, or the code of the Xid.
    """
    for i, (was, now) in enumerate(zip(before.told, after.told, strict=True)):
        if now > was:
            text = f"{now - was:g} new"
            if before.total[i] > was:  # some have waited to be told
                text += f" within {(after.told_ns[i] - before.told_ns[i]) * 1e-9:.0f} s"
            yield "accel.uncorrected_error", i, text, now - was
    count = len(before.told)
    for i, (was, now) in enumerate(zip(before.seen[count:], after.seen[count:], strict=True)):
        if now != was and now > 0.0:
            yield "accel.xid", i, f"Xid {now:g}", now
