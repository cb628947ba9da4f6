"""Rate logic of a telemetry packet: silent, every n seconds, or on change within two intervals."""

from enum import StrEnum
from math import inf
from typing import NamedTuple


class RateLogic(StrEnum):
    """When a packet is sent."""

    SILENT = "silent"
    EVERY = "every"
    ON_CHANGE = "on_change"


class Rate(NamedTuple):
    """Rate of a packet in one mode. Make one with `every` or `on_change`, or take SILENT.

    period_s: the longest time between two packets; inf: none is due without a change.
    interval_s_min: of ON_CHANGE, the shortest time between two looks, so between two packets.
    """

    logic: RateLogic
    period_s: float = inf
    interval_s_min: float = 0.0


SILENT = Rate(RateLogic.SILENT)


def every(period_s: float) -> Rate:
    """Return the rate of one packet each period.

    Raises:
        ValueError: the period is not positive and finite.
    """
    if not 0.0 < period_s < inf:
        raise ValueError(f"period_s must be positive and finite: {period_s}")
    return Rate(RateLogic.EVERY, period_s)


def on_change(interval_s_min: float, period_s: float = inf) -> Rate:
    """Return the rate of a packet whenever a channel changed, and each period without a change.

    Raises:
        ValueError: the interval is not positive, or not shorter than the period.
    """
    if not 0.0 < interval_s_min < period_s:
        raise ValueError(
            f"interval_s_min must be positive and below period_s: {interval_s_min}, {period_s}"
        )
    return Rate(RateLogic.ON_CHANGE, period_s, interval_s_min)
