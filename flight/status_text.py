"""`nightside status` as text: the daemon itself, not the node it looks after (that is `top`)."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from flight.top.panels import DASH, WIDTH, Document, duration, header, number
from flight.top.sources import STALE_S

_WELL: Final = frozenset({"running", "stopped", "waiting", "starting"})
_HISTOGRAM_CELLS: Final = 30
_LABEL_CELLS: Final = 11
MIB: Final = 1 << 20


def is_well(document: Document) -> bool:
    """Whether the daemon runs and every task is as it should be."""
    if document.get("state") != "running" or document.get("age_s", 0.0) > STALE_S:
        return False
    return all(row["state"] in _WELL for row in document.get("tasks", []))


def render(document: Document) -> Text:
    """Return the whole text, 80 columns wide."""
    lines = [
        header(document),
        _who(document),
        Text(),
        *_tasks(document),
        Text(),
        *_loop(document),
        Text(),
        *_services(document),
    ]
    return Text("\n").join(lines)


def _who(document: Document) -> Text:
    age_s = document.get("age_s", 0.0)
    state = document.get("state", DASH)
    text = Text(f"pid {document.get('pid', DASH)}, version {document.get('version', DASH)}, ")
    if state == "running" and age_s > STALE_S:
        text.append(f"no news for {duration(age_s)}: it hangs or was killed", "bold red")
    else:
        text.append(str(state), "green" if state == "running" else "yellow")
    started = document.get("start") or {}
    if started:
        text.append(
            f", run {started.get('run_count', DASH)} of boot {started.get('boot_count', DASH)}"
            f", {_last_end(started)}"
        )
    return text


def _last_end(started: Mapping[str, Any]) -> str:
    if not started.get("was_planned"):
        return "last end unplanned"
    return "the first" if started.get("run_count") == 1 else "last end planned"


def _tasks(document: Document) -> Iterator[Text]:
    yield Text(
        f"{'task':<26}{'state':<13}{'since':>8}{'restarts':>10}{'left':>6}{'late ms':>9}", "bold"
    )
    for row in document.get("tasks", []):
        depth = row.get("depth", 0)
        line = Text(f"{'  ' * depth + row['name']:<26}")
        line.append(f"{row['state']:<13}", "green" if row["state"] in _WELL else "bold red")
        line.append(
            f"{duration(row.get('since_s')):>8}{row.get('restarts', 0):>10}"
            f"{_budget(row):>6}{number(row.get('lateness_p99_ms'), 1):>9}"
        )
        yield line
        if row.get("abandoned"):
            yield Text(f"{'  ' * depth}  runs left behind: {row['abandoned']}", "yellow")
        if row.get("last_error"):
            yield from _wrapped(f"last error: {row['last_error']}", indent=2 * depth + 2)


def _budget(row: Mapping[str, Any]) -> str:
    """Return how many restarts are left; the root is never restarted, so it has none to count."""
    return number(row.get("budget_left")) if row.get("depth", 0) else DASH


def _loop(document: Document) -> Iterator[Text]:
    cycle: Mapping[str, Any] = document.get("cycle") or {}
    yield Text.assemble(
        ("cycle  ", "bold"),
        f"{cycle.get('count', DASH)} cycles, period p50 {number(cycle.get('period_p50_ms'), 1)}"
        f" p99 {number(cycle.get('period_p99_ms'), 1)} max {number(cycle.get('period_max_ms'), 1)}"
        f" ms, {cycle.get('skipped', DASH)} missed, {cycle.get('late', DASH)} late",
    )
    yield Text.assemble(
        ("       ", ""),
        f"CPU {number(cycle.get('cpu_percent'), 1)} % of a core,"
        f" RSS {number(cycle.get('rss_mib'), 1)} MiB, lateness:",
    )
    yield from histogram(cycle.get("lateness_histogram", []))


def histogram(rows: list[list[float]]) -> Iterator[Text]:
    """Yield one bar per class of lateness; rows are (upper edge in ms, count)."""
    most = max((count for _, count in rows), default=0)
    for edge_ms, count in rows:
        cells = round(_HISTOGRAM_CELLS * count / most) if most else 0
        bar = "█" * max(cells, 1 if count else 0)
        yield Text(f"       up to {edge_ms:>6g} ms {count:>9.0f}  {bar}")


def _services(document: Document) -> Iterator[Text]:
    for name, say in _SERVICES.items():
        section = document.get(name)
        if not isinstance(section, Mapping):
            continue
        said = say({**section, "is_over": document.get("state") == "ended"})
        head, *rest = _wrapped(said, indent=_LABEL_CELLS)
        yield Text.assemble((f"{name:<{_LABEL_CELLS}}", "bold"), head.plain[_LABEL_CELLS:])
        yield from rest
        for key, what in _TROUBLES.items():
            if section.get(key):
                trouble = _wrapped(f"{what}: {section[key]}", indent=_LABEL_CELLS)
                yield from (Text(line.plain, "yellow") for line in trouble)


def _link(link: Mapping[str, Any]) -> str:
    sent, made = _total(link, "sent"), _total(link, "made")
    trip_s = link.get("round_trip_p99_s")
    trip = "" if trip_s is None else f"; round trip p99 {trip_s * 1e3:.1f} ms"
    oldest_s = link.get("oldest_age_s")
    oldest = "" if oldest_s is None else f", the oldest for {duration(oldest_s)}"
    return (
        f"{link.get('state', DASH)}, connections {_say(link.get('connects'))}; messages sent {sent}"
        f" of {made}, lost {_total(link, 'lost')}, waiting {_total(link, 'waiting')}{oldest}{trip}"
    )


def _recorder(recorder: Mapping[str, Any]) -> str:
    size_mib = number(_scaled(recorder.get("size_bytes"), 1.0 / MIB), 1)
    set_aside = recorder.get("rows_set_aside")
    aside = f" {set_aside} set aside;" if set_aside else ""
    return (
        f"{_health(recorder)}, {_say(recorder.get('rows_written'))} rows, {size_mib} MiB;{aside}"
        f" lost {_say(recorder.get('rows_lost'))} rows, {_say(recorder.get('rares_lost'))} others;"
        f" commit {number(recorder.get('commit_ms'), 1)} ms,"
        f" max {number(recorder.get('commit_ms_max'), 1)}"
    )


def _store(store: Mapping[str, Any]) -> str:
    return (
        f"{_health(store)}, {_say(store.get('commits'))} commits,"
        f" {_say(store.get('failures'))} failures"
    )


def _evidence(evidence: Mapping[str, Any]) -> str:
    keys = ("stored", "waiting", "lost", "cleared", "refused")
    return ", ".join(f"{_say(evidence.get(key))} {key}" for key in keys)


def _workload(workload: Mapping[str, Any]) -> str:
    port = "port open" if workload.get("is_open") else "port closed"
    clients, owned = _say(workload.get("clients")), _say(workload.get("owned"))
    return f"{port}, {clients} clients, {owned} accelerators owned"


def _ephemeris(ephemeris: Mapping[str, Any]) -> str:
    return (
        f"{ephemeris.get('name') or 'no orbit'}, {number(ephemeris.get('age_days'), 1)} days old,"
        f" beta {number(ephemeris.get('beta_deg'), 1)}°,"
        f" period {duration(ephemeris.get('period_s'))}"
    )


def _time(time: Mapping[str, Any]) -> str:
    trust = "trusted" if time.get("is_trusted") else "not trusted"
    return f"{trust}, {time.get('reason') or DASH}, {_say(time.get('jumps'))} jumps"


def _blocks(loop: Mapping[str, Any]) -> str:
    return f"held by a call {_say(loop.get('blocks'))} times"


def _parameters(parameters: Mapping[str, Any]) -> str:
    said = [
        f"{len(values)} {what}: {_shown(values)}"
        for what in ("active", "staged")
        if (values := parameters.get(what))
    ]
    if not said:
        return "all as in the file"
    unconfirmed = "" if parameters.get("is_confirmed") else "; not confirmed, they will go back"
    return "; ".join(said) + unconfirmed


def _memory(memory: Mapping[str, Any]) -> str:
    high = ", HIGH" if memory.get("is_high") else ""
    rss_mib, peak_mib = memory.get("rss_mib"), memory.get("rss_mib_peak")
    return f"RSS {number(rss_mib, 1)} MiB, peak {number(peak_mib, 1)}{high}"


def _others(section: Mapping[str, Any]) -> str:
    """Say a section by its keys; what is empty is left out."""
    said = [
        f"{key.replace('_', ' ')} {_shown(value)}"
        for key, value in section.items()
        if key not in (*_TROUBLES, "is_over") and value not in (None, "", [], {})
    ]
    return ", ".join(said) or DASH


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_shown(item)}" for key, item in value.items())
    return str(value)


_SERVICES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "link": _link,
    "recorder": _recorder,
    "store": _store,
    "evidence": _evidence,
    "workload": _workload,
    "ephemeris": _ephemeris,
    "time": _time,
    "loop": _blocks,
    "plan": _others,
    "allotment": _others,
    "parameters": _parameters,
    "memory": _memory,
    "watchdog": _others,
}
_TROUBLES: Final = {
    "failure": "last failure",
    "error": "error",
    "problem": "problem",
    "file_error": "notice file",
    "last_block": "last by",
}


def _health(section: Mapping[str, Any]) -> str:
    if section["is_over"]:
        return "closed"
    return "ok" if section.get("ok") else "FAILING"


def _total(section: Mapping[str, Any], key: str) -> str:
    """Return the sum over the priorities."""
    counts = section.get(key)
    return str(sum(counts)) if isinstance(counts, list) else DASH


def _scaled(value: object, factor: float) -> float | None:
    return value * factor if isinstance(value, int | float) else None


def _say(value: object) -> str:
    return DASH if value is None or value == "" else str(value)


def _wrapped(said: str, *, indent: int) -> list[Text]:
    """Return lines of at most WIDTH columns; what is said stays whole."""
    space = " " * indent
    one_line = " ".join(said.split())
    lines = textwrap.wrap(one_line, WIDTH, initial_indent=space, subsequent_indent=space)
    return [Text(line) for line in lines] or [Text()]
