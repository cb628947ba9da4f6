"""`nightside status` as text: the daemon itself, not the node it looks after (that is `top`)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from flight.top.panels import DASH, Document, duration, header, number
from flight.top.sources import STALE_S

_WELL: Final = frozenset({"running", "stopped", "waiting", "starting"})
_HISTOGRAM_CELLS: Final = 30


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
        how = "planned" if started.get("was_planned") else "unplanned"
        text.append(
            f", run {started.get('run_count', DASH)} of boot {started.get('boot_count', DASH)}"
            f", last end {how}"
        )
    return text


def _tasks(document: Document) -> Iterator[Text]:
    yield Text(
        f"{'task':<26}{'state':<13}{'since':>7}{'restarts':>10}{'left':>6}  last error", "bold"
    )
    for row in document.get("tasks", []):
        name = f"{'  ' * row.get('depth', 0)}{row['name']}"
        line = Text(f"{name:<26}")
        line.append(f"{row['state']:<13}", "green" if row["state"] in _WELL else "bold red")
        line.append(
            f"{duration(row.get('since_s')):>7}{row.get('restarts', 0):>10}"
            f"{number(row.get('budget_left')):>6}  {row.get('last_error') or ''}"
        )
        line.truncate(100, overflow="ellipsis")
        yield line


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
    for name in ("link", "recorder", "store", "evidence", "workload", "ephemeris", "time"):
        section = document.get(name)
        if not isinstance(section, Mapping):
            continue
        said = ", ".join(f"{key.replace('_', ' ')} {_say(value)}" for key, value in section.items())
        line = Text.assemble((f"{name:<10}", "bold"), said)
        line.truncate(160, overflow="ellipsis")
        yield line


def _say(value: object) -> str:
    if value is None or value == "":
        return DASH
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "/".join(_say(item) for item in value)
    return str(value)
