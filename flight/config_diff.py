"""`nightside check --diff`: what another configuration changes, and what must restart for it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from flight.bus_load import planned_specs
from flight.config import NodeConfig
from flight.node import HalSpecs

# What a driver process is started with; the rest is the daemon's alone.
DRIVER_SECTIONS = frozenset({"points", "reflex", "buses", "silicon", "devices"})
DRIVER_KEYS = frozenset({"node.accelerator_count", "node.simulated"})
DRIVERS, DAEMON, IN_FLIGHT, SIMULATION = "drivers", "daemon", "in flight", "simulation"
ABSENT = "-"


class Change(NamedTuple):
    """One key. needs: DRIVERS and the daemon restart, DAEMON alone, IN_FLIGHT nothing."""

    key: str
    old: str
    new: str
    needs: str


def changes(
    old: NodeConfig, new: NodeConfig, in_flight: Collection[str] = ()
) -> tuple[Change, ...]:
    """Return the keys whose values differ, in the order of the configuration.

    Args:
        in_flight: Keys that may also be changed as parameters, without a restart.
    """
    before, after = dict(_flat(old.model_dump())), dict(_flat(new.model_dump()))
    keys = list(dict.fromkeys((*after, *before)))
    return tuple(
        Change(key, _text(before.get(key)), _text(after.get(key)), _needs(key, in_flight))
        for key in keys
        if before.get(key) != after.get(key)
    )


def drivers_to_restart(old: NodeConfig, new: NodeConfig) -> tuple[str, ...]:
    """Return the names of the drivers whose own configuration differs, in image order."""
    before, after = _by_driver(planned_specs(old)), _by_driver(planned_specs(new))
    names = dict.fromkeys((*after, *before))
    return tuple(name for name in names if before.get(name) != after.get(name))


def _by_driver(specs: HalSpecs) -> dict[str, object]:
    return {
        driver.name: (driver, [point for point in specs.points if point.driver == index])
        for index, driver in enumerate(specs.drivers)
    }


def table(old: NodeConfig, new: NodeConfig, in_flight: Collection[str] = ()) -> list[str]:
    """Return the changes as lines for people, and which drivers must restart."""
    found = changes(old, new, in_flight)
    if not found:
        return ["no difference: nothing restarts"]
    rows = [Change("key", "old", "new", "restart"), *found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(f"{row[c]:<{widths[c]}}" for c in range(3)), row.needs]).rstrip()
        for row in rows
    ]
    drivers = drivers_to_restart(old, new)
    lines.append(f"drivers to restart: {', '.join(drivers) if drivers else 'none'}")
    return lines


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        spelled = f'"{name}"' if "." in name else name
        key = f"{prefix}.{spelled}" if prefix else spelled
        if isinstance(value, Mapping):
            yield from _flat(value, key)
        elif value is not None:
            yield key, value


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _needs(key: str, in_flight: Collection[str]) -> str:
    section = key.partition(".")[0]
    if section == "plant":
        return SIMULATION
    if section in DRIVER_SECTIONS or key in DRIVER_KEYS:
        return DRIVERS
    return IN_FLIGHT if key in in_flight else DAEMON
