"""The comparison of two flights: what differs in verdict and figures, and both in each picture."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from flight.core.types import Float64s
from flight.report.balance import electrical_bars, ledger
from flight.report.flight_data import FlightData
from flight.report.page import flight_facts, plots, whole_page
from flight.report.page_data import line_data
from flight.report.panels import limits_of
from flight.report.words import Html, element, energy, quantity, seconds, table, unit_word

# Key of a panel, how its lines become one, and what to call that.
FOLDS = {
    "core": ("max", "hottest core"), "memory": ("max", "hottest memory"),
    "coolant": ("max", "hottest coolant"), "plates": ("max", "hottest plate"),
    "caps": ("sum", "all caps"), "draw": ("sum", "all accelerators"),
    "charge": ("max", "charge"), "flow": ("max", "flow"),
}  # fmt: skip
PEAK_UNITS = {"_c": "degC", "_w": "W", "_ratio": "ratio"}


def comparison_page(first: FlightData, second: FlightData) -> str:
    """Return the comparison of two flights as HTML; a difference is the second less the first."""
    pair = (first, second)
    axes = [data.axis for data in pair]
    panels = list(_panels(first, second))
    document = {
        "axis": axes[0],
        "panels": panels,
        "reasons": {"words": [], "lines": []},
        "span": [min(d.begin_s for d in pair), max(d.end_s for d in pair)],
        "eclipses": [],
        "modes": [],
        "faults": [],
    }
    names = element(
        "p",
        element("b", "A"), f" {first.name}: {first.title}. ",
        element("b", "B"), f" {second.name}: {second.title}.",
    )  # fmt: skip
    parts = [
        element("section", element("h2", "Verdict"), names, _verdicts(first, second), id="verdict"),
        _properties(first, second),
        plots([panel["key"] for panel in panels], _one_sided(first, second)),
        _energies(first, second),
        _faults(first, second),
        element(
            "section", element("h2", "The two flights"),
            element("h3", "A"), flight_facts(first), element("h3", "B"), flight_facts(second),
            id="flight",
        ),
    ]  # fmt: skip
    return whole_page(f"{first.name} and {second.name} compared", parts, document)


def _panels(first: FlightData, second: FlightData) -> Iterator[dict[str, Any]]:
    for key, (fold, label) in FOLDS.items():
        a, b = first.panel(key), second.panel(key)
        if a is None or b is None:
            continue
        unit = unit_word(a.panel.unit)
        lines = []
        for name, data, drawn in (("A", first, a), ("B", second, b)):
            points = _folded(drawn.points, fold)
            resampled = _on_axis(points, data.axis, first.axis, second.axis)
            line = line_data([f"{name} {label}"], resampled[:, None], unit)[0]
            lines.append({**line, "isDashed": name == "B"})
        yield {
            "key": key,
            "title": f"{a.panel.title}: {label}" if fold == "sum" else label.capitalize(),
            "unit": unit,
            "axis": _shared_axis(first.axis, second.axis),
            "isShared": True,
            "series": lines,
            "limits": limits_of(a.panel, first.config),
        }


def _one_sided(first: FlightData, second: FlightData) -> str:
    """Return which pictures only one of the flights has, in one line."""
    here, there = (
        {drawn.panel.key: drawn.panel.title.lower() for drawn in data.panels}
        for data in (first, second)
    )
    titles = [here.get(key) or there[key] for key in FOLDS if (key in here) != (key in there)]
    if not titles:
        return ""
    return f"Not drawn, since only one of the two nodes has them: {', '.join(titles)}."


def _folded(points: Float64s, fold: str) -> Float64s:
    """Return one line of many; NaN where nothing was read."""
    is_known = ~np.isnan(points).all(axis=1)
    if fold == "sum":
        total = np.nansum(points, axis=1)
    else:
        total = np.where(np.isnan(points), -np.inf, points).max(axis=1)
    folded: Float64s = np.where(is_known, total, np.nan)
    return folded


def _shared_axis(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    """Return the axis that holds both flights, at the coarser step."""
    step = max(a["step"], b["step"])
    begin = min(a["begin"], b["begin"])
    end = max(x["begin"] + x["step"] * (x["count"] - 1) for x in (a, b))
    return {"begin": begin, "step": step, "count": int((end - begin) / step) + 1}


def _on_axis(
    points: Float64s, own: dict[str, float], a: dict[str, float], b: dict[str, float]
) -> Float64s:
    """Return a line on the shared axis, NaN outside of its own flight."""
    shared = _shared_axis(a, b)
    if own == shared:
        return points
    times = shared["begin"] + shared["step"] * np.arange(int(shared["count"]))
    place = np.rint((times - own["begin"]) / own["step"]).astype(int)
    is_inside = (place >= 0) & (place < len(points))
    found: Float64s = np.where(is_inside, points[np.clip(place, 0, len(points) - 1)], np.nan)
    return found


def _verdicts(first: FlightData, second: FlightData) -> Html:
    def words(data: FlightData) -> list[str]:
        summary = data.summary
        if summary is None:
            return ["not judged", "–", "–", "–", f"{data.end_s:.0f} s", "–"]
        results = summary["expectations"]
        return [
            "all good" if summary["ok"] else "NOT GOOD",
            f"{sum(r['ok'] for r in results)} of {len(results)}",
            str(summary["violation_count"]),
            str(len(summary["faults"])),
            f"{summary['simulated_s']:.0f} s",
            summary["trace_hash"],
        ]

    heads = ("verdict", "expectations met", "violations", "faults", "flown", "trace")
    rows = [
        (head, a, b, "same" if a == b else "differs")
        for head, a, b in zip(heads, words(first), words(second), strict=True)
    ]
    return table(("", "A", "B", ""), [*rows, *_peaks(first, second)])


def _peaks(first: FlightData, second: FlightData) -> Iterator[tuple[str, str, str, str]]:
    peaks = [{} if d.summary is None else d.summary["peaks"] for d in (first, second)]
    for name in (n for n in peaks[0] if n in peaks[1]):
        unit = next((u for tail, u in PEAK_UNITS.items() if tail in name), "")
        a, b = peaks[0][name], peaks[1][name]
        apart = "–" if a is None or b is None else quantity(b - a, unit, is_signed=True)
        yield name.replace("_", " "), quantity(a, unit), quantity(b, unit), apart


def _properties(first: FlightData, second: FlightData) -> Html:
    results = [{} if d.summary is None else d.summary["properties"] for d in (first, second)]
    rows = []
    for name in dict.fromkeys((*results[0], *results[1])):
        cells, unit = [], ""
        values: list[Any] = []
        for result in (results[0].get(name), results[1].get(name)):
            closest = None if result is None else result["closest"]
            held = "–" if result is None else _held(result)
            values.append(None if closest is None else closest["value"])
            if closest is None:
                cells.append(held)
                continue
            unit = closest["unit"]
            cells.append(f"{held}, {quantity(closest['value'], unit)} at "
                         f"{seconds(closest['time_s'])}, {closest['subject']}")  # fmt: skip
        a, b = values
        known = a is not None and b is not None
        apart = quantity(b - a, unit, is_signed=True) if known else "–"
        rows.append((name, *cells, apart))
    if not rows:
        return Html("")
    return element("section", element("h2", "Safety properties"),
                   table(("", "A, closest", "B, closest", "B less A"), rows),
                   id="properties")  # fmt: skip


def _held(result: dict[str, Any]) -> str:
    if not result["ok"]:
        return "VIOLATED"
    return "held" if result["tested"] else "not tested"


def _energies(first: FlightData, second: FlightData) -> Html:
    no_truth = any(ledger(data) is None for data in (first, second))  # both by one measure

    def joules(data: FlightData) -> dict[str, float]:
        bars = electrical_bars(data, from_telemetry=no_truth) or ()
        found = {
            f"{bar.label}: {share.label}": share.joules for bar in bars for share in bar.shares
        }
        for item in data.accounts.withheld():
            label = f"withheld: {item.reason}"
            found[label] = found.get(label, 0.0) + item.joules
        return found

    a, b = joules(first), joules(second)
    largest = max((*a.values(), *b.values()), default=0.0)
    rows = [
        (label, *(energy(value, beside=largest) for value in
                  (a.get(label, 0.0), b.get(label, 0.0), b.get(label, 0.0) - a.get(label, 0.0))))
        for label in dict.fromkeys((*a, *b))
        if a.get(label) or b.get(label)
    ]  # fmt: skip
    return element("section", element("h2", "Energy"), table(("", "A", "B", "B less A"), rows),
                   id="energy")  # fmt: skip


def _faults(first: FlightData, second: FlightData) -> Html:
    def told(data: FlightData) -> dict[str, str]:
        return {
            fault["id"]: "; ".join(
                f"{word} +{fault[key] - fault['injected_s']:.3f} s"
                if fault[key] is not None
                else f"{word} never"
                for word, key in (("seen", "detected_s"), ("safe", "safe_s"), ("back", "back_s"))
            )
            for fault in data.faults
        }

    a, b = told(first), told(second)
    rows = [(name, a.get(name, "not injected"), b.get(name, "not injected"))
            for name in dict.fromkeys((*a, *b))]  # fmt: skip
    if not rows:
        return Html("")
    return element("section", element("h2", "Faults"), table(("", "A", "B"), rows), id="faults")
