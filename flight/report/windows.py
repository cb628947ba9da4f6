"""The traces around a fault: a short span of the recording at full resolution."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from flight.report.buckets import NS_PER_S, Buckets
from flight.report.page_data import line_data
from flight.report.panels import labels_of
from flight.report.words import unit_word
from flight.services.recording import RecordingReader

BEFORE_S, AFTER_S, SPAN_S_MAX = 10.0, 10.0, 300.0
SILENT_S = 30.0  # shown of a fault that asked for no response
BUCKETS_MAX, BUCKETS_MIN = 500, 50
SAMPLES_MAX = 75_000  # buckets of all lines of all faults: about 1 MB of the page
PICTURES_MAX = 3
UNIT_OF_NAME = re.compile("_(kg_per_s|rpm|mhz|ratio|kpa|[wavc])$")

# What to show of a fault by the head of its target; the first that matches, `{}` its accelerator.
VIEWS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("accel[0-9]*_aux", ("rail.{}_aux.current_a", "{}.power_w", "{}.cap_w", "rail.{}_*.enable")),
    ("accel[0-9]*_54v", ("rail.{}_54v.current_a", "{}.power_w", "{}.cap_w", "rail.{}_*.enable")),
    ("accel[0-9]*", ("{}.power_w", "{}.cap_w", "{}.core_temp_c", "{}.memory_temp_c",
                     "rail.{}_54v.enable")),
    ("pump_*", ("loop.pump_?.speed_rpm", "loop.flow_kg_per_s", "accel*.cap_w")),
    ("plate*", ("plate*.outlet_temp_c", "accel*.cap_w")),
    ("loop*", ("loop.flow_kg_per_s", "loop.supply_temp_c", "loop.return_temp_c", "accel*.cap_w")),
    ("string*", ("eps.string?.current_a", "eps.array_power_w", "accel*.cap_w")),
    ("eps*", ("eps.array_power_w", "eps.bus54.voltage_v", "eps.battery.current_a",
              "accel*.cap_w")),
    ("payload*", ("rail.payload_54v.current_a", "rail.payload_54v.voltage_v", "accel*.cap_w")),
    ("*", ("accel*.cap_w", "accel*.core_temp_c", "loop.flow_kg_per_s")),
)  # fmt: skip


def span_of(fault: Mapping[str, Any]) -> tuple[float, float]:
    """Return the span to show, in s: from before the injection to after the recovery."""
    start_s = float(fault["injected_s"])
    told = [fault["back_s"], fault["safe_s"], fault["ended_s"], start_s + SILENT_S]
    end_s = next(float(t) for t in told if t is not None)
    return max(0.0, start_s - BEFORE_S), min(end_s + AFTER_S, start_s + SPAN_S_MAX)


def spoken(name: str) -> str:
    """Return what a channel measures, as people say it: `loop.flow_kg_per_s` is flow."""
    quantity = UNIT_OF_NAME.sub("", name.rpartition(".")[2])
    return quantity.replace("_temp", " temperature").replace("_", " ")


def channels_for(target: str, known: Sequence[str]) -> list[str]:
    """Return the channels that show a fault of a target."""
    patterns = next(shown for head, shown in VIEWS if fnmatchcase(target, head))
    accelerator = target.partition("_")[0].partition(".")[0]
    patterns = tuple(p.replace("{}", accelerator) for p in patterns)
    return [name for p in patterns for name in known if fnmatchcase(name, p)]


def window_data(
    reader: RecordingReader, fault: Mapping[str, Any], *, faults: int = 1
) -> list[dict[str, Any]]:
    """Return the pictures of a fault, one for each unit.

    Args:
        faults: How many share the page: the more, the coarser each is.
    """
    begin_s, end_s = span_of(fault)
    names = channels_for(str(fault["target"]), reader.channels())
    if not names:
        return []
    times_ns, values = reader.series(names, begin_s, end_s, without_failed=True)
    if len(times_ns) < 2:
        return []
    buckets = Buckets(
        int(times_ns[0]),
        int(times_ns[-1]),
        count_max=max(BUCKETS_MIN, min(BUCKETS_MAX, SAMPLES_MAX // (faults * len(names)))),
        series=len(names),
        period_ns=int(reader.meta.get("period_ns", NS_PER_S // 10)),
    )
    buckets.add(times_ns, values)
    points = buckets.points()
    units = [reader.units[name] for name in names]
    found: list[dict[str, Any]] = []
    for unit in list(dict.fromkeys(units))[:PICTURES_MAX]:
        chosen = [i for i, u in enumerate(units) if u == unit]
        shown = [names[i] for i in chosen]
        scale = 100.0 if unit == "ratio" else 1.0
        found.append(
            {
                "key": f"fault-{fault['id']}-{len(found)}",
                "title": ", ".join(dict.fromkeys(map(spoken, shown))).capitalize(),
                "unit": unit_word(unit),
                "axis": buckets.axis,
                "series": line_data(
                    labels_of(shown), np.asarray(points[:, chosen]) * scale, unit_word(unit)
                ),
                "limits": [],
            }
        )
    return found
