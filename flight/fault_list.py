"""How `nightside faults` looks on a terminal: the table, one fault in full, what is raised now."""

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flight.fault_table import FaultRow
from flight.operator_error import OperatorError, suggest
from flight.terminal import make_console

_STYLES = {"CRITICAL": "bold red", "WARNING": "yellow", "INFO": "cyan", "DEBUG": "dim"}
_STATE_STYLES = {"active": "bold red", "inhibited": "magenta", "pending": "yellow"}
_WIDE = 110  # columns from which what is watched has a column of its own
_WATCHES_SHOWN = 2
STALE_S = 5.0  # a daemon writes each second
_SHORT = {"CRITICAL": "crit", "WARNING": "warn", "INFO": "info", "DEBUG": "debug"}


@dataclass(frozen=True, slots=True)
class LiveState:
    """What one fault of a running node is doing; the fields of `status.json`."""

    id: str
    subject: str
    state: str
    since_s: float
    count: int
    value: float
    is_known: bool = True


def chosen(rows: list[FaultRow], pattern: str | None) -> list[FaultRow]:
    """Return the rows whose id matches a shell pattern; all without one.

    Raises:
        OperatorError: none does.
    """
    if pattern is None:
        return rows
    found = [row for row in rows if fnmatchcase(row.id, pattern)]
    if not found:
        near = suggest(pattern, [row.id for row in rows])
        raise OperatorError(
            f"--id {pattern}: no such fault{near or '; nightside faults lists all'}"
        )
    return found


class Live(NamedTuple):
    """What the faults of a node are doing. is_now: it runs; else this is its last word."""

    states: list[LiveState]
    is_now: bool


def live_states(folder: Path | None, default: Path) -> Live | None:
    """Return what the faults of a node are doing; None when no node was ever there.

    Raises:
        OperatorError: a folder was named and holds no readable status.
    """
    path = (folder or default) / "status.json"
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        states = [_live_state(item) for item in data.get("faults", ())]
        age_s = (time.monotonic_ns() - data.get("written_monotonic_ns", 0)) * 1e-9
        return Live(states, data.get("state") == "running" and 0.0 <= age_s <= STALE_S)
    except FileNotFoundError:
        if folder is None:
            return None
        raise OperatorError(f"{path}: no such file; --run names the folder of a node") from None
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if folder is None:
            return None
        raise OperatorError(f"{path}: is no status of a node: {error}") from None


def _live_state(item: dict[str, Any]) -> LiveState:
    return LiveState(
        id=str(item["id"]),
        subject=str(item["subject"]),
        state=str(item["state"]),
        since_s=float(item["since_s"]),
        count=int(item["count"]),
        value=float(item["value"]),
        is_known=bool(item.get("is_known", True)),
    )


def print_list(rows: Sequence[FaultRow], live: Live | None, console: Console | None = None) -> None:
    """Print the table, and before it what is raised now."""
    console = console or make_console()
    ids = {row.id for row in rows}
    _print_now(console, _only(live, ids))
    if console.width >= _WIDE:
        console.print(_wide_table(rows))
    else:
        for row in rows:
            console.print(_narrow_lines(row), soft_wrap=False)
    count = sum(row.monitors for row in rows)
    console.print(f"\n{len(rows)} kinds, {count} monitors. One in full: nightside faults --id ID")


def _only(live: Live | None, ids: Collection[str]) -> Live | None:
    return live and live._replace(states=[state for state in live.states if state.id in ids])


def _severity(row: FaultRow) -> Text:
    return Text(_SHORT[row.severity], style=_STYLES[row.severity])


def _watches(row: FaultRow) -> list[str]:
    more = len(row.watches) - _WATCHES_SHOWN
    return [*row.watches[:_WATCHES_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _wide_table(rows: Sequence[FaultRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column("")
    table.add_column("fault", no_wrap=True)
    table.add_column("on", ratio=3, overflow="fold")
    table.add_column("watches", ratio=6, overflow="fold")
    table.add_column("for", no_wrap=True)
    table.add_column("response", ratio=3)
    for row in rows:
        cells = (row.subjects_text(), "\n".join(_watches(row)), row.lasting, row.response)
        table.add_row(_severity(row), row.id, *(Text(cell) for cell in cells))
    return table


def _narrow_lines(row: FaultRow) -> Text:
    """Two lines or more: what it is, and what it watches below."""
    text = Text.assemble(_severity(row), f" {row.id:<30} {row.lasting:>8}  {row.response}")
    for watch in _watches(row):
        text.append(f"\n     {watch}", style="dim")
    return text


def _print_now(console: Console, live: Live | None) -> None:
    """Print what is raised now, the active ones first."""
    if live is None:
        return
    states = live.states
    if not live.is_now:
        console.print(Text("The daemon does not run; this is its last word.", style="yellow"))
    order = {"active": 0, "inhibited": 1, "pending": 2}
    raised = sorted(states, key=lambda s: (order.get(s.state, 3), s.since_s))
    if not any(s.state in order for s in states):
        when = "Now: no fault is raised." if live.is_now else "No fault was raised at its end."
        console.print(Text(when))
    if raised:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("now", "fault", "on"):
            table.add_column(name, no_wrap=True)
        for name in ("since", "times", "value"):
            table.add_column(name, justify="right", no_wrap=True)
        for state in raised:
            table.add_row(
                Text(state.state, style=_STATE_STYLES.get(state.state, "dim")),
                state.id,
                state.subject,
                _since(state),
                str(state.count),
                f"{state.value:.4g}" if state.is_known else "-",
            )
        console.print(table)
    console.print()


def _since(state: LiveState) -> str:
    if state.state == "quiet":
        return ""
    minutes, seconds = divmod(int(state.since_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{state.since_s:.1f} s"


def print_one(row: FaultRow, live: Live | None, console: Console | None = None) -> None:
    """Print everything about one fault."""
    console = console or make_console()
    head = Text(row.id, style=_STYLES[row.severity])
    head.append(f"  {row.severity}", style="dim")
    console.print(head)
    lines = [("cause", row.cause), ("do", row.action)]
    lines += [("on", ", ".join(row.subjects) + f" ({row.monitors} monitors)")]
    lines += [("watches" if k == 0 else "", watch) for k, watch in enumerate(row.watches)]
    unknown = {"hold": "holds what is", "trip": "trips", "clear": "clears"}[row.stale]
    lines += [("for", row.lasting), ("unknown", f"a reading that is not known {unknown}")]
    lines += [("response" if k == 0 else "", rung) for k, rung in enumerate(row.ladder)]
    lines += [("re-arm", row.rearm)]
    lines += [("not in", ", ".join(row.off_in))] if row.off_in else []
    lines += [("limit", row.limit)] if row.limit else []
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(name, Text(text))
    console.print(table)
    if live is not None:
        console.print()
        _print_now(console, _only(live, {row.id}))
