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


class Limit(NamedTuple):
    """An upper bound in W and what sets it."""

    cap_w: float
    reason: CapReason


class Grant(NamedTuple):
    """What one accelerator is granted: 0 W when its rails are off."""

    cap_w: float
    reason: CapReason


def grant(
    config: ArbiterConfig,
    before: tuple[Grant, ...],
    limits: Sequence[Limit | None],
    *,
    shared_w: float,
    shared_reason: CapReason,
    dt_s: float,
) -> tuple[Grant, ...]:
    """Return the grants of one cycle.

    Args:
        before: Grants of the last cycle.
        limits: Per accelerator, the smallest limit; None: not in service.
        shared_w: Power that all accelerators together may draw, inf for no bound.
        dt_s: Time since the last call, > 0.

    Guarantees: each grant is 0 or within the cap range; down at once; up at most `ramp_w_per_s`, from the
    safe cap. While `shared_w` covers the minimum cap of each accelerator in service, the sum stays within it.
    """
    floor_w, step_w = config.cap_w_min, config.ramp_w_per_s * dt_s
    total_w = 0.0
    for limit in limits:
        if limit is not None:
            total_w += limit.cap_w
    level_w = share_level(limits, shared_w) if total_w > shared_w else config.cap_w_max
    grants = []
    for was, limit in zip(before, limits, strict=True):
        if limit is None:
            grants.append(_OFF)
            continue
        cap_w, reason = limit
        if cap_w > level_w:
            cap_w, reason = level_w, shared_reason
        if cap_w < floor_w:
            cap_w = floor_w
        was_w = was[0]
        if cap_w == was_w and reason is was[1]:
            grants.append(was)
            continue
        if was_w < config.cap_w_safe:
            was_w = min(config.cap_w_safe, cap_w)
        if cap_w > was_w + step_w:
            cap_w, reason = was_w + step_w, CapReason.RAMP
        grants.append(Grant(cap_w, reason))
    return tuple(grants)


_OFF = Grant(0.0, CapReason.RAIL)


def share_level(limits: Sequence[Limit | None], shared_w: float) -> float:
    """Return the common level W that fills `shared_w`: sum of min(limit, level) = shared_w.

    What one accelerator does not need goes to the others.
    """
    wants = sorted(limit.cap_w for limit in limits if limit is not None)
    left_w = shared_w
    for i, want_w in enumerate(wants):
        share_w = left_w / (len(wants) - i)
        if want_w >= share_w:
            return share_w
        left_w -= want_w
    return wants[-1] if wants else 0.0


def affordable_count(config: ArbiterConfig, shared_w: float, count: int) -> int:
    """Return how many of `count` accelerators the shared power can feed at the minimum cap."""
    if shared_w >= config.cap_w_min * count:
        return count
    return max(0, int(shared_w / config.cap_w_min))
