"""Power arbiter: the smallest of all limits wins, upward changes are ramped, the winner is named.

The words of `accelN.cap_reason` are stable and documented here only (CapReason).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from flight.core.config import ArbiterConfig


class CapReason(StrEnum):
    """Why an accelerator has its cap."""

    MAXIMUM = "maximum"  # nothing limits it
    OPERATOR = "operator"  # operator_limit
    BUDGET = "budget"  # its share of the node budget
    ALLOTMENT = "allotment"  # its share of the spacecraft's grant, or the grant has lapsed
    PLAN = "plan"  # the planner's cap for now, or its fallback once the plan has lapsed
    DEMAND = "demand"  # what its workload has declared, while power is short for the others
    GUARD = "guard"  # thermal guard
    CHARGE = "charge"  # state-of-charge ladder
    MODE = "mode"  # the mode wants safe caps or no accelerators
    PUMP = "pump"  # pump-loss response
    VOLTAGE = "voltage"  # bus under-voltage
    RAIL = "rail"  # rails off, starting, or on probation
    SENSOR = "sensor"  # a temperature is lost
    REFLEX = "reflex"  # a reflex of the driver holds the cap
    LEASE = "lease"  # the lease lapsed: safe value until a newer epoch
    RAMP = "ramp"  # on its way up
    CURRENT = "current"  # the payload bus is over-current


Limit = tuple[float, CapReason]  # an upper bound in W and what sets it


class Grants(NamedTuple):
    """What each accelerator is granted in W, 0 when its rails are off, and why.

    kept_w: What each may still draw that could not be told of its cap, 0 where that is its cap;
    () while all could.
    """

    cap_w: tuple[float, ...]
    reason: tuple[CapReason, ...]
    kept_w: tuple[float, ...] = ()


_RAIL, _RAMP = CapReason.RAIL, CapReason.RAMP


def none_granted(count: int) -> Grants:
    """Return the grants of a node whose accelerators are all off."""
    return Grants((0.0,) * count, (_RAIL,) * count)


def grant(
    config: ArbiterConfig,
    before: Grants,
    limits: Sequence[Limit | None],
    *,
    shared_w: float,
    shared_reason: CapReason,
    dt_s: float,
    kept_w: tuple[float, ...] = (),
) -> Grants:
    """Return the grants of one cycle; `before` itself when nothing changed.

    Args:
        before: Grants of the last cycle.
        limits: Per accelerator, the smallest limit; None: not in service.
        shared_w: Power that all accelerators together may draw, inf for no bound.
        dt_s: Time since the last call, > 0.
        kept_w: Of `keep`: power that is not there to be shared.

    Guarantees: each grant is 0 or within the cap range; down at once; up at most `ramp_w_per_s`,
    from the safe cap. While `shared_w` covers the minimum cap of each accelerator in service, the
    sum stays within it.
    """
    floor_w, safe_w, step_w = config.cap_w_min, config.cap_w_safe, config.ramp_w_per_s * dt_s
    sharing = limits
    if kept_w:
        sharing = [None if held else limit for limit, held in zip(limits, kept_w, strict=True)]
        shared_w -= sum(kept_w)
    total_w = 0.0
    for limit in sharing:
        if limit is not None:
            total_w += limit[0]
    level_w = share_level(sharing, shared_w) if total_w > shared_w else config.cap_w_max
    caps, reasons = [], []
    for was_w, limit in zip(before[0], limits, strict=True):
        if limit is None:
            caps.append(0.0)
            reasons.append(_RAIL)
            continue
        cap_w, reason = limit
        if cap_w > level_w:
            cap_w, reason = level_w, shared_reason
        if cap_w < floor_w:
            cap_w = floor_w
        if cap_w > was_w + step_w:
            start_w = was_w if was_w >= safe_w else min(safe_w, cap_w)
            if cap_w > start_w + step_w:
                cap_w, reason = start_w + step_w, _RAMP
        caps.append(cap_w)
        reasons.append(reason)
    if kept_w:  # nor is one granted more than is held back for it
        caps = [min(cap_w, held_w or cap_w) for cap_w, held_w in zip(caps, kept_w, strict=True)]
    cap_tuple, reason_tuple = tuple(caps), tuple(reasons)
    if cap_tuple == before[0] and reason_tuple == before[1] and kept_w == before[2]:
        return before
    return Grants(cap_tuple, reason_tuple, kept_w)


def keep(
    config: ArbiterConfig,
    before: Grants,
    limits: Sequence[Limit | None],
    silent: Sequence[int],
    dt_s: float,
) -> tuple[float, ...]:
    """Return the power in W held back for each accelerator that may draw more than its new cap.

    One that does not answer cannot be told either: it goes on with the cap that it had, whatever
    it drew before. What is held back goes down only once it answers, and no faster than caps go
    up: its driver may need a while to tell it. 0 where nothing is held back; () for nobody.
    """
    step_w, kept = config.ramp_w_per_s * dt_s, []
    held_before = before.kept_w or (0.0,) * len(limits)
    for i, (limit, held_w, cap_w) in enumerate(zip(limits, held_before, before.cap_w, strict=True)):
        if limit is None:  # its rails are opened: it draws nothing
            kept.append(0.0)
        elif i in silent:
            kept.append(max(held_w, cap_w))
        else:
            kept.append(held_w - step_w if held_w - step_w > cap_w + step_w else 0.0)
    return tuple(kept) if any(kept) else ()


def share_level(limits: Sequence[Limit | None], shared_w: float) -> float:
    """Return the common level W that fills `shared_w`: sum of min(limit, level) = shared_w.

    What one accelerator does not need goes to the others.
    """
    wants = sorted(limit[0] for limit in limits if limit is not None)
    left_w = shared_w
    for i, want_w in enumerate(wants):
        share_w = left_w / (len(wants) - i)
        if want_w >= share_w:
            return share_w
        left_w -= want_w
    return wants[-1] if wants else 0.0
