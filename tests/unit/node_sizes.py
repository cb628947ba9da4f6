"""The table of sizes in docs/reference/nodes.md, made from the three shipped configurations."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flight.config import NodeConfig, load_config
from flight.examples import config_path
from sim_hw.fly import load_plant_config
from sim_hw.plant_config import PlantConfig

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "nodes.md"
BEGIN, END = "<!-- sizes: tools/node_sizes.py -->\n", "<!-- end of sizes -->\n"
NODES = ("ref1", "ai1", "edge")


class Node(NamedTuple):
    """A configuration and what it makes of the plant."""

    config: NodeConfig
    plant: PlantConfig


class Row(NamedTuple):
    """A line of the table. size: the text of a node's cell."""

    what: str
    size: Callable[[Node], str]
    source: str


def _accelerators(node: Node) -> str:
    count = node.config.node.accelerator_count
    return f"{count} of {node.plant.accelerators.cap_max_w:g} W"


def _array(node: Node) -> str:
    array = node.plant.array
    if not array.enabled:
        return "none"
    return f"{array.string_count} strings of {array.string_power_w:g} W"


def _battery(node: Node) -> str:
    battery = node.plant.battery
    if not battery.enabled:
        return "none"
    return f"{battery.capacity_wh:g} Wh, {battery.cell_count} cells x {battery.strand_count}"


def _battery_ohm(node: Node) -> str:
    battery = node.plant.battery
    return f"{1000.0 * battery.resistance_ohm:g} mohm" if battery.enabled else "none"


def _bus(node: Node) -> str:
    bus = node.plant.bus
    return f"{bus.bus54_voltage_v:g} V behind {1000.0 * bus.source_ohm:g} mohm"


def _coolant(node: Node) -> str:
    loop = node.plant.loop
    if not loop.enabled:
        return f"none, a strap of {node.plant.stack.strap_w_per_k:g} W/K"
    return f"{loop.nominal_flow_kg_per_s:g} kg/s"


def _radiator(node: Node) -> str:
    radiator = node.plant.radiator
    sides = {1: "one side", 2: "both sides"}[radiator.faces]
    return f"{radiator.area_m2:g} m2, {sides}"


def _orbit(node: Node) -> str:
    orbit = node.plant.orbit
    return f"{orbit.altitude_km:g} km, beta {orbit.beta_deg:g} deg"


ROWS = (
    Row("accelerators", _accelerators,
        'H100: `nvidia-smi` dumps. Edge: Jetson AGX Orin 64GB, "up to 60 W" [1]'),
    Row("caps", lambda n: f"{n.config.arbiter.cap_w_min:g} to {n.config.arbiter.cap_w_max:g} W",
        "the same; Orin has modes of 15, 30, 50 W"),
    Row("idle", lambda n: f"{n.plant.accelerators.idle_power_w:g} W", "the same; edge assumed"),
    Row("host", lambda n: f"{n.plant.host.power_w:g} W", "assumed"),
    Row("orbit", _orbit, "[2]; [models](../models.md), 1a"),
    Row("array, new, at 28 degC", _array, "below; [models](../models.md), REF-1"),
    Row("battery", _battery, "below; [models](../models.md), 1b"),
    Row("resistance of the battery, new", _battery_ohm, "assumed"),
    Row("payload bus", _bus, "[models](../models.md), 1b; impedance assumed"),
    Row("coolant", _coolant, "[models](../models.md), 1c; strap assumed"),
    Row("radiator, panel", _radiator, "below; [models](../models.md), REF-1; AI1 [2]"),
    Row("core to sink of heat",
        lambda n: f"{n.plant.stack.core_k_per_w_min:g} to {n.plant.stack.core_k_per_w_max:g} K/W",
        "[models](../models.md), 1c, to the coolant; edge assumed, to its plate"),
)  # fmt: skip


def node(name: str) -> Node:
    """Return a shipped node."""
    path = config_path(name)
    config = load_config(path)
    plant = load_plant_config(config, path)
    return Node(config, plant)


def table() -> str:
    """Return the table as Markdown."""
    nodes = [node(name) for name in NODES]
    names = "".join(f" `{name}` |" for name in NODES)
    lines = [f"| |{names} source |", "|---|---|---|---|---|"]
    for row in ROWS:
        cells = " | ".join(row.size(n) for n in nodes)
        lines.append(f"| {row.what} | {cells} | {row.source} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page with the table as it must be."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{table()}{END}{tail}"
