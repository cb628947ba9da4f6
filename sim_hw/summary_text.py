"""The summary for people: 80 columns, plain when piped, coloured only on a terminal."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from sim_hw.energy import energy_text

WIDTH = 80
PROPERTY_TITLES: Mapping[str, str] = {
    "S1": "cores",
    "S2": "coolant and radiator",
    "S3": "state of charge",
    "S4": "rail order, off-times",
    "S5": "latch-ups, no false trip",
    "S6": "power budget",
    "S12": "silence: leases",
    "S13": "sensor loss",
    "S14": "same seed, same trace",
}
_UNITS = {"degC": "°C", "ratio": "", "count": "", "switch": "", "bits": "", "code": ""}
_UNMEASURED = {"S14": "every tenth cycle decided twice"}
_PERCENT = ("ratio",)


def render_summary(summary: Mapping[str, Any]) -> str:
    """Return the whole text, no line longer than 80 columns, no colour."""
    return "\n".join(_lines(summary)) + "\n"


def print_summary(summary: Mapping[str, Any], stream: TextIO) -> None:
    """Write the text; on a terminal ok is green and FAIL is red."""
    text = render_summary(summary)
    if not stream.isatty():
        stream.write(text)
        return
    coloured = Text(text, end="")
    coloured.highlight_regex(r"(?m)^  ok\b", "green")
    coloured.highlight_regex(r"(?m)^  FAIL\b|^NOT GOOD.*$|^  ! .*$", "bold red")
    coloured.highlight_regex(r"(?m)^ALL GOOD.*$", "bold green")
    coloured.highlight_regex(r"(?m)^[A-Z][a-z]+(?=\s{2}|$)", "bold")
    Console(file=stream, width=WIDTH, highlight=False, soft_wrap=True).print(coloured)


def _lines(summary: Mapping[str, Any]) -> Iterator[str]:
    yield from textwrap.wrap(summary["title"], WIDTH)
    orbit = summary["orbit"]
    yield from textwrap.wrap(
        f"{orbit['source']}: period {orbit['period_s'] / 60.0:.1f} min, eclipse "
        f"{orbit['eclipse_s'] / 60.0:.1f} min; seed {summary['seed']}, "
        f"{duration_text(summary['simulated_s'])} flown",
        WIDTH,
    )
    if summary["interrupted"]:
        yield "Interrupted: what follows holds up to that moment."
    if summary["faults"]:
        yield from ("", "Faults")
        for fault in summary["faults"]:
            yield from _fault_lines(fault)
    if summary["expectations"]:
        yield from ("", f"{'Expectations':<40}{'value':>14}  {'bound':<13}{'margin':>9}")
        for result in summary["expectations"]:
            yield from _expectation_lines(result)
    yield from ("", f"{'Safety':<36}{'closest':>11}  {'limit':<10} {'when and what'}")
    yield "  (plant truth at every step)"
    for name, result in summary["properties"].items():
        yield _property_line(name, result)
    yield from _violation_lines(summary)
    yield from _energy_lines(summary)
    yield from ("", *_figures(summary), "", _verdict(summary))


def _fault_lines(fault: Mapping[str, Any]) -> Iterator[str]:
    start_s = fault["injected_s"]
    ended = "" if fault["ended_s"] is None else f", until {fault['ended_s']:.3f} s"
    yield f"  {fault['name']} {fault['target']} at {start_s:.3f} s{ended}"
    if fault["detected_s"] is None:
        yield "    not noticed by the daemon"
    else:
        yield f"    {'noticed':<9}{_after(fault['detected_s'], start_s):<13}{fault['detected_by']}"
    done = _done_text(fault["done"])
    if done:
        wrapped = textwrap.wrap(done, WIDTH - 13)
        yield f"    {'then':<9}{wrapped[0]}"
        yield from (f"{'':13}{line}" for line in wrapped[1:3])
    if not fault["response"]:
        yield "    caps and rails were left as they are"
        return
    yield (
        f"    {'safe':<9}{_after(fault['safe_s'], start_s):<13}"
        f"back to normal {_after(fault['back_s'], start_s)}"
    )


def _done_text(steps: Sequence[Mapping[str, Any]]) -> str:
    """The kinds of events in their order, each with how many of them there were."""
    counts = Counter(step["event"] for step in steps)
    return ", ".join(f"{event} x{n}" if n > 1 else event for event, n in counts.items())


def _after(time_s: float | None, start_s: float) -> str:
    return "never" if time_s is None else f"+{time_s - start_s:.3f} s"


def _expectation_lines(result: Mapping[str, Any]) -> Iterator[str]:
    mark = "ok  " if result["ok"] else "FAIL"
    unit = result["unit"]
    value = "never judged" if result["value"] is None else quantity_text(result["value"], unit)
    margin = (
        "" if result["margin"] is None else quantity_text(result["margin"], unit, is_signed=True)
    )
    bound = _bound(result["low"], result["high"], unit)
    yield f"  {mark} {result['id'][:33]:<33}{value:>14}  {bound:<13}{margin:>9}".rstrip()[:WIDTH]
    if not result["ok"]:
        yield from textwrap.wrap(result["text"], WIDTH - 7, initial_indent=" " * 7,
                                 subsequent_indent=" " * 7)  # fmt: skip


def _bound(low: float | None, high: float | None, unit: str) -> str:
    if low is not None and high is not None:
        number = _number(low) if low == high else f"{_number(low)}..{_number(high)}"
        return f"= {number}" if low == high else number
    if high is not None:
        return f"≤ {quantity_text(high, unit)}"
    return "" if low is None else f"≥ {quantity_text(low, unit)}"


def _property_line(name: str, result: Mapping[str, Any]) -> str:
    mark = ("ok  " if result["tested"] else "-   ") if result["ok"] else "FAIL"
    title = f"  {mark} {name:<4}{PROPERTY_TITLES.get(name, ''):<25}"
    closest = result["closest"]
    if closest is None:
        note = _UNMEASURED.get(name, "") if result["tested"] else "not put to the test"
        return f"{title}{'-':>11}  {note}".rstrip()
    value = quantity_text(closest["value"], closest["unit"])
    limit = quantity_text(closest["limit"], closest["unit"])
    return f"{title}{value:>11}  {limit:<10} {closest['time_s']:.1f} s {closest['subject']}"[:WIDTH]


def _violation_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    violations = summary["violations"]
    for violation in violations[:10]:
        value = quantity_text(violation["value"], violation["unit"])
        limit = quantity_text(violation["limit"], violation["unit"])
        line = (
            f"  ! {violation['property']} at {violation['time_s']:.3f} s, {violation['subject']}: "
            f"{violation['text']} ({value}, limit {limit})"
        )
        yield from textwrap.wrap(line, WIDTH, subsequent_indent="    ")
    if summary["violation_count"] > 10:
        yield f"  ! and {summary['violation_count'] - 10} more in summary.json"


def watts_text(power_w: float) -> str:
    """Return a power in kW; below one, in W."""
    return f"{power_w / 1000.0:.2f} kW" if power_w >= 1000.0 else f"{power_w:.0f} W"


def _energy_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    energy = summary["energy"]
    if energy is None or energy["ok"]:
        return
    told = energy_text(energy["electrical_error_ratio"], energy["thermal_error_ratio"])
    yield from textwrap.wrap(f"  ! {told}", WIDTH, subsequent_indent="    ")


def _figures(summary: Mapping[str, Any]) -> Iterator[str]:
    peaks, work = summary["peaks"], summary["work"]
    yield (
        f"Work    {work['accelerator_joules'] / 3.6e6:.2f} kWh into accelerators, "
        f"{work['utilisation_seconds'] / 3600.0:.2f} accelerator hours busy"
    )
    if work.get("lost_seconds") or work.get("checkpoint_seconds"):
        hours = {
            name: work[f"{name}_seconds"] / 3600.0 for name in ("useful", "lost", "checkpoint")
        }
        yield (
            f"        {hours['useful']:.2f} h useful, {hours['lost']:.2f} h lost, "
            f"{hours['checkpoint']:.2f} h in checkpoints; {work['restart_count']} restarts"
        )
    if "supply_temp_c_min" in peaks:
        what, low_c, high_c = "coolant", peaks["supply_temp_c_min"], peaks["return_temp_c_max"]
    else:
        what, low_c, high_c = "radiator", peaks["radiator_temp_c_min"], peaks["radiator_temp_c_max"]
    yield (
        f"Peaks   core {peaks['core_temp_c_max']:.1f} °C, {what} "
        f"{low_c:.1f} to {high_c:.1f} °C, draw {watts_text(peaks['accelerators_w_max'])}"
    )
    if peaks["charge_ratio_min"] is not None:
        start, lowest, end = (
            100.0 * peaks[f"charge_ratio_{name}"] for name in ("start", "min", "end")
        )
        yield f"Charge  {start:.1f} % at the start, lowest {lowest:.1f} %, {end:.1f} % at the end"
    if summary["radiation"]:
        yield from _radiation_lines(summary["radiation"])
    per_cpu = summary["simulated_s"] / max(summary["cpu_s"], 1e-9)
    yield (
        f"Speed   {per_cpu:.0f} simulated s per CPU s "
        f"({summary['cpu_s']:.1f} s CPU, {summary['wall_s']:.1f} s wall)"
    )
    yield f"Trace   {summary['trace_hash']} (config {summary['config_hash']})"


def _radiation_lines(radiation: Mapping[str, Any]) -> Iterator[str]:
    passes = radiation["anomaly_pass_count"]
    yield (
        f"Dose    {_number(radiation['dose_rad'])} rad(Si); {passes} anomaly "
        f"{'pass' if passes == 1 else 'passes'}; radiation {radiation['level']}"
    )
    struck = [f"{kind['id']} x{kind['count']}" for kind in radiation["classes"] if kind["count"]]
    yield from textwrap.wrap(
        "Struck  " + (", ".join(struck) or "nothing"), WIDTH, subsequent_indent=" " * 8
    )


def _verdict(summary: Mapping[str, Any]) -> str:
    expectations = summary["expectations"]
    met = sum(result["ok"] for result in expectations)
    results = summary["properties"].values()
    held = sum(result["ok"] and result["tested"] for result in results)
    broken, untested = (sum(not result[key] for result in results) for key in ("ok", "tested"))
    told = (f"{held} held", f"{broken} violated" * bool(broken),
            f"{untested} not put to the test" * bool(untested))  # fmt: skip
    word = "ALL GOOD" if summary["ok"] else "NOT GOOD"
    return (
        f"{word}: {met} of {len(expectations)} expectations met\n"
        f"          properties: {', '.join(filter(None, told))}"
    )


def quantity_text(value: float, unit: str, *, is_signed: bool = False) -> str:
    """Return a value with its unit as people write it; a ratio in per cent."""
    if unit in _PERCENT:
        value, shown = 100.0 * value, " %"
    else:
        shown = _UNITS.get(unit, unit)
        shown = f" {shown}" if shown else ""
    sign = "+" if is_signed and value >= 0.0 else ""
    return f"{sign}{_number(value)}{shown}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if abs(value) >= 1000.0:
        return f"{value:.0f}"
    if abs(value) >= 10.0:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def duration_text(seconds: float) -> str:
    """Return a duration in the unit that fits it."""
    if seconds < 7200.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600.0:.2f} h" if seconds < 172_800.0 else f"{seconds / 86_400.0:.2f} d"
