"""The reference pages of channels, packets, events and commands, made from the dictionary."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flight.core.config import CoreConfig
from flight.core.points import PointTable
from flight.core.types import Mode
from flight.dictionary.export import dictionary

HOW = "`nightside dictionary --markdown docs/reference` writes this page; a test compares."


def pages(config: CoreConfig, points: PointTable) -> dict[str, str]:
    """Return the text of each page by its file name."""
    whole = dictionary(config, points)
    return {
        "channels.md": _channels(whole["channels"]),
        "packets.md": _packets(whole["packets"], len(points)) + _decision(whole["decision"]),
        "events.md": _events(whole["events"]),
        "commands.md": _commands(whole["commands"]),
    }


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar inside a cell does not end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(c.replace('|', '&#124;') for c in row)} |\n" for row in lines)


def _page(title: str, text: str, body: str) -> str:
    return f"# {title}\n\n{text}\n{HOW}\n\n{body}"


def _channels(entries: Iterable[Mapping[str, Any]]) -> str:
    """Channels that differ only in the number of their device share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        pattern = _pattern(entry["name"])
        writable = entry.get("writable")
        written = "" if writable is None else f"{writable['low']:g} to {writable['high']:g}"
        safe = "" if writable is None or writable["safe"] is None else f"{writable['safe']:g}"
        span = f"{entry['low']:g} to {entry['high']:g}"
        key = (pattern, entry["unit"], span, f"{entry['period_s']:g}", written, safe)
        rows.setdefault(key, []).append(entry["name"])
    body = table(
        ["channel", "unit", "true readings", "period, s", "may be written", "safe"],
        [[f"`{pattern}`", *rest] for pattern, *rest in rows],
    )
    text = (
        "Every channel of REF-1 in dictionary order, N for the number of a device. A reading "
        "outside\nthe range of true ones is invalid. The driver refuses to write outside the range "
        "that may be\nwritten, and applies the safe value when nobody commands it for a lease."
    )
    return _page("Channels", text, body)


def _pattern(name: str) -> str:
    for device in ("accel", "plate", "string", "nvme"):
        head, found, tail = name.partition(device)
        if found and tail[:1].isdigit() and not head.endswith("_"):
            return f"{head}{device}N{tail[1:]}"
    return name


def _packets(entries: Sequence[Mapping[str, Any]], everything: int) -> str:
    head = ["packet", *(mode.value for mode in Mode), "goes", "values"]
    rows = [
        [
            f"`{entry['name']}`",
            *(_rate(entry["rates"][mode.value]) for mode in Mode),
            entry["priority"],
            f"{len(entry['channels'])} of {entry['encoding'][-1]} bytes",
        ]
        for entry in entries
    ]
    groups = "\n".join(
        f"`{entry['name']}`: {_content(entry['channels'], everything)}"
        + ("; mode, caps with their reasons, phases" if entry["with_decision"] else "")
        + ("; mode" if entry["with_mode"] and not entry["with_decision"] else "")
        + ".\n"
        for entry in entries
    )
    text = (
        "How often each packet comes, by mode, in seconds; `1 ~ 300`: on change, 1 s apart at the "
        "least\nand 300 s at the most; `-`: not at all. Slow packets go before fast ones. A packet "
        "on the wire:\n`flight/dictionary/packets.py`; `flight/dictionary/decode.py` reads it."
    )
    return _page("Packets", text, table(head, rows) + "\n" + groups)


def _decision(entries: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [f"`{e['name']}`", e["unit"], ", ".join(f"`{w}`" for w in e["words"]), e["description"]]
        for e in entries
    ]
    head = ["item", "unit", "words", "meaning"]
    text = "\nOf each accelerator, in a packet with the decision, as lists:\n\n"
    return text + table(head, rows)


def _rate(rate: Mapping[str, Any]) -> str:
    if rate["logic"] == "silent":
        return "-"
    period = "" if rate["period_s"] is None else f"{rate['period_s']:g}"
    return period if rate["logic"] == "every" else f"{rate['interval_s_min']:g} ~ {period}".strip()


def _content(names: Sequence[str], everything: int) -> str:
    if len(names) == everything:
        return "every channel"
    return ", ".join(f"`{pattern}`" for pattern in dict.fromkeys(map(_pattern, names)))


def _events(entries: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [f"`{e['id']}`", e["kind"], e["severity"] or "by case", e["cause"], e["action"]]
        for e in entries
    ]
    text = (
        "What each event means and what the operator does. A fault that ends says so with "
        "`.cleared`\nafter its id, INFO."
    )
    return _page("Events", text, table(["event", "kind", "severity", "cause", "to do"], rows))


def _commands(entries: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for entry in entries:
        name, what = f"`{entry['name']}`", entry["description"]
        for argument in entry["arguments"] or [{}]:
            rows.append([name, what, *_argument(argument)])
            name = what = ""
    text = (
        "Commands that the node carries out, each answered once. The limits that the configuration "
        "gives\nare those of REF-1."
    )
    head = ["command", "does", "argument", "unit", "values", "meaning"]
    return _page("Commands", text, table(head, rows))


def _argument(argument: Mapping[str, Any]) -> list[str]:
    if not argument:
        return ["", "", "", ""]
    name = f"`{argument['name']}`" + ("" if argument["required"] else " (optional)")
    if argument["type"] == "text":
        values = ", ".join(f"`{choice}`" for choice in argument["choices"]) or "any text"
        return [name, "", values, argument["description"]]
    low, high = (_bound(argument, bound) for bound in ("low", "high"))
    return [name, argument["unit"], f"{low} to {high}", argument["description"]]


def _bound(argument: Mapping[str, Any], bound: str) -> str:
    key = argument.get(f"{bound}_key")
    return f"{argument[bound]:g}" + (f" (`{key}`)" if key else "")
