"""What a running daemon puts into status.json besides the view of the node, section by section."""

import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flight.services.memory_watch import read_rss_mib
from flight.services.supervised import TaskStatus
from flight.view import fault_views, orbit_view

if TYPE_CHECKING:
    from flight.assembly import Daemon

NS_PER_S = 1_000_000_000
MS = 1e6  # ns


def sections(daemon: "Daemon") -> dict[str, Callable[[], object]]:
    """Return the sections by name; each is called when the file is written."""
    usage = _Usage(daemon.place.now_ns)
    return {
        "start": lambda: _start(daemon),
        "mode_since_s": lambda: _since_s(daemon, daemon.cycle.state.mode.since_ns),
        "orbit": lambda: orbit_view(daemon.inputs.ephemeris.forecast, daemon.place.now_ns()),
        "cycle": lambda: _cycle(daemon, usage),
        "tasks": lambda: list(_tasks(daemon)),
        "faults": lambda: fault_views(daemon.cycle.config.monitors, daemon.cycle.state),
        "link": lambda: plain(daemon.link.health),
        "recorder": lambda: plain(daemon.recorder.health),
        "store": lambda: plain(daemon.store.health),
        "evidence": lambda: plain(daemon.evidence.health),
        "workload": lambda: plain(daemon.inputs.workload.health),
        "ephemeris": lambda: plain(daemon.inputs.ephemeris.health),
        "plan": lambda: plain(daemon.inputs.plan.health),
        "allotment": lambda: plain(daemon.inputs.allotment.health),
        "parameters": lambda: _parameters(daemon),
        "time": lambda: plain(daemon.time.health),
        "loop": lambda: {
            "blocks": daemon.loop_watch.health.blocks,
            "last_block": daemon.loop_watch.health.last_block,
        },
        "memory": lambda: plain(daemon.memory.health),
        "watchdog": lambda: plain(daemon.watchdog.health),
    }


def plain(value: object) -> Any:
    """Return a value as JSON can hold it: named tuples and dataclasses by their fields."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def _since_s(daemon: "Daemon", since_ns: int) -> float:
    return max(0.0, (daemon.place.now_ns() - since_ns) / NS_PER_S)


def _start(daemon: "Daemon") -> dict[str, object]:
    state, restored = daemon.store.state, daemon.start.restored
    return {
        "boot_count": state.boot_count,
        "run_count": state.run_count,
        "was_planned": restored.was_planned,
        "restart_count": restored.restart_count,
        "same_boot": restored.same_boot,
        "use_golden": daemon.start.use_golden,
        "control_after_s": control_after_s(daemon),
    }


def control_after_s(daemon: "Daemon") -> float | None:
    """Return how long after the begin of its process the daemon first acted, None if not yet."""
    if daemon.control_ns == 0:
        return None
    return max(0.0, _process_age_s() - _since_s(daemon, daemon.control_ns))


def _process_age_s() -> float:
    """Return the age of this process, to 10 ms: field 22 of /proc/self/stat, in clock ticks."""
    text = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    start_s = int(text[text.rindex(")") + 2 :].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_s


def _parameters(daemon: "Daemon") -> dict[str, object]:
    found = daemon.parameters.set
    return {
        "active": plain(found.active),
        "staged": plain(found.staged),
        "is_confirmed": found.before is None,
    }


def _tasks(daemon: "Daemon") -> Iterator[dict[str, object]]:
    if daemon.supervisor is not None:
        yield from _branch(daemon, daemon.supervisor.tree(), 0)


def _branch(daemon: "Daemon", task: TaskStatus, depth: int) -> Iterator[dict[str, object]]:
    late_ns = task.lateness_p99_ns
    yield {
        "name": task.name,
        "depth": depth,
        "state": task.state.value,
        "policy": task.policy.value,
        "restarts": task.restarts,
        "restarts_planned": task.restarts_planned,
        "budget_left": task.budget_left,
        "since_s": _since_s(daemon, task.since_ns),
        "last_error": task.last_error,
        "lateness_p99_ms": late_ns / MS if late_ns >= 0 else None,
        "abandoned": task.abandoned,
    }
    for child in task.children:
        yield from _branch(daemon, child, depth + 1)


class _Usage:
    """CPU of the process since the last look, in per cent of a core."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._last = (now_ns(), _cpu_s())

    def percent(self) -> float | None:
        now_ns, cpu_s = self._now_ns(), _cpu_s()
        last_ns, last_s = self._last
        if now_ns <= last_ns:
            return None
        self._last = (now_ns, cpu_s)
        return 100.0 * (cpu_s - last_s) * NS_PER_S / (now_ns - last_ns)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cycle(daemon: "Daemon", usage: _Usage) -> dict[str, object]:
    stats = daemon.rate_group.stats
    return {
        "count": stats.lateness.count,
        "late": daemon.cycle.late_count,
        "overruns": stats.overruns,
        "skipped": stats.skipped,
        "period_p50_ms": stats.period.percentile_ns(0.5) / MS,
        "period_p99_ms": stats.period.percentile_ns(0.99) / MS,
        "period_max_ms": stats.period.max_ns / MS,
        "lateness_p99_ms": stats.lateness.percentile_ns(0.99) / MS,
        "lateness_max_ms": stats.lateness.max_ns / MS,
        "lateness_histogram": stats.lateness.classes(),
        "cpu_percent": usage.percent(),
        "rss_mib": read_rss_mib(),
    }
