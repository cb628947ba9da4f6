"""The parts of the page that need no script: verdict, properties, timeline, energies, faults."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flight.core.types import Event
from flight.explain import REASON_TEXTS
from flight.report.flight_data import FlightData
from flight.report.windows import span_of
from flight.report.words import (
    NO_BREAK,
    Html,
    after,
    duration,
    element,
    energy,
    quantity,
    seconds,
    table,
)

EVENTS_MAX = 150
EVIDENCE_MAX = 12
FAULT_LINES_MAX = 12
PROPERTY_CLAIMS = {
    "S1": "Cores stay below their limit",
    "S2": "Coolant and radiator stay inside their range",
    "S3": "The battery keeps its charge",
    "S4": "Rails switch in order, with their off-times",
    "S5": "Latch-ups are opened in time, nothing else is",
    "S6": "Modules stay inside the power budget",
    "S12": "A silent daemon leaves safe values",
    "S13": "Lost sensors never let anything get warm unseen",
    "S14": "Same seed, same decisions",
}


def verdict(data: FlightData) -> Html:
    """Return the head: what was flown and how it went."""
    summary = data.summary
    if summary is None:
        badge = element("p", "NOT JUDGED", class_="badge unknown")
        told = "Nothing judged this flight: there is no summary of the simulation beside it."
        return element("section", badge, element("p", told), id="verdict")
    met = sum(result["ok"] for result in summary["expectations"])
    results = summary["properties"].values()
    held = sum(result["ok"] and result["tested"] for result in results)
    broken = sum(not result["ok"] for result in results)
    untested = sum(not result["tested"] for result in results)
    is_good = bool(summary["ok"])
    facts = [
        f"{met} of {len(summary['expectations'])} expectations met",
        f"{held} safety properties held",
        f"{broken} violated" if broken else "none violated",
        f"{untested} not put to the test" if untested else "",
        "" if energy_closes(summary) else "the energy of the simulated plant does not close",
        f"{len(summary['faults'])} {'fault' if len(summary['faults']) == 1 else 'faults'} injected",
        f"{duration(summary['simulated_s'])} flown",
    ]
    badge = element(
        "p", "ALL GOOD" if is_good else "NOT GOOD", class_=f"badge {'good' if is_good else 'bad'}"
    )
    ended = "Interrupted: all holds up to that moment." if summary["interrupted"] else ""
    return element(
        "section",
        badge,
        element("p", "; ".join(filter(None, facts)), "."),
        element("p", " ".join(summary["shows"].split())),
        element("p", ended) if ended else Html(""),
        id="verdict",
    )


def energy_closes(summary: Mapping[str, Any]) -> bool:
    """Return whether the plant neither made nor lost energy; older summaries do not say."""
    return bool((summary.get("energy") or {}).get("ok", True))


def time_link(time_s: float, *, span_s: float = 60.0) -> Html:
    """Return a time that the pictures jump to."""
    low, high = max(0.0, time_s - span_s / 2.0), time_s + span_s / 2.0
    return element(
        "a", seconds(time_s), href="#plots", data_from=f"{low:.1f}", data_to=f"{high:.1f}"
    )


def properties(data: FlightData) -> Html:
    """Return each safety property with how near the flight came to its limit."""
    if data.summary is None:
        return Html("")
    rows = [_property_row(name, result) for name, result in data.summary["properties"].items()]
    head = ("", "property", "closest", "limit", "margin", "of the limit", "when", "what")
    violations = [
        (v["property"], time_link(v["time_s"]), v["subject"], v["text"],
         quantity(v["value"], v["unit"]), quantity(v["limit"], v["unit"]))
        for v in data.summary["violations"]
    ]  # fmt: skip
    told = Html("")
    if violations:
        count = data.summary["violation_count"]
        told = Html(
            element("h3", f"Violations ({count})")
            + table(("", "when", "what", "how", "value", "limit"), violations)
        )
    return element(
        "section",
        element("h2", "Safety properties"),
        element("p", "Checked at every step on the truth of the simulated plant, not on readings."),
        table(head, rows),
        told,
        id="properties",
    )


def _property_row(name: str, result: Mapping[str, Any]) -> tuple[object, ...]:
    word, kind = ("held", "good") if result["ok"] else ("VIOLATED", "bad")
    if result["ok"] and not result["tested"]:
        word, kind = "not tested", "unknown"
    closest = result["closest"]
    claim = Html(
        f"{element('b', name)} " + element("span", PROPERTY_CLAIMS.get(name, ""), class_="claim")
    )
    state = element("span", word, class_=f"mark {kind}")
    if closest is None:
        return (state, claim, "–", "–", "–", "", "", "")
    value, limit, unit = closest["value"], closest["limit"], closest["unit"]
    return (
        state,
        claim,
        quantity(value, unit),
        quantity(limit, unit),
        quantity(abs(limit - value), unit) if result["ok"] else "none",
        _meter(value, limit),
        time_link(closest["time_s"]),
        closest["subject"],
    )


def _meter(value: float, limit: float) -> Html:
    """Return a bar: how much of the limit was used, whichever side of it is the good one."""
    low, high = sorted((abs(value), abs(limit)))
    percent = 100.0 * low / high if high else 0.0
    bar = element("span", class_="fill", style=f"width:{percent:.1f}%")
    return element("span", bar, class_="meter", role="img", aria_label=f"{percent:.0f} %")


def expectations(data: FlightData) -> Html:
    """Return what the scenario expected."""
    if data.summary is None or not data.summary["expectations"]:
        return Html("")
    rows = [
        (
            element("span", "met" if r["ok"] else "FAILED",
                    class_=f"mark {'good' if r['ok'] else 'bad'}"),
            r["id"].replace("_", " "), quantity(r["value"], r["unit"]), r["text"],
            quantity(r["margin"], r["unit"], is_signed=True),
        )
        for r in data.summary["expectations"]
    ]  # fmt: skip
    return element(
        "section",
        element("h2", "Expectations"),
        table(("", "expectation", "value", "what was asked", "margin"), rows),
        id="expectations",
    )


def timeline(data: FlightData) -> Html:
    """Return eclipses, modes and faults over the whole flight."""
    begin_s, end_s = data.flown_s
    bars = _Bars(begin_s, end_s)
    dark = [bars.bar(a, b, "eclipse", "eclipse") for a, b in data.eclipses]
    rows = [
        ("eclipse", dark or [element("span", "none", class_="none")]),
        ("mode", [bars.bar(a, b, f"mode-{m.lower()}", m) for a, b, m in data.modes]),
        *bars.lanes(data.faults),
    ]
    lines = [_line(name, element("div", *shown, class_="track")) for name, shown in rows]
    ends = [element("span", duration(t)) for t in (begin_s, (begin_s + end_s) / 2.0, end_s)]
    return element(
        "section",
        element("h2", "Timeline"),
        element("p", "A fault lasts from its injection until the node was back to normal."),
        *lines,
        _line("", element("div", *ends, class_="ends")),
        id="timeline",
    )


def _line(name: str, content: Html) -> Html:
    return element("div", element("div", name, class_="name"), content, class_="line")


class _Bars:
    """Bars over the time of a flight, in s."""

    def __init__(self, begin_s: float, end_s: float) -> None:
        self._begin_s, self._end_s = begin_s, end_s
        self._span_s = max(end_s - begin_s, 1e-9)

    def bar(
        self, begin_s: float, end_s: float, kind: str, text: str, href: str | None = None
    ) -> Html:
        """Return a bar; with href it is a link."""
        left = 100.0 * (begin_s - self._begin_s) / self._span_s
        width = 100.0 * max(0.0, min(end_s, self._end_s) - begin_s) / self._span_s
        return element(
            "a" if href else "span",
            element("span", text),
            class_=f"bar {kind}",
            style=f"left:{left:.3f}%;width:{width:.3f}%",
            title=f"{text}: {begin_s:.1f} s to {end_s:.1f} s",
            href=href,
        )

    def lanes(self, faults: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Html]]]:
        """Return a line for each fault; of many faults as few lines as hold them apart."""
        own_lines = len(faults) <= FAULT_LINES_MAX
        lanes: list[tuple[str, list[Html]]] = []
        free_s: list[float] = []  # from when on each lane is free
        for fault in faults:
            start_s = fault["injected_s"]
            told = [fault[k] for k in ("back_s", "ended_s") if fault[k] is not None]
            end_s = told[0] if told else start_s
            name = f"{fault['name']} {fault['target']}"
            shown = self.bar(start_s, end_s, "fault", name, f"#fault-{fault['id']}")
            open_lanes = [i for i, free in enumerate(free_s) if free < start_s]
            if own_lines or not open_lanes:
                lanes.append((name if own_lines else "" if lanes else "faults", [shown]))
                free_s.append(end_s)
            else:
                lanes[open_lanes[0]][1].append(shown)
                free_s[open_lanes[0]] = end_s
        return lanes


def throttling(data: FlightData) -> Html:
    """Return what the caps withheld, by reason, in joules."""
    items = data.accounts.withheld()
    by_reason: dict[str, list[Any]] = {}
    for item in items:
        by_reason.setdefault(item.reason, []).append(item)
    words = {str(word): text for word, text in REASON_TEXTS.items()}
    largest_j = max((sum(i.joules for i in found) for found in by_reason.values()), default=0.0)
    rows = [
        (reason, words.get(reason, "not known to this version"),
         energy(sum(i.joules for i in found), beside=largest_j),
         energy(sum(i.bound_joules for i in found), beside=largest_j),
         f"{sum(i.held_s for i in found):.0f}{NO_BREAK}s",
         ", ".join(f"accel{i.accelerator}" for i in found[:3])
         + (f" and {len(found) - 3} more" if len(found) > 3 else ""))
        for reason, found in by_reason.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: -sum(i.joules for i in by_reason[row[0]]))
    each = [
        (f"accel{i.accelerator}", i.reason, f"{i.joules:.0f} J", f"{i.bound_joules:.0f} J",
         f"{i.held_s:.0f} s")
        for i in sorted(items, key=lambda i: (i.accelerator, -i.joules))
    ]  # fmt: skip
    head = ("reason", "meaning", "withheld", "of it while drawing all it was given", "held",
            "most of it from")  # fmt: skip
    told = (
        f"Withheld is the highest cap ({data.accounts.cap_w_max:.0f} W) less the cap as granted, "
        "over time: the most that a cap can have cost. While an accelerator drew all it was given "
        "(95 % of its cap or more) the cap did hold it back; the rest it may not have wanted."
    )
    if not rows:
        return element("section", element("h2", "Throttling"),
                       element("p", "Every cap was at its maximum."), id="throttling")  # fmt: skip
    return element(
        "section",
        element("h2", "Throttling"),
        element("p", told),
        table(head, rows),
        element("details", element("summary", "Each accelerator"),
                table(("accelerator", "reason", "withheld", "of it while drawing all", "held"),
                      each)),
        id="throttling",
    )  # fmt: skip


def events(data: FlightData) -> Html:
    """Return the warnings and worse, and what else there is room for."""
    worst = sorted(data.events, key=lambda e: (-e.severity, e.time_ns))[:EVENTS_MAX]
    rows = [_event(event) for event in sorted(worst, key=lambda e: e.time_ns)]
    note = f"{len(rows)} of {len(data.events)}; all of them: "
    return element(
        "section",
        element("h2", "Events"),
        element("p", note, element("code", f"nightside log {data.path.parent}")),
        element("details", element("summary", "Show the events"),
                table(("when", "severity", "event", "subject", "text"), rows)),
        id="events",
    )  # fmt: skip


def _event(event: Event) -> tuple[object, ...]:
    name = event.severity.name
    mark = element("span", name, class_=f"mark {name.lower()}")
    return time_link(event.time_ns / 1e9), mark, event.event_id, event.subject, event.text


def fault_sections(data: FlightData, drawn: Mapping[str, Sequence[str]]) -> Html:
    """Return a section for each fault. drawn: keys of the pictures by the id of the fault."""
    if not data.faults:
        return Html("")
    parts = [_fault(fault, data, drawn.get(fault["id"], ())) for fault in data.faults]
    return element("section", element("h2", "Faults"), *parts, id="faults")


def _fault(fault: Mapping[str, Any], data: FlightData, pictures: Iterable[str]) -> Html:
    start_s = fault["injected_s"]
    low_s, high_s = span_of(fault)
    seen = after(fault["detected_s"], start_s)
    if fault["detected_by"]:
        seen += f", {fault['detected_by']}"
    facts = [
        ("what", f"{fault['name']} of {fault['target']}"),
        ("when", f"{start_s:.3f} s"
         + ("" if fault["ended_s"] is None else f", until {fault['ended_s']:.3f} s")),
        ("seen after", seen if fault["detected_s"] is not None else "not noticed"),
    ]  # fmt: skip
    if fault["response"]:
        facts += [("safe after", after(fault["safe_s"], start_s)),
                  ("back after", after(fault["back_s"], start_s))]  # fmt: skip
    else:
        facts.append(("response", "none: caps and rails were left as they are"))
    steps = [
        (after(step["time_s"], start_s), step["event"], step["subject"], step["text"])
        for step in fault["done"]
    ]
    return element(
        "article",
        element("h3", f"{fault['name']} {fault['target']}"),
        element("dl", *(Html(element("dt", k) + element("dd", v)) for k, v in facts)),
        element("p", element("a", "Show in the plots", href="#plots", data_from=f"{low_s:.1f}",
                             data_to=f"{high_s:.1f}")),
        element("h4", "Done"),
        table(("after", "event", "subject", "text"), steps) if steps else element("p", "Nothing."),
        element("h4", "Evidence"),
        _evidence(data, low_s, high_s),
        element("h4", f"Trace, {low_s:.1f} s to {high_s:.1f} s"),
        _trace(pictures),
        id=f"fault-{fault['id']}",
    )  # fmt: skip


def _trace(pictures: Iterable[str]) -> Html:
    shown = [element("div", class_="plot", data_panel=key) for key in pictures]
    if not shown:
        return element("p", "Not shown: not in the recording any more, or one of too many faults.")
    return element("div", *shown, class_="plots")


def _evidence(data: FlightData, low_s: float, high_s: float) -> Html:
    found = [r for r in data.evidence if low_s <= r["cycle_ns"] / 1e9 <= high_s]
    rows = [
        (seconds(r["cycle_ns"] / 1e9), r["driver"], r["cause"], r["point"] or "–",
         "–" if r["value"] is None else f"{r['value']:g}",
         "–" if r["limit_value"] is None else f"{r['limit_value']:g}",
         bytes(r["data"] or b"").hex() or "–")
        for r in found[:EVIDENCE_MAX]
    ]  # fmt: skip
    if not rows:
        return element("p", "No driver kept evidence in this span.")
    more = len(found) - len(rows)
    told = element("p", f"and {more} more in the recording") if more > 0 else Html("")
    head = ("when", "driver", "cause", "point", "value", "limit", "raw bytes")
    return Html(table(head, rows) + told)
