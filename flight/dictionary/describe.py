"""The dictionary's channels, commands and events as plain data, ready for JSON."""

from math import isfinite
from typing import Any

from flight.core.config import CoreConfig
from flight.core.event_ids import SEVERITIES
from flight.core.faults import build_faults
from flight.core.points import Point, PointTable
from flight.core.types import Severity
from flight.dictionary.commands import COMMANDS, Argument
from flight.dictionary.events import FAULTS, SERVICES, TRANSITIONS, kind


def channel_entries(points: PointTable) -> list[dict[str, Any]]:
    """Return what a receiver must know of each channel, in dictionary order."""
    return [_channel(point) for point in points]


def _channel(point: Point) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": point.name,
        "unit": point.unit,
        "low": point.low,
        "high": point.high,
        "period_s": point.period_s,
        "age_s_max": point.age_s_max,
    }
    writable = point.writable
    if writable is not None:
        safe = writable.safe if isfinite(writable.safe) else None
        entry["writable"] = {
            "low": writable.low,
            "high": writable.high,
            "safe": safe,
            "lease_s": writable.lease_s,
        }
    return entry


def command_entries(config: CoreConfig | None) -> list[dict[str, Any]]:
    """Return what a sender must know of each command.

    Args:
        config: Gives the limits that it may change their numbers; None: they have only their key.
    """
    return [
        {
            "name": name,
            "description": command.description,
            "arguments": [_argument(argument, config) for argument in command.arguments],
        }
        for name, command in COMMANDS.items()
    ]


def _argument(argument: Argument, config: CoreConfig | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": argument.name,
        "type": "number" if argument.is_number else "text",
        "required": argument.is_required,
        "description": argument.description,
    }
    if not argument.is_number:
        entry["choices"] = list(argument.choices)
        return entry
    entry["unit"] = argument.unit
    for bound, value in (("low", argument.low), ("high", argument.high)):
        if isinstance(value, str):
            entry[f"{bound}_key"] = value
            if config is not None:
                entry[bound] = limit_of(config, value)
        else:
            entry[bound] = value
    return entry


def limit_of(config: CoreConfig, key: str) -> float:
    """Return the number that a configuration holds under a dotted key.

    Raises:
        AttributeError: it has no such key: our bug.
    """
    section, _, name = key.partition(".")
    return float(getattr(getattr(config, section), name))


def event_entries(points: PointTable) -> list[dict[str, Any]]:
    """Return what a receiver must know of each event; None: the severity depends on the case."""
    severities = _fault_severities(points)
    entries = []
    for event_id in (*FAULTS, *TRANSITIONS, *SERVICES):
        found = SERVICES[event_id] if event_id in SERVICES else kind(event_id)
        severity = severities.get(event_id, SEVERITIES.get(event_id, found.severity))
        entries.append(
            {
                "id": event_id,
                "kind": _kind(event_id),
                "severity": None if severity is None else severity.name,
                "cause": found.cause,
                "action": found.action,
            }
        )
    return entries


def _kind(event_id: str) -> str:
    if event_id in FAULTS:
        return "fault"
    return "transition" if event_id in TRANSITIONS else "service"


def _fault_severities(points: PointTable) -> dict[str, Severity]:
    count = len(points.match("accel*.cap_w"))
    worst: dict[str, Severity] = {}
    for fault in build_faults(CoreConfig(), points, count):
        known = worst.get(fault.event_id, Severity.DEBUG)
        worst[fault.event_id] = max(known, fault.severity)
    return worst
