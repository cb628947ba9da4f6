"""The page of many runs: the table of `nightside sim --runs`, with links to what was kept of each.

It draws no plots, so it has no script.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flight.report.page import whole_page
from flight.report.sections import PROPERTY_CLAIMS
from flight.report.words import Html, duration, element, quantity, seconds, table

REPORT_NAME = "report.html"
TRACE_DIGITS = 12  # of 32; runs.json has all
PEAKS = (
    ("hottest core", "core_temp_c_max", "degC"),
    ("draw", "accelerators_w_max", "W"),
    ("lowest charge", "charge_ratio_min", "ratio"),
)


def runs_page(found: Mapping[str, Any], folder: Path) -> str:
    """Return the page of many runs as HTML.

    Args:
        found: What runs.json holds.
        folder: Where the runs lie, to see which have a report of their own.
    """
    parts = [_verdict(found), _properties(found), _runs(found, folder), _wrong(found)]
    return whole_page(f"{found['title']}: {found['run_count']} runs", parts)


def _verdict(found: Mapping[str, Any]) -> Html:
    is_good = bool(found["ok"])
    badge = element(
        "p", "ALL GOOD" if is_good else "NOT GOOD", class_=f"badge {'good' if is_good else 'bad'}"
    )
    counts = [f"{count} {kind}" for kind, count in found["verdicts"].items() if count]
    last_seed = found["first_seed"] + found["run_count"] - 1
    facts = (
        f"{found['run_count']} runs of {duration(found['flight_s'])}, seeds "
        f"{found['first_seed']} to {last_seed}, {found['jobs']} at a time: {', '.join(counts)}."
    )
    ended = "Interrupted: what was under way was not finished."
    return element(
        "section",
        badge,
        element("p", facts),
        element("p", ended) if found["interrupted"] else Html(""),
        id="verdict",
    )


def _properties(found: Mapping[str, Any]) -> Html:
    rows = [_property(name, result) for name, result in found["properties"].items()]
    if not rows:
        return Html("")
    head = ("", "property", "closest", "limit", "tested in", "run", "when", "what")
    return element(
        "section",
        element("h2", "Safety properties, all runs"),
        element("p", "The run that came nearest to each limit, on the truth of the plant."),
        table(head, rows),
        id="properties",
    )


def _property(name: str, result: Mapping[str, Any]) -> tuple[object, ...]:
    word, kind = ("held", "good") if result["tested_count"] else ("not tested", "unknown")
    if result["violated_count"]:
        word, kind = f"VIOLATED in {result['violated_count']}", "bad"
    closest = result["closest"] or {}
    unit = closest.get("unit", "")
    return (
        element("span", word, class_=f"mark {kind}"),
        Html(f"{element('b', name)} {element('span', PROPERTY_CLAIMS.get(name, ''))}"),
        quantity(closest.get("value"), unit),
        quantity(closest.get("limit"), unit),
        f"{result['tested_count']} runs",
        element("a", closest["run"], href=f"#{closest['run']}") if closest else "–",
        seconds(closest.get("time_s")),
        closest.get("subject", ""),
    )


def _runs(found: Mapping[str, Any], folder: Path) -> Html:
    rows = [_run(row, folder) for row in found["runs"]]
    head = ("run", "seed", "verdict", "violations", *(title for title, _, _ in PEAKS), "trace",
            "report")  # fmt: skip
    one, all_runs = (
        element("code", shlex.join(["nightside", "report", str(path)]))
        for path in (folder / found["runs"][0]["run"], folder)
    )
    return element(
        "section",
        element("h2", "Runs"),
        element("p", "Runs that are not good have a report of their own. Of any other ", one,
                " writes one, and ", all_runs, " then links it here."),
        table(head, rows),
        id="runs",
    )  # fmt: skip


def _run(row: Mapping[str, Any], folder: Path) -> Sequence[object]:
    name = str(row["run"])
    has_report = (folder / name / REPORT_NAME).is_file()
    link = element("a", "report", href=f"{name}/{REPORT_NAME}") if has_report else "–"
    count = row["violation_count"]
    return (
        element("span", name, id=name),
        row["seed"],
        element("span", row["verdict"], class_=f"mark {'good' if row['ok'] else 'bad'}"),
        "–" if count is None else count,
        *(quantity(row["peaks"].get(key), unit) for _, key, unit in PEAKS),
        element("code", (row["trace_hash"] or "–")[:TRACE_DIGITS]),
        link,
    )


def _wrong(found: Mapping[str, Any]) -> Html:
    rows = [(row["run"], row["verdict"], _why(row)) for row in found["runs"] if not row["ok"]]
    if not rows:
        return Html("")
    return element("section", element("h2", "What went wrong"),
                   table(("run", "verdict", "why"), rows), id="wrong")  # fmt: skip


def _why(row: Mapping[str, Any]) -> object:
    if row["error"]:
        return element("pre", row["error"])
    broken = [name for name, result in row["properties"].items() if not result["ok"]]
    parts = [f"violated {', '.join(broken)}"] * bool(broken)
    parts += [f"unmet {', '.join(row['unmet'])}"] * bool(row["unmet"])
    if not (row.get("energy") or {}).get("ok", True):
        parts.append("the energy of the simulated plant does not close")
    return "; ".join(parts)
