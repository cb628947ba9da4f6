"""The panels of `nightside top` as text: pure functions from a status document to rich text.

A document is what status.json holds (flight/services/status.py). Every panel fits 80 columns; what
a source does not say is shown as a dash.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text

Document = Mapping[str, Any]
WIDTH: Final = 80
DASH: Final = "-"
_BAR_CELLS = 10
_MODE_STYLES: Final = {
    "NOMINAL": "bold green",
    "DEGRADED": "bold yellow",
    "SAFE": "bold red",
    "SURVIVAL": "bold red",
}
_SEVERITY_STYLES: Final = {"critical": "bold red", "warning": "yellow", "debug": "dim"}
_CORE_WARM_C, _CORE_HOT_C = 80.0, 84.0  # colours only; REF-1 holds 82


def number(value: object, digits: int = 0) -> str:
    """Return a number for people, a dash when it is not known."""
    return f"{value:.{digits}f}" if isinstance(value, int | float) else DASH


def duration(seconds: object) -> str:
    """Return a span of time in its two largest units."""
    if not isinstance(seconds, int | float):
        return DASH
    left = max(0, round(seconds))
    for size, name, below, below_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if left >= size:
            return f"{left // size}{name}{left % size // below:02d}{below_name}"
    return f"{left}s"


def bar(ratio: object, cells: int = _BAR_CELLS) -> str:
    """Return a bar of a ratio 0 .. 1."""
    if not isinstance(ratio, int | float):
        return " " * cells
    filled = round(min(1.0, max(0.0, ratio)) * cells)
    return "█" * filled + "·" * (cells - filled)


def header(document: Document) -> Text:
    """Return who, which mode, where in the orbit, when."""
    view = document.get("view") or {}
    mode = view.get("mode", "no cycle yet")
    text = Text(no_wrap=True)
    text.append(f"{document.get('node', 'node')} ", "bold")
    if document.get("simulated"):
        text.append("SIM ", "magenta")
    text.append(mode, _MODE_STYLES.get(mode, "bold"))
    since_s = document.get("mode_since_s")
    if since_s is not None:
        text.append(f" for {duration(since_s)}", "dim")
    text.append(f"  {_orbit(document)}")
    right = f"{document.get('written_utc', '')[11:19]}Z" if document.get("written_utc") else ""
    if not document.get("time_trusted", True):
        right += "?"
    right = f"t {number(view.get('t_s'), 1)} s  {right}"
    text.append(" " * max(1, WIDTH - text.cell_len - len(right)) + right)
    return text


def _orbit(document: Document) -> str:
    orbit = document.get("orbit") or {}
    if orbit.get("sunlit") is None:
        return "orbit unknown"
    where = "sun" if orbit["sunlit"] else "eclipse"
    until = "eclipse in" if orbit["sunlit"] else "sun in"
    left = orbit.get("change_in_s")
    return f"{where}, {until} {duration(left)}" if left is not None else where


def accelerators(document: Document) -> Text:
    """Return one line per accelerator: cap and why, draw, temperatures, where it is."""
    rows = (document.get("view") or {}).get("accelerators", [])
    text = Text("accelerator   cap W  draw W              core  mem  phase        reason", "bold")
    for row in rows:
        text.append("\n")
        cap_w, power_w, core_c = row["cap_w"], row["power_w"], row["core_temp_c"]
        part = power_w / 700.0 if isinstance(power_w, int | float) else None
        line = Text(f"{row['name']:<12}{number(cap_w):>7}{number(power_w):>8} ")
        line.append(bar(part), "cyan")
        line.append(f"{number(core_c):>6}", _core_style(core_c))
        line.append(f"{number(row['memory_temp_c']):>5}  {row['phase'] or DASH:<13}")
        line.append(row["cap_reason"], "" if row["cap_reason"] == "maximum" else "yellow")
        if row["notice"] not in ("", "open"):
            line.append(f" [{row['notice']}]", "magenta")
        text.append_text(line)
    return text


def _core_style(core_c: object) -> str:
    if not isinstance(core_c, int | float):
        return "dim"
    return "bold red" if core_c >= _CORE_HOT_C else "yellow" if core_c >= _CORE_WARM_C else ""


def power_and_loop(document: Document) -> Text:
    """Return battery, array, buses, pumps, coolant in three lines."""
    view = document.get("view") or {}
    power, loop = view.get("power") or {}, view.get("loop") or {}
    charge = power.get("charge_ratio")
    percent = charge * 100.0 if isinstance(charge, int | float) else None
    text = Text(no_wrap=True)
    text.append("battery ", "bold")
    text.append(bar(charge), "green" if percent is None or percent > 50.0 else "yellow")
    text.append(
        f" {number(percent, 1)} %  {number(power.get('battery_current_a'))} A  "
        f"{number(power.get('battery_temp_c'))} °C   array {number(power.get('array_power_w'))} W"
        f"   draw {number(power.get('draw_w'))} W"
    )
    text.append("\nbuses   ", "bold")
    text.append(
        f"54 V {number(power.get('bus54_voltage_v'), 1)}   "
        f"28 V {number(power.get('bus28_voltage_v'), 1)}"
    )
    text.append("\nloop    ", "bold")
    text.append(
        f"{number(loop.get('supply_temp_c'))} → {number(loop.get('return_temp_c'))} °C  "
        f"radiator {number(loop.get('radiator_out_temp_c'))} °C  "
        f"{number(loop.get('flow_kg_per_s'), 3)} kg/s  "
        f"pumps {number(loop.get('pump_a_rpm'))}/{number(loop.get('pump_b_rpm'))} rpm"
    )
    return text


def daemon(document: Document) -> Text:
    """Return the daemon's own line: cycles, lateness, link, recorder."""
    cycle, link = document.get("cycle") or {}, document.get("link") or {}
    recorder = document.get("recorder") or {}
    text = Text("daemon  ", "bold", no_wrap=True)
    text.append(
        f"late p99 {number(cycle.get('lateness_p99_ms'), 1)} ms  missed "
        f"{number(cycle.get('skipped'))}  CPU {number(cycle.get('cpu_percent'), 1)} %",
        "",
    )
    state = link.get("state", DASH)
    text.append(f"  link {state}", "green" if state == "connected" else "yellow")
    ok = recorder.get("ok")
    said = DASH if ok is None else "ok" if ok else "failing"
    text.append(f"  recorder {said}", "red" if ok is False else "")
    return text


def events(document: Document, rows: int) -> Text:
    """Return the newest events, the newest last."""
    return _listed("events", document.get("events", [])[-rows:], rows, _event_line)


def faults(document: Document, rows: int) -> Text:
    """Return the faults that are active."""
    active = [row for row in document.get("faults", []) if row.get("state") != "cleared"]
    return _listed("faults", active[:rows], rows, _fault_line)


def rails(document: Document, rows: int) -> Text:
    """Return rails, two beside each other."""
    found = (document.get("view") or {}).get("rails", [])
    cells = [_rail_cell(row) for row in found]
    half = (len(cells) + 1) // 2
    lines = []
    for left, right in zip(cells[:half], [*cells[half:], Text()], strict=False):
        line = left.copy()
        line.append("  ")
        line.append_text(right)
        lines.append(line)
    return _joined("rails", lines[:rows])


def tasks(document: Document, rows: int) -> Text:
    """Return the supervised tasks with what ails them."""
    lines = [
        Text(
            f"  {'  ' * row.get('depth', 0)}{row['name']:<20} {row['state']:<12}"
            f"restarts {row.get('restarts', 0):<4} {row.get('last_error') or ''}"[:WIDTH],
            "" if row["state"] in ("running", "stopped") else "yellow",
        )
        for row in document.get("tasks", [])
    ]
    return _joined("tasks", lines[:rows])


def _rail_cell(row: Mapping[str, Any]) -> Text:
    switch = row["is_on"]
    text = Text(f"  {row['name']:<13}")
    text.append(
        "on  " if switch else "-   " if switch is None else "off ", "green" if switch else ""
    )
    text.append(f"{number(row['voltage_v'], 1):>5} V{number(row['current_a'], 1):>6} A")
    return text


def _event_line(row: Mapping[str, Any]) -> Text:
    text = Text(f"  {number(row['t_s'], 1):>9}  ")
    text.append(f"{row['id']:<24}", _SEVERITY_STYLES.get(row["severity"], ""))
    text.append(f" {row['subject']:<12} {row['text']}")
    return text


def _fault_line(row: Mapping[str, Any]) -> Text:
    text = Text("  ")
    text.append(f"{row['id']:<26}", _SEVERITY_STYLES.get(row.get("severity", ""), "yellow"))
    text.append(
        f" {row['subject']:<14} {row['state']:<8} for {duration(row.get('since_s')):<7}"
        f" {row.get('count', 0)}x"
    )
    return text


def _listed(title: str, found: Sequence[Mapping[str, Any]], rows: int, line: Any) -> Text:
    return _joined(title, [line(row) for row in found][:rows])


def _joined(title: str, lines: Sequence[Text]) -> Text:
    text = Text(title, "bold")
    if not lines:
        text.append("  none", "not bold dim")
    for line in lines:
        text.append("\n")
        line.truncate(WIDTH)
        text.append_text(line)
    return text
