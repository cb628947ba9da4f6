"""`nightside check`: everything that can be known of a configuration on the ground, told at once.

A mistake in one stage does not hide those of the next: what is wrong is taken out, defaults stand
in, and the rest is looked at too. What only follows from something already told is left unsaid.
"""

import copy
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from flight.bus_load import BusLoad, check_bus_load
from flight.config import NodeConfig, build_points, config_hash, node_mistakes
from flight.core.points import PointTable
from flight.operator_error import OperatorError, explain_validation, read_toml
from flight.secret import secret_file_mistake
from flight.services.cycle import LATE_LIMIT_NS
from flight.services.link_config import check_link
from flight.toml_lines import with_lines

NS_PER_S = 1e9
ROUNDS_MAX = 50  # each takes at least one key out

Check = Callable[[Path, NodeConfig], Iterable[str]]


class Checked(NamedTuple):
    """A good configuration and what it amounts to, a line each."""

    config: NodeConfig
    lines: list[str]


def check_config(path: Path, checks: Sequence[Check] = (), *, with_files: bool = True) -> Checked:
    """Return a configuration in which no mistake was found.

    Args:
        checks: Of other parts: functions that return mistakes, `PATH: KEY: ...` each.
        with_files: Whether the files that it names are looked at; they may lie on another host.

    Raises:
        OperatorError: one line per mistake of all stages, in the order of the file's lines.
    """
    data = read_toml(path, what="config")
    examined = _examine(path, data)
    lines, config = list(examined.lines), examined.config
    loads: tuple[BusLoad, ...] = ()
    if config is not None:
        possible, mistakes = node_mistakes(config)
        mistakes += limit_mistakes(possible, build_points(possible))
        found = [f"{path}: {mistake}" for mistake in mistakes]
        if with_files:
            found += _outside_mistakes(path, possible)
        try:
            loads = check_bus_load(path, possible)
        except OperatorError as error:
            found += error.lines
        for check in checks:
            found += check(path, config)
        lines += [line for line in found if not examined.mentions_removed(line)]
    if lines or config is None:
        text = path.read_text(encoding="utf-8")
        raise OperatorError(with_lines(path, text, dict.fromkeys(lines)))
    return Checked(config, _summary(path, config, loads))


def _summary(path: Path, config: NodeConfig, loads: Iterable[BusLoad]) -> list[str]:
    table = build_points(config)
    amount = f"{len(table)} points, {len(table.writable_indices)} of them writable"
    count, digest = config.node.accelerator_count, config_hash(config)
    busy = ", ".join(f"{load.driver} {load.occupancy_ratio:.0%}" for load in loads)
    return [
        f"{path}: good: {count} accelerator{'s' * (count > 1)}, {amount}; hash {digest}",
        f"{path}: buses busy with polling: {busy}",
    ]


class _Examined(NamedTuple):
    """config: what is left without the mistakes, None when nothing can be made of it."""

    config: NodeConfig | None
    lines: list[str]
    removed: frozenset[str]

    def mentions_removed(self, line: str) -> bool:
        """Whether a mistake may only follow from a default in place of a mistaken value."""
        return _mentions(line, self.removed)


def _examine(path: Path, data: Mapping[str, Any]) -> _Examined:
    """Return what the models find, round after round without what was found before."""
    rest = copy.deepcopy(dict(data))
    lines: list[str] = []
    removed: set[str] = set()
    for _ in range(ROUNDS_MAX):
        try:
            return _Examined(NodeConfig.model_validate(rest), lines, frozenset(removed))
        except ValidationError as error:
            told = frozenset(removed)
            found = explain_validation(path, error, NodeConfig, rest)
            lines += [line for line in found if not _mentions(line, told)]
            gone = {name for item in error.errors() for name in _remove(rest, item)}
        if not gone:
            break
        removed |= gone
    return _Examined(None, lines, frozenset(removed))


def _remove(data: dict[str, Any], item: Any) -> Iterator[str]:
    """Take the mistaken key out, or the keys that a rule across keys names; yield their names."""
    location = tuple(item["loc"])
    here: Any = data
    for i, part in enumerate(location):
        if not isinstance(here, dict) or part not in here:
            return
        is_last = i == len(location) - 1
        if is_last and (not isinstance(here[part], dict) or item["type"] == "extra_forbidden"):
            del here[part]
            yield ".".join(map(str, location))
            return
        here = here[part]
    if not isinstance(here, dict):
        return
    prefix = ".".join(map(str, location))
    for name in _named(here, str(item["msg"])):
        section, _, key = name.rpartition(".")
        table = here[section] if section else here
        if key in table:
            del table[key]
            yield f"{prefix}.{name}" if prefix else name


def _named(table: Mapping[str, Any], message: str) -> list[str]:
    """Return the keys of a table, or of its tables, that a message names."""
    text = re.sub(r"\[([a-z_]+)\] ([a-z_]+)", r"\1.\2", message)
    section = ""
    found = []
    for word in re.findall(r"[a-z_]+(?:\.[a-z_]+)?", text):
        first, dot, _ = word.partition(".")
        if dot and isinstance(table.get(first), dict):
            section = first
            found.append(word)
        elif not dot and not isinstance(table.get(word), dict):
            if word in table:
                found.append(word)
            elif section and word in table[section]:
                found.append(f"{section}.{word}")
    return list(dict.fromkeys(found))


def _mentions(line: str, removed: Iterable[str]) -> bool:
    """Whether a line speaks of a key that was taken out: in full, or by its last part."""
    place = line.partition(": ")[2]
    words = set(re.findall(r"[\w]+(?:\.[\w]+)*", place))
    head = re.match(r"([\w.]+):", place)
    for name in removed:
        table, _, key = name.rpartition(".")
        if name in words or (key in words and (f"[{table}]" in place or _is(head, table))):
            return True
    return False


def _is(head: re.Match[str] | None, table: str) -> bool:
    return head is not None and head.group(1) == table


# ---- files that the configuration names ----


def _outside_mistakes(path: Path, config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong with files and folders; those of a link in use are looked into, too."""
    link = check_link(path, config.link)
    for mistake in file_mistakes(config):
        if not link or not mistake.startswith("link."):  # told once, by who knows more
            yield f"{path}: {mistake}"
    yield from link


_SECRET_FILE = re.compile(r"(password|secret|token|private_key|key)_file$")


def file_mistakes(config: BaseModel, section: str = "") -> Iterator[str]:
    """Yield which files and folders that a configuration names cannot be used.

    By the key's name: `..._file` is there and readable, that of a secret by its owner alone;
    `..._dir` is a folder, or can be made in one.
    """
    for name, value in config:
        key = f"{section}.{name}" if section else name
        if isinstance(value, BaseModel):
            yield from file_mistakes(value, key)
        elif isinstance(value, str | Path) and str(value) and name.endswith(("_file", "_dir")):
            mistake = _path_mistake(name, Path(value))
            if mistake is not None:
                yield f"{key}: {mistake}"


def _path_mistake(name: str, path: Path) -> str | None:
    if _SECRET_FILE.search(name):
        return secret_file_mistake(path)
    if name.endswith("_file"):
        return None if os.access(path, os.R_OK) else f"{path} is not there, or cannot be read"
    if path.exists() and not path.is_dir():
        return f"{path} is not a folder"
    nearest = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return None if os.access(nearest, os.W_OK) else f"{path} cannot be written"


# ---- limits against the parts ----

# The first must be below the second, or else.
BELOW = (
    (
        "rails.module_current_a_max",
        "silicon.module_current_a_max",
        "the part would trip before the daemon can tell why",
    ),
    (
        "rails.payload_current_a_max",
        "silicon.payload_current_a_max",
        "the part would trip before the daemon can tell why",
    ),
    (
        "latch_up.aux_current_a_max",
        "silicon.aux_current_a_max",
        "the part would trip before the daemon can tell a latch-up",
    ),
    (
        "latch_up.aux_current_a_nominal",
        "reflex.aux_current_a",
        "the reflex would open every auxiliary rail",
    ),
    ("arbiter.bus54_voltage_v_min", "faults.bus54_voltage_v_max", "no voltage would be good"),
    ("rails.aux_voltage_v_min", "faults.aux_voltage_v_max", "no voltage would be good"),
    ("rails.module_voltage_v_min", "faults.module_voltage_v_max", "no voltage would be good"),
)
# The limit must be one that the channel can read, or else it never acts.
READABLE = (
    ("guard.over_temperature_c", "accel*.core_temp_c"),
    ("guard.memory_over_temperature_c", "accel*.memory_temp_c"),
    ("reflex.core_temp_c", "accel*.core_temp_c"),
    ("rails.module_current_a_max", "rail.accel*_54v.current_a"),
    ("rails.payload_current_a_max", "rail.payload_54v.current_a"),
    ("latch_up.aux_current_a_max", "rail.accel*_aux.current_a"),
    ("loop.supply_temp_c_min", "loop.supply_temp_c"),
    ("loop.supply_temp_c_max", "loop.supply_temp_c"),
    ("loop.return_temp_c_max", "loop.return_temp_c"),
    ("loop.pressure_kpa_max", "loop.pressure_kpa"),
    ("loop.flow_kg_per_s_min", "loop.flow_kg_per_s"),
    ("faults.cpu_temp_c_max", "host.cpu_temp_c"),
    ("faults.nvme_temp_c_max", "host.nvme?.temp_c"),
    ("faults.rail_temp_c_max", "rail.*.temp_c"),
    ("faults.battery_temp_c_max", "eps.battery.temp_c"),
    ("faults.battery_temp_c_min", "eps.battery.temp_c"),
    ("faults.plate_temp_c_max", "plate*.outlet_temp_c"),
    ("faults.bus28_voltage_v_min", "eps.bus28.voltage_v"),
)
# What the daemon may command must be what the driver will write.
WRITTEN = (
    ("loop.pump_speed_rpm_max", "loop.pump_?.speed_target_rpm"),
    ("arbiter.clock_max_mhz", "accel*.clock_max_mhz"),
    ("arbiter.clock_low_mhz", "accel*.clock_max_mhz"),
)


def limit_mistakes(config: NodeConfig, table: PointTable) -> Iterator[str]:
    """Yield where limits, parts, channels and budgets of a configuration contradict each other."""
    for low_key, high_key, why in BELOW:
        low, high = _value(config, low_key), _value(config, high_key)
        if not low < high:
            yield f"{low_key} {low:g} must be below {high_key} {high:g}: {why}"
    for key, pattern in READABLE:
        limit = _value(config, key)
        for i in table.match(pattern):
            point = table.points[i]
            if not point.low < limit < point.high:
                yield (
                    f"{key} {limit:g} is outside what {point.name} can read, "
                    f"{point.low:g} to {point.high:g}: it would never act"
                )
                break
    yield from _written_mistakes(config, table)
    yield from _time_mistakes(config, table)
    yield from _budget_mistakes(config)


def _written_mistakes(config: NodeConfig, table: PointTable) -> Iterator[str]:
    for key, pattern in WRITTEN:
        value = _value(config, key)
        for i in table.match(pattern):
            writable = table.points[i].writable
            if writable is not None and not writable.low <= value <= writable.high:
                yield (
                    f"{key} {value:g} is outside what {table.points[i].name} may be written, "
                    f"{writable.low:g} to {writable.high:g}: the driver would refuse it"
                )
                break


def _time_mistakes(config: NodeConfig, table: PointTable) -> Iterator[str]:
    gap_s = config.cycle.period_s + LATE_LIMIT_NS / NS_PER_S
    for pattern in config.points:
        for i in table.match(pattern):
            point, place = table.points[i], f'points."{pattern}"'
            if not point.age_s_max > point.period_s:
                yield (
                    f"{place}: age_s_max {point.age_s_max:g} is not above period_s "
                    f"{point.period_s:g} of {point.name}: every sample would be stale"
                )
                break
            if point.writable is not None and 0.0 < point.writable.lease_s <= gap_s:
                yield (
                    f"{place}: lease_s {point.writable.lease_s:g} of {point.name} is not above "
                    f"{gap_s:g}, a cycle and its allowed lateness: it would lapse in service"
                )
                break


def _budget_mistakes(config: NodeConfig) -> Iterator[str]:
    """Yield budgets that cannot hold even the smallest caps."""
    arbiter, count = config.arbiter, config.node.accelerator_count
    least_w = arbiter.overhead_w + count * arbiter.cap_w_min
    for key in ("arbiter.node_power_w_max", "arbiter.allotment_fallback_w"):
        budget_w = _value(config, key)
        if budget_w * (1.0 - arbiter.budget_margin_ratio) < least_w:
            yield (
                f"{key} {budget_w:g} cannot hold {count} accelerators at arbiter.cap_w_min "
                f"{arbiter.cap_w_min:g} and arbiter.overhead_w {arbiter.overhead_w:g}: "
                f"write at least {least_w / (1.0 - arbiter.budget_margin_ratio):.0f}"
            )


def _value(config: NodeConfig, key: str) -> float:
    section, _, name = key.partition(".")
    return float(getattr(getattr(config, section), name))
