"""Rows of the image's tables, and the checks that say by name what C would only refuse."""

import math
from collections.abc import Sequence
from typing import Any

from hal import checks
from hal._native import ffi, lib
from hal.spec import DriverSpec, PointSpec, ReflexSpec
from hal.status import argument_error

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
        _check_driver(driver)
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
        checks.check_whole(point.name, "channel", point.channel, 0, checks.UINT32_MAX)
        _check_times(point)
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


def _check_driver(driver: DriverSpec) -> None:
    """What C would refuse without the driver's name, or cffi could not hand over at all."""
    checks.check_whole(driver.name, "retries", driver.retries, 0, checks.UINT32_MAX)
    for field in ("call_deadline_ns", "backoff_max_ns"):
        checks.check_whole(driver.name, field, getattr(driver, field), 0, checks.INT64_MAX)
    if len(driver.devices) > lib.NS_DRIVER_DEVICES_MAX:
        hint = f"devices has {len(driver.devices)} entries, must be at most"
        raise argument_error(driver.name, f"{hint} {lib.NS_DRIVER_DEVICES_MAX}")


def _check_times(point: PointSpec) -> None:
    """Whole and within 64 bits; what each may be stands with the checks that follow."""
    for field in ("period_ns", "phase_ns", "lease_ns", "abandon_ns"):
        value = getattr(point, field)
        checks.check_whole(point.name, field, value, -checks.INT64_MAX, checks.INT64_MAX)


def refused_row(points: Sequence[PointSpec]) -> str:
    """Name what C refuses and the constructor of Tables lets pass; empty: nothing is known."""
    for point in points:
        inside = point.low <= point.abandon_value <= point.high
        mistakes = {
            "ramp_per_s": not (math.isfinite(point.ramp_per_s) and point.ramp_per_s >= 0.0),
            "tolerance": not point.tolerance >= 0.0,
            "abandon_ns": point.abandon_ns < 0,
            "abandon_value": point.abandon_ns > 0 and not inside,
        }
        ranges = {"ramp_per_s": "finite and at least 0", "abandon_value": "inside the limits"}
        for field, is_wrong in mistakes.items():
            if point.writable and is_wrong:
                allowed = ranges.get(field, "at least 0")
                return f"{point.name}: {field} is {getattr(point, field)!r}, must be {allowed}"
    return ""


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
    if reflex.comparison not in _COMPARISONS:
        return f"comparison is {reflex.comparison!r}, must be one of {', '.join(_COMPARISONS)}"
    if not all(0 <= t <= checks.INT64_MAX for t in (reflex.persistence_ns, reflex.max_age_ns)):
        return "persistence_ns and max_age_ns must be >= 0"
    if point.driver != driver and reflex.max_age_ns == 0:
        return f"{point.name} is of another driver, so max_age_ns must be > 0"
    return ""


def _check_name(kind: str, name: str) -> None:
    if not 0 < len(name.encode()) < lib.NS_NAME_SIZE or "\0" in name:
        raise ValueError(f"{kind} name {name!r} must have 1 to {lib.NS_NAME_SIZE - 1} bytes")
