"""Error counters of the accelerators: each new error is told, not only the first."""


def step(before: tuple[float, ...], now: tuple[float, ...]) -> tuple[float, ...]:
    """Return the last known counts; the same object when none changed. Unknown ones (NaN) stay."""
    if now == before:
        return before
    known = tuple(was if count != count else count for was, count in zip(before, now, strict=True))
    return before if known == before else known


def new_errors(
    before: tuple[float, ...], after: tuple[float, ...]
) -> tuple[tuple[str, int, float], ...]:
    """Return event id, accelerator and value for each error that is new.

    Args:
        before, after: Uncorrected errors of all accelerators, then their last Xids.

    Returns: The number of new errors, or the code of the Xid. A count that falls was reset.
    """
    count, found = len(before) // 2, []
    for k, (was, now) in enumerate(zip(before, after, strict=True)):
        if k < count and now > was:
            found.append(("accel.uncorrected_error", k, now - was))
        elif k >= count and now != was and now > 0.0:
            found.append(("accel.xid", k - count, now))
    return tuple(found)
