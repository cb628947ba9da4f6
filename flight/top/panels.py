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
RAIL_COLUMNS: Final = 3
CAP_W_MAX: Final = 700.0  # REF-1: where the source does not say
_BAR_CELLS = 10
_DRAW_CELLS = 8
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
    room = WIDTH - text.cell_len - 1
    longer = f"t {number(view.get('t_s'), 1)} s  {right}".rstrip()
    right = longer if len(longer) <= room or not right else right
    text.append(" " * max(1, WIDTH - text.cell_len - len(right)) + right)
    text.truncate(WIDTH, overflow="ellipsis")
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
    is_phased = any(row["phase"] for row in rows)  # not every source says
    head = f"{'accelerator':<11}{'cap W':>6}{'draw W':>7}{'':9}{'core':>5}{'mem':>5}  "
    text = Text.assemble((f"{head}{'phase        ' if is_phased else ''}reason", "bold"))
    for row in rows:
        text.append("\n")
        cap_w, power_w, core_c = row["cap_w"], row["power_w"], row["core_temp_c"]
        highest_w = row.get("cap_w_max") or CAP_W_MAX
        part = power_w / highest_w if isinstance(power_w, int | float) else None
        line = Text(f"{row['name']:<11}{number(cap_w):>6}{number(power_w):>7} ")
        line.append(bar(part, _DRAW_CELLS), "cyan")
        line.append(f"{number(core_c):>5}", _core_style(core_c))
        line.append(f"{number(row['memory_temp_c']):>5}  ")
        if is_phased:
            line.append(f"{row['phase'] or DASH:<13}")
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
    """Return battery, array, buses, pumps, coolant in three lines.

    A line of dashes is what nobody has told; of a part that the node does not have, while its
    neighbours on the same board speak, there is none.
    """
    view = document.get("view") or {}
    power, loop = view.get("power") or {}, view.get("loop") or {}
    text = Text(no_wrap=True)
    if _is_fed(power):
        text.append("power   ", "bold")
        text.append(f"from the spacecraft   draw {number(power.get('draw_w'))} W")
    else:
        _battery(text, power)
    text.append("\nbuses   ", "bold")
    text.append(
        f"54 V {number(power.get('bus54_voltage_v'), 1)}   "
        f"28 V {number(power.get('bus28_voltage_v'), 1)}"
    )
    if _is_conducted(loop):
        text.append("\ncooling ", "bold")
        text.append(f"radiator {number(loop.get('radiator_out_temp_c'))} °C, no coolant loop")
        return text
    text.append("\nloop    ", "bold")
    text.append(
        f"{number(loop.get('supply_temp_c'))} → {number(loop.get('return_temp_c'))} °C  "
        f"radiator {number(loop.get('radiator_out_temp_c'))} °C  "
        f"{number(loop.get('flow_kg_per_s'), 3)} kg/s  "
        f"pumps {number(loop.get('pump_a_rpm'))}/{number(loop.get('pump_b_rpm'))} rpm"
    )
    return text


def _battery(text: Text, power: Document) -> None:
    charge = power.get("charge_ratio")
    percent = charge * 100.0 if isinstance(charge, int | float) else None
    text.append("battery ", "bold")
    text.append(bar(charge), "green" if percent is None or percent > 50.0 else "yellow")
    text.append(
        f" {number(percent, 1)} %  {number(power.get('battery_current_a'))} A  "
        f"{number(power.get('battery_temp_c'))} °C   array {number(power.get('array_power_w'))} W"
        f"   draw {number(power.get('draw_w'))} W"
    )


def _is_fed(power: Document) -> bool:
    """The buses are metered, and nothing of an array or a battery is."""
    own = ("charge_ratio", "battery_current_a", "battery_temp_c", "array_power_w")
    return power.get("bus54_voltage_v") is not None and _all_unknown(power, own)


def _is_conducted(loop: Document) -> bool:
    """The radiator is metered, and nothing of a loop is."""
    others = [key for key in loop if key != "radiator_out_temp_c"]
    return loop.get("radiator_out_temp_c") is not None and _all_unknown(loop, others)


def _all_unknown(part: Document, keys: Sequence[str]) -> bool:
    return all(part.get(key) is None for key in keys)


def daemon(document: Document) -> Text:
    """Return the line of the daemon itself, or of where else the page comes from."""
    if document.get("state") == "recorded":
        return _recording(document)
    if "heard" in document:
        return _heard(document)
    cycle, link = document.get("cycle") or {}, document.get("link") or {}
    recorder = document.get("recorder") or {}
    text = Text(no_wrap=True)
    text.append("daemon  ", "bold")
    text.append(
        f"late p99 {number(cycle.get('lateness_p99_ms'), 1)} ms  missed "
        f"{number(cycle.get('skipped'))}  CPU {number(cycle.get('cpu_percent'), 1)} %",
        "",
    )
    state = link.get("state", DASH)
    text.append(f"  link {state}", "green" if state == "up" else "yellow")
    ok, is_over = recorder.get("ok"), document.get("state") == "ended"
    said = DASH if ok is None else "closed" if is_over else "ok" if ok else "failing"
    text.append(f"  recorder {said}", "red" if said == "failing" else "")
    return text


def _recording(document: Document) -> Text:
    text = Text("recording  ", "bold", no_wrap=True)
    session = str(document.get("session") or DASH)
    text.append(
        f"run {document.get('run', DASH)}, version {document.get('version') or DASH}, "
        f"session {session}",
        "not bold",
    )
    return text


def _heard(document: Document) -> Text:
    """Return how the node is heard from the ground; trouble first."""
    heard, link = document["heard"], document.get("link") or {}
    trouble = heard.get("problem") or heard.get("failure")
    text = Text("heard   ", "bold", no_wrap=True)
    if trouble:
        text.append(str(trouble), "red")
        return text
    state = document.get("state")
    words = {"unheard": "nothing yet", "lost": "the link was lost", "ended": "ended in order"}
    text.append(words.get(str(state), str(state)), "green" if state == "running" else "yellow")
    lost, waiting = _sum(link.get("lost")), _sum(link.get("waiting"))
    packets = f"{heard.get('messages', 0)} packets{_last(document)}"
    text.append(f", {packets}; node lost {lost}, waiting {waiting}", "not bold")
    return text


def _last(document: Document) -> str:
    age_s = document.get("age_s")
    return "" if age_s is None else f", last {duration(age_s)} ago"


def _sum(counts: object) -> str:
    return str(sum(counts)) if isinstance(counts, list) else DASH


def events(document: Document, rows: int) -> Text:
    """Return the newest events, the newest last; columns only as wide as they must be."""
    found = document.get("events", [])[-rows:]
    ids = max((len(row["id"]) for row in found), default=0)
    subjects = max((len(row["subject"]) for row in found), default=0)
    return _joined("events", [_event_line(row, ids, subjects) for row in found])


def faults(document: Document, rows: int) -> Text:
    """Return the faults: what is active first, what was raised before last."""
    if "faults" not in document:
        return _unknown("faults")
    order = {"active": 0, "inhibited": 1, "pending": 2}
    found = sorted(document["faults"], key=lambda row: order.get(row.get("state"), 3))
    return _listed("faults", found, rows, _fault_line)


def rails(document: Document, rows: int) -> Text:
    """Return rails, three beside each other: switch, volts, amperes."""
    cells = [_rail_cell(row) for row in (document.get("view") or {}).get("rails", [])]
    per_column = -(-len(cells) // RAIL_COLUMNS)
    lines = [Text(" ").join(cells[i::per_column]) for i in range(per_column)]
    return _joined("rails  switch, V, A", lines[:rows])


def tasks(document: Document, rows: int) -> Text:
    """Return the supervised tasks with what ails them."""
    if "tasks" not in document:
        return _unknown("tasks")
    lines = [
        Text(
            f"  {'  ' * row.get('depth', 0)}{row['name']:<20} {row['state']:<12}"
            f"restarts {row.get('restarts', 0):<4} {row.get('last_error') or ''}"[:WIDTH],
            "" if row["state"] in ("running", "stopped") else "yellow",
        )
        for row in document.get("tasks", [])
    ]
    return _joined("tasks", lines[:rows])


def _unknown(title: str) -> Text:
    text = Text(title, "bold")
    return text.append("  not known from here: ask a daemon on its own host", "not bold dim")


def _rail_cell(row: Mapping[str, Any]) -> Text:
    switch = row["is_on"]
    text = Text(f"{row['name']:<11} ")
    text.append("on " if switch else "-  " if switch is None else "off", "green" if switch else "")
    text.append(f"{number(row['voltage_v'], 1):>5}{number(row['current_a'], 1):>6}")
    return text


def _event_line(row: Mapping[str, Any], ids: int, subjects: int) -> Text:
    text = Text(f"{number(row['t_s'], 1):>9}  ")
    text.append(f"{row['id']:<{ids}}", _SEVERITY_STYLES.get(row["severity"], ""))
    text.append(f"  {row['subject']:<{subjects}}  {row['text']}")
    return text


def _fault_line(row: Mapping[str, Any]) -> Text:
    is_quiet = row["state"] == "quiet"
    style = "dim" if is_quiet else _SEVERITY_STYLES.get(row.get("severity", ""), "")
    since = "" if is_quiet else f"for {duration(row.get('since_s'))}"
    text = Text("  ")
    text.append(f"{row['id']:<27}", style)
    text.append(f" {row['subject']:<14} {row['state']:<10}{since:<11} {row.get('count', 0)}x")
    return text


def _listed(title: str, found: Sequence[Mapping[str, Any]], rows: int, line: Any) -> Text:
    return _joined(title, [line(row) for row in found][:rows])


def _joined(title: str, lines: Sequence[Text]) -> Text:
    text = Text.assemble((title, "bold"))
    if not lines:
        text.append("  none", "dim")
    for line in lines:
        text.append("\n")
        line.truncate(WIDTH, overflow="ellipsis")
        text.append_text(line)
    return text
