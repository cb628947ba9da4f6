"""Which channels the report draws, and in which pictures."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

GRANTED = "granted"  # caps as granted, not as read back
BATTERY_POWER = "eps.battery.power_w"  # voltage times current; positive while it charges


class Limit(NamedTuple):
    """A line across a picture. key: where the configuration has it, `section.name`."""

    label: str
    key: str
    scale: float = 1.0


class Panel(NamedTuple):
    """A picture. patterns: of channels, or GRANTED, or BATTERY_POWER; partial_title: where the
    node has no channel of the first one.
    """

    key: str
    title: str
    unit: str
    patterns: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    note: str = ""
    partial_title: str = ""

    def title_for(self, names: Sequence[str]) -> str:
        """Return the title over these channels."""
        is_whole = not self.partial_title or any(fnmatchcase(n, self.patterns[0]) for n in names)
        return self.title if is_whole else self.partial_title


PANELS = (
    Panel(
        "core", "Core temperatures", "degC", ("accel*.core_temp_c",),
        (Limit("guard set-point", "guard.setpoint_c"), Limit("limit", "guard.core_temp_c_max")),
    ),
    Panel(
        "memory", "Memory temperatures", "degC", ("accel*.memory_temp_c",),
        (Limit("guard set-point", "guard.memory_setpoint_c"),),
    ),
    Panel(
        "coolant", "Coolant", "degC",
        ("loop.supply_temp_c", "loop.return_temp_c", "loop.radiator_out_temp_c",
         "host.radiator_temp_c"),
        partial_title="Radiator",
    ),
    Panel("plates", "Cold-plate outlets", "degC", ("plate*.outlet_temp_c",)),
    Panel("caps", "Caps as granted", "W", (GRANTED,)),
    Panel("draw", "Accelerator power", "W", ("accel*.power_w",)),
    Panel(
        "power", "Power balance", "W",
        ("eps.array_power_w", "rail.payload_54v.power_w", BATTERY_POWER),
        note="The array gives, the payload rail takes, the battery takes (positive) or gives "
        "(negative); what is missing in the sum feeds host, pumps and heaters.",
        partial_title="Payload power",
    ),
    Panel(
        "charge", "State of charge", "ratio", ("eps.battery.charge_ratio",),
        (
            Limit("ladder: cap", "ladder.cap_ratio", 100.0),
            Limit("ladder: shed", "ladder.shed_ratio", 100.0),
            Limit("ladder: safe", "ladder.safe_ratio", 100.0),
        ),
    ),
    Panel(
        "flow", "Coolant flow", "kg/s", ("loop.flow_kg_per_s",),
        (Limit("least flow", "loop.flow_kg_per_s_min"),),
    ),
    Panel("pumps", "Pump speeds", "rpm", ("loop.pump_?.speed_rpm",)),
    Panel("battery", "Battery and host temperatures", "degC",
          ("eps.battery.temp_c", "host.cpu_temp_c", "host.nvme0.temp_c"),
          partial_title="Host temperatures"),
    Panel("bus", "Bus voltages", "V", ("eps.bus54.voltage_v", "eps.bus28.voltage_v")),
)  # fmt: skip


def channels_of(panel: Panel, known: Sequence[str]) -> tuple[str, ...]:
    """Return the recorded channels of a picture."""
    return tuple(name for p in panel.patterns for name in known if fnmatchcase(name, p))


def limits_of(panel: Panel, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lines of a picture that the configuration knows."""
    found = []
    for limit in panel.limits:
        section, _, name = limit.key.partition(".")
        value = config.get(section, {}).get(name)
        if isinstance(value, int | float):
            found.append({"label": limit.label, "value": value * limit.scale})
    return found


def labels_of(names: Sequence[str]) -> list[str]:
    """Return short names: without the last word where all have the same, without `loop.`."""
    tails = {name.rpartition(".")[2] for name in names}
    is_told = len(names) > 1 or names[0].startswith("accel")  # the title says the last word
    if is_told and len(tails) == 1:
        names = [name.rpartition(".")[0] for name in names]
    return [name.removeprefix("loop.").removeprefix("eps.") for name in names]
