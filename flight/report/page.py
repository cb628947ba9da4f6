"""The whole page: one HTML file with everything in it, which asks no network for anything."""

import html
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from flight.report import sections
from flight.report.balance import balance
from flight.report.flight_data import FlightData
from flight.report.page_data import marks_data, panel_data, reasons_data, script_json
from flight.report.radiation import radiation
from flight.report.windows import window_data
from flight.report.words import Html, element, table
from flight.services.recording import RecordingReader

ASSETS = Path(__file__).resolve().parent / "assets"
WINDOWS_MAX = 40  # faults with a trace of their own: a campaign of days stays small enough
# The browser itself refuses every request: what is not in the file is not in the report.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
LINKS = (
    ("verdict", "Verdict"), ("properties", "Safety"), ("timeline", "Timeline"),
    ("plots", "Plots"), ("energy", "Energy"), ("radiation", "Radiation"),
    ("throttling", "Throttling"), ("faults", "Faults"),
    ("expectations", "Expectations"), ("events", "Events"), ("flight", "Flight"),
    ("runs", "Runs"), ("wrong", "What went wrong"),
)  # fmt: skip
KEYS = (
    "Hover for values. Drag to zoom, double-click for the whole flight; all plots zoom in step. "
    "Keys on a plot: arrows move the cursor, with Shift in larger steps; + and - zoom, 0 shows "
    "all. A name in the legend hides its line."
)


def flight_page(data: FlightData, reader: RecordingReader) -> str:
    """Return the report of one flight as HTML."""
    windows: list[dict[str, Any]] = []
    drawn: dict[str, list[str]] = {}
    shown = data.faults[:WINDOWS_MAX]
    for fault in shown:
        pictures = window_data(reader, fault, faults=len(shown))
        windows += pictures
        drawn[fault["id"]] = [picture["key"] for picture in pictures]
    panels = [panel_data(panel, data) for panel in data.panels]
    document = {
        "axis": data.axis,
        "panels": panels + windows,
        "reasons": reasons_data(data),
        "span": [round(data.begin_s, 3), round(data.end_s, 3)],
        **marks_data(data),
    }
    keys = [panel["key"] for panel in panels]
    if "caps" in keys and data.reasons:
        keys.insert(keys.index("caps") + 1, "reasons")
    parts = (
        sections.verdict(data),
        sections.properties(data),
        sections.timeline(data),
        plots(keys, _what_is_left(data), what_is_absent(data)),
        balance(data),
        radiation(data),
        sections.throttling(data),
        sections.fault_sections(data, drawn),
        sections.expectations(data),
        sections.events(data),
        _flight(data),
    )
    return whole_page(data.title, parts, document)


def plots(keys: Sequence[str], *notes: str) -> Html:
    """Return the section of the pictures; the script draws them."""
    return element(
        "section",
        element("h2", "Plots"),
        *(element("p", note) for note in notes if note),
        element("p", KEYS),
        element("p", element("button", "Whole flight", type="button", id="whole")),
        element("noscript", element("p", "The plots need JavaScript; all else does not.")),
        element("div", *(element("div", class_="plot", data_panel=key) for key in keys),
                class_="plots"),
        id="plots",
    )  # fmt: skip


def whole_page(title: str, parts: Sequence[Html], document: Mapping[str, Any] | None = None) -> str:
    """Return a page around its sections and the data of its pictures; None: there are none."""
    present = "".join(parts)
    links = [
        element("a", text, href=f"#{name}") for name, text in LINKS if f'id="{name}"' in present
    ]
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title>"
        f"<style>{asset('uplot.min.css')}\n{asset('report.css')}</style>"
    )
    body = (
        element("header", element("p", "Nightside flight report", class_="kind"),
                element("h1", title), element("nav", *links, aria_label="Sections"))
        + element("main", *parts)
        + ("" if document is None else _scripts(document))
    )  # fmt: skip
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _scripts(document: Mapping[str, Any]) -> str:
    return (
        f'<script type="application/json" id="data">{script_json(document)}</script>'
        # The licence asks to stand wherever the library does.
        f"<script>/*\n{asset('uplot.LICENSE.txt')}\n*/\n{asset('uplot.min.js')}</script>"
        f"<script>{asset('report.js')}</script>"
    )


@cache
def asset(name: str) -> str:
    """Return a file that travels with the report."""
    return (ASSETS / name).read_text(encoding="utf-8")


def _what_is_left(data: FlightData) -> str:
    if not data.is_cut:
        return ""
    return (
        f"The recording holds {data.begin_s:.1f} s to {data.end_s:.1f} s: what came before has "
        "made room for it (recorder.quota_mib)."
    )


def what_is_absent(data: FlightData) -> str:
    """Return which pictures are not drawn, in one line; empty: all are."""
    if not data.absent:
        return ""
    return f"Not drawn, since this node has no such channels: {', '.join(data.absent).lower()}."


def _flight(data: FlightData) -> Html:
    return element("section", element("h2", "This flight"), flight_facts(data), id="flight")


def flight_facts(data: FlightData) -> Html:
    """Return what identifies a flight, and the command that repeats it."""
    meta, summary = data.meta, data.summary or {}
    rows = [
        ("recording", str(data.path)),
        ("run", f"{data.run}, session {meta.get('session_id', '–')}"),
        ("start, UTC", meta.get("start_utc", "–")),
        ("seed", summary.get("seed", meta.get("seed", "–"))),
        ("configuration", meta.get("config_hash", "–")),
        ("trace", summary.get("trace_hash", "–")),
        ("dictionary", meta.get("dictionary_hash", "–")),
        ("version", meta.get("version", "–")),
        ("build", meta.get("build", "–")),
    ]
    if orbit := summary.get("orbit"):
        period_min, eclipse_min = orbit["period_s"] / 60.0, orbit["eclipse_s"] / 60.0
        told = f"{orbit['source']}, period {period_min:.2f} min, eclipse {eclipse_min:.2f} min"
        rows.append(("orbit", told))
    command = summary.get("command")
    repeat = "–" if command is None else element("code", shlex.join(command))
    rows.append(("repeat it", repeat))
    return table(
        ("", ""), [(name, value if isinstance(value, Html) else element("code", value))
                   for name, value in rows],
    )  # fmt: skip
