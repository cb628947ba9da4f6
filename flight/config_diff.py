"""`nightside check --diff`: what another configuration changes, and what must restart for it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from flight.bus_load import planned_specs, speed_key
from flight.config import NodeConfig
from flight.services.parameter_table import PARAMETERS

# What a driver process is started with; the rest is the daemon's alone.
DRIVER_SECTIONS = frozenset({"points", "reflex", "buses", "silicon", "devices"})
DRIVER_KEYS = frozenset(
    {"node.accelerator_count", "node.cooling", "node.power_system", "node.simulated"}
)
DAEMON_KEYS = frozenset({"buses.occupancy_ratio_max"})  # in those sections, yet no driver's
DRIVERS, DAEMON, IN_FLIGHT, SIMULATION = "drivers", "daemon", "in flight", "simulation"
ABSENT = "-"


class Change(NamedTuple):
    """One key. needs: DRIVERS and the daemon restart, DAEMON alone, IN_FLIGHT nothing."""

    key: str
    old: str
    new: str
    needs: str


def keys_in_flight() -> frozenset[str]:
    """Return the keys that are parameters and take effect without a restart."""
    return frozenset(key for key, parameter in PARAMETERS.items() if not parameter.restart)


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
    before, after = _by_driver(old), _by_driver(new)
    names = dict.fromkeys((*after, *before))
    return tuple(name for name in names if before.get(name) != after.get(name))


def _by_driver(config: NodeConfig) -> dict[str, object]:
    """Return all that a driver is started with: itself, its points, the speed of its bus."""
    specs = planned_specs(config)
    return {
        driver.name: (
            driver,
            [point for point in specs.points if point.driver == index],
            None if driver.bus is None else _value(config, speed_key(driver.name)),
        )
        for index, driver in enumerate(specs.drivers)
    }


def _value(config: NodeConfig, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


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
    if key in DRIVER_KEYS or (section in DRIVER_SECTIONS and key not in DAEMON_KEYS):
        return DRIVERS
    return IN_FLIGHT if key in in_flight else DAEMON
