"""How `nightside faults` looks on a terminal: the table, one fault in full, what is raised now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flight.fault_table import FaultRow
from flight.operator_error import OperatorError, suggest

_STYLES = {"CRITICAL": "bold red", "WARNING": "yellow", "INFO": "cyan", "DEBUG": "dim"}
_STATE_STYLES = {"active": "bold red", "inhibited": "magenta", "pending": "yellow"}
_WIDE = 110  # columns from which what is watched has a column of its own
_WATCHES_SHOWN = 2
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


def live_states(folder: Path | None, default: Path) -> list[LiveState] | None:
    """Return what the faults of a running node are doing; None when no node is there.

    Raises:
        OperatorError: a folder was named and holds no readable status.
    """
    path = (folder or default) / "status.json"
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return [_live_state(item) for item in data.get("faults", ())]
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
    )


def print_list(
    rows: Sequence[FaultRow], states: Sequence[LiveState] | None, console: Console | None = None
) -> None:
    """Print the table, and before it what is raised now."""
    console = console or Console(highlight=False)
    ids = {row.id for row in rows}
    _print_now(console, [s for s in states if s.id in ids] if states is not None else None)
    if console.width >= _WIDE:
        console.print(_wide_table(rows))
    else:
        for row in rows:
            console.print(_narrow_lines(row), soft_wrap=False)
    count = sum(row.monitors for row in rows)
    console.print(f"\n{len(rows)} kinds, {count} monitors. One in full: nightside faults --id ID")


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
    text = _severity(row)
    text.append(f" {row.id:<30} {row.lasting:>8}  ", style="default")
    text.append(row.response, style="default")
    for watch in _watches(row):
        text.append(f"\n     {watch}", style="dim")
    return text


def _print_now(console: Console, states: Sequence[LiveState] | None) -> None:
    """Print what is raised now, the active ones first."""
    if states is None:
        return
    order = {"active": 0, "inhibited": 1, "pending": 2}
    raised = sorted(states, key=lambda s: (order.get(s.state, 3), s.since_s))
    if not any(s.state in order for s in states):
        console.print(Text("Now: no fault is raised.", style="green"))
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
                f"{state.value:.4g}",
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


def print_one(
    row: FaultRow, states: Sequence[LiveState] | None, console: Console | None = None
) -> None:
    """Print everything about one fault."""
    console = console or Console(highlight=False)
    head = Text(row.id, style=_STYLES[row.severity])
    head.append(f"  {row.severity}", style="dim")
    console.print(head)
    lines = [("", row.cause), ("do", row.action)]
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
    if states is not None:
        console.print()
        _print_now(console, [state for state in states if state.id == row.id])
