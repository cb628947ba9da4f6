"""Rows of the image's tables, and the checks that say by name what C would only refuse."""

import math
from collections.abc import Sequence
from typing import Any

from hal._native import ffi, lib
from hal.spec import DriverSpec, PointSpec, ReflexSpec

_COMPARISONS = {"above": lib.NS_ABOVE, "below": lib.NS_BELOW}


class Tables:
    """An ns_image_config_t and all that it points to.

    Raises:
        ValueError: A name, limit, lease, rule or order that cannot be; the text names it.
    """

    def __init__(self, points: Sequence[PointSpec], drivers: Sequence[DriverSpec]) -> None:
        _check_points(points, drivers)
        _check_reflexes(points, drivers)
        reflexes = [reflex for driver in drivers for reflex in driver.reflexes]
        self._points = ffi.new("ns_point_t[]", [_point_row(point) for point in points])
        self._drivers = ffi.new("ns_driver_entry_t[]", [_driver_row(driver) for driver in drivers])
        self._reflexes = ffi.new("ns_reflex_t[]", [_reflex_row(reflex) for reflex in reflexes])
        config = {
            "points": self._points,
            "drivers": self._drivers,
            "reflexes": self._reflexes,
            "point_count": len(points),
            "driver_count": len(drivers),
            "reflex_count": len(reflexes),
        }
        self.config = ffi.new("ns_image_config_t *", config)
        self.size = int(lib.ns_image_size(self.config))
        if self.size == 0:
            raise ValueError(f"{len(points)} points of {len(drivers)} drivers do not make an image")


def _point_row(point: PointSpec) -> dict[str, Any]:
    return {
        "name": point.name.encode(),
        "driver": point.driver,
        "device": point.device,
        "channel": point.channel,
        "is_writable": int(point.writable),
        "repairs_down": int(point.repairs_down),
        "period_ns": point.period_ns,
        "phase_ns": point.phase_ns,
        "low": point.low,
        "high": point.high,
        "safe": point.safe,
        "lease_ns": point.lease_ns,
        "ramp_per_s": point.ramp_per_s,
        "tolerance": point.tolerance,
        "abandon_ns": point.abandon_ns,
        "abandon_value": point.abandon_value,
    }


def _driver_row(driver: DriverSpec) -> dict[str, Any]:
    return {
        "name": driver.name.encode(),
        "device_count": len(driver.devices),
        "retry_count": driver.retries,
        "deadline_ns": driver.call_deadline_ns,
        "backoff_max_ns": driver.backoff_max_ns,
    }


def _reflex_row(reflex: ReflexSpec) -> dict[str, Any]:
    return {
        "point": reflex.point,
        "action_point": reflex.action_point,
        "comparison": _COMPARISONS[reflex.comparison],
        "threshold": reflex.threshold,
        "persistence_ns": reflex.persistence_ns,
        "max_age_ns": reflex.max_age_ns,
        "action_value": reflex.action_value,
    }


def _check_points(points: Sequence[PointSpec], drivers: Sequence[DriverSpec]) -> None:
    for driver in drivers:
        _check_name("driver", driver.name)
    if len({driver.name for driver in drivers}) != len(drivers):
        raise ValueError("two drivers have the same name")
    before = 0
    for point in points:
        _check_name("point", point.name)
        if not before <= point.driver < len(drivers):
            raise ValueError(f"{point.name}: driver {point.driver} is out of order or not there")
        before = point.driver
        if not 0 <= point.device < len(drivers[point.driver].devices):
            raise ValueError(f"{point.name}: its driver has no device {point.device}")
        if point.period_ns <= 0 or point.lease_ns < 0:
            raise ValueError(f"{point.name}: period_ns must be > 0 and lease_ns >= 0")
        if not 0 <= point.phase_ns < point.period_ns:
            raise ValueError(f"{point.name}: phase_ns must be inside the period")
        if point.writable and not point.low <= point.high:
            raise ValueError(f"{point.name}: limits {point.low}..{point.high} are empty")
        is_held = math.isnan(point.safe)  # a lapse keeps what is applied
        is_inside = is_held or point.low <= point.safe <= point.high
        if point.writable and point.lease_ns > 0 and not is_inside:
            raise ValueError(f"{point.name}: leased, but safe {point.safe} is outside its limits")


def _check_reflexes(points: Sequence[PointSpec], drivers: Sequence[DriverSpec]) -> None:
    for index, driver in enumerate(drivers):
        for number, reflex in enumerate(driver.reflexes):
            fault = _fault_of(reflex, points, index)
            if fault:
                raise ValueError(f"{driver.name}: reflex {number}: {fault}")


def _fault_of(reflex: ReflexSpec, points: Sequence[PointSpec], driver: int) -> str:
    if not 0 <= reflex.point < len(points) or not 0 <= reflex.action_point < len(points):
        return f"there is no point {reflex.point} or no point {reflex.action_point}"
    point, action = points[reflex.point], points[reflex.action_point]
    if action.driver != driver or not action.writable:
        return f"{action.name} is not writable by this driver"
    is_finite = math.isfinite(reflex.action_value) and math.isfinite(reflex.threshold)
    if not is_finite or not action.low <= reflex.action_value <= action.high:
        return f"{reflex.action_value} is outside the limits of {action.name}, or not finite"
    if reflex.persistence_ns < 0 or reflex.max_age_ns < 0:
        return "persistence_ns and max_age_ns must be >= 0"
    if point.driver != driver and reflex.max_age_ns == 0:
        return f"{point.name} is of another driver, so max_age_ns must be > 0"
    return ""


def _check_name(kind: str, name: str) -> None:
    if not 0 < len(name.encode()) < lib.NS_NAME_SIZE or "\0" in name:
        raise ValueError(f"{kind} name {name!r} must have 1 to {lib.NS_NAME_SIZE - 1} bytes")
