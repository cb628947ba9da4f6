"""The tree of tasks for a terminal of 80 columns."""

from collections.abc import Iterator

from flight.services.supervised import TaskState, TaskStatus

NS_PER_S = 1_000_000_000
COLUMNS = 80
NAME_COLUMNS = 20
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))

HEAD = f"{'task':{NAME_COLUMNS}} state           for restarts left    late  error"


def render_tree(status: TaskStatus, now_ns: int) -> str:
    """Return the tree, one line per task and at most 80 columns wide.

    Columns: state and for how long; restarts that were not planned; how many are left before the
    next rung; the lateness that 99 % do not exceed; the last error. `+n` after the state counts
    runs that were left behind.
    """
    lines = [HEAD, f"{status.name:{NAME_COLUMNS}} {'':11} {_for(status, now_ns):>7}".rstrip()]
    for label, task in _branches(status, ""):
        state = task.state + (f" +{task.abandoned}" if task.abandoned else "")
        late_ns = task.lateness_p99_ns
        late = "" if late_ns < 0 else f"{late_ns / 1e6:.1f} ms"
        lines.append(
            f"{_clip(label, NAME_COLUMNS):{NAME_COLUMNS}} {_clip(state, 11):11} "
            f"{_for(task, now_ns):>7} {task.restarts:8} {task.budget_left:4} {late:>7}  "
            f"{task.last_error}"
        )
    return "".join(f"{_clip(line.rstrip(), COLUMNS)}\n" for line in lines)


def find_tasks(status: TaskStatus, state: TaskState) -> list[str]:
    """Return the names of the tasks in a state, nested ones too."""
    return [task.name for _, task in _branches(status, "") if task.state is state]


def _branches(status: TaskStatus, lead: str) -> Iterator[tuple[str, TaskStatus]]:
    """Yield each task with its name as a branch of the tree, from top to bottom."""
    for index, task in enumerate(status.children):
        is_last = index == len(status.children) - 1
        yield f"{lead}{'└─' if is_last else '├─'} {task.name}", task
        yield from _branches(task, lead + ("   " if is_last else "│  "))


def _for(task: TaskStatus, now_ns: int) -> str:
    seconds = max(0, now_ns - task.since_ns) // NS_PER_S
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _clip(text: str, columns: int) -> str:
    text = " ".join(text.splitlines()) if "\n" in text else text
    return text if len(text) <= columns else text[: columns - 1] + "…"
