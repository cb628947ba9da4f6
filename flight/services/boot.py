"""What a start of the daemon is, and what follows from it: planned or not, SAFE, golden, a wait.

A run says in the store how far it has come: starting, before anything else is built; running;
ended. A start that finds anything but «ended» is unplanned, a crash in start-up like any other.
Three unplanned starts in ten minutes, or an unplanned boot of the host: SAFE. More than the crash
budget: golden configuration (the file as it was shipped, without parameters), SAFE, and one
attempt per ten minutes, until one has lasted as long. Never final, bounded in rate: `boot_decision`
is pure and a property test holds it to that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime_ns
from typing import Final

from flight.core.types import Event, Mode, Restored, Severity
from flight.services.remembered import restored_of
from flight.services.store import HostBoot, Store
from flight.services.stored_state import (
    NS_PER_S,
    START_WINDOW_S,
    STARTS_MAX,
    RunPhase,
    StoredState,
)

BOOT_ID_PATH: Final = Path("/proc/sys/kernel/random/boot_id")
SAFE_START_COUNT = 3  # docs/design/modes.md: 3 restarts in 10 min
CRASHES_MAX = 5  # assumed: unplanned starts within the window before the back-off
BACK_OFF_S = 600.0  # docs/design/modes.md: one attempt per 10 minutes
UNRECORDED_WAIT_S = 30.0  # assumed: between attempts that cannot be counted


@dataclass(frozen=True, slots=True, kw_only=True)
class BootDecision:
    """What a start has to do.

    state: to be stored before anything else is built. restored: for the core's first inputs.
    use_golden: the configuration file alone, without parameters. wait_s: before control is
    attempted; link and watchdog work meanwhile.
    """

    state: StoredState
    restored: Restored
    use_golden: bool
    wait_s: float
    events: tuple[Event, ...]


def this_host_boot() -> HostBoot:
    """Return the boot of this host.

    Raises: OSError, when the kernel does not tell its boot id.
    """
    boot_id = BOOT_ID_PATH.read_text(encoding="ascii").strip()
    return HostBoot(boot_id=boot_id, now_ns=lambda: clock_gettime_ns(CLOCK_BOOTTIME))


def boot_decision(
    state: StoredState,
    *,
    is_same_boot: bool,
    boottime_ns: int,
    now_ns: int,
    safe_start_count: int = SAFE_START_COUNT,
) -> BootDecision:
    """Return what a start that finds this state has to do.

    Args:
        state: As the last run left it, its times in terms of this host boot (`in_this_boot`).
        is_same_boot: The host has not restarted since.
        boottime_ns: CLOCK_BOOTTIME now.
        now_ns: Monotonic time, for events.
        safe_start_count: So many unplanned starts within the window lead to SAFE.

    Guarantees: within any BACK_OFF_S of one host boot at most CRASHES_MAX + 1 attempts; an attempt
    is at most BACK_OFF_S away; the first start of a host boot never waits.
    """
    was_planned = state.run_phase is RunPhase.ENDED
    starts_ns = state.starts_ns if was_planned else (*state.starts_ns, boottime_ns)[-STARTS_MAX:]
    is_spent = not was_planned and (state.is_backing_off or len(starts_ns) > CRASHES_MAX)
    wait_s = 0.0
    if is_spent and state.attempt_ns:
        left_ns = state.attempt_ns + round(BACK_OFF_S * NS_PER_S) - boottime_ns
        wait_s = min(max(left_ns / NS_PER_S, 0.0), BACK_OFF_S)
    restored = restored_of(
        state,
        boottime_ns,
        was_planned=was_planned,
        restart_count=len(starts_ns),
        same_boot=is_same_boot,
    )
    changed = replace(
        state,
        mode=_mode_kept(state.mode, restored, safe_start_count),
        run_count=state.run_count + 1,
        run_phase=RunPhase.STARTING,
        starts_ns=starts_ns,
        attempt_ns=state.attempt_ns if wait_s else max(1, boottime_ns),
        is_backing_off=is_spent,
    )
    events = _events(restored, run_count=changed.run_count, is_spent=is_spent, wait_s=wait_s)
    return BootDecision(
        state=changed,
        restored=restored,
        use_golden=is_spent,
        wait_s=wait_s,
        events=tuple(Event(now_ns, *event) for event in events),
    )


def _mode_kept(mode: Mode | None, restored: Restored, safe_start_count: int) -> Mode | None:
    """Return the mode that a crash in this start-up would find: it must not lead around SAFE."""
    is_safe = is_safe_wanted(restored, safe_start_count)
    return Mode.SAFE if is_safe and mode is not Mode.SURVIVAL else mode


def _events(
    restored: Restored, *, run_count: int, is_spent: bool, wait_s: float
) -> list[tuple[str, Severity, str, str, float]]:
    """Return id, severity, subject, text and value of what a start has to tell."""
    count = restored.restart_count
    where = "the host has not restarted" if restored.same_boot else "the host has restarted"
    if restored.was_planned and run_count == 1:
        text = "run 1: there was none before"
        events = [("boot.planned", Severity.INFO, "daemon", text, float(count))]
    elif restored.was_planned:
        text = f"run {run_count}: the one before ended in order; {where}"
        events = [("boot.planned", Severity.INFO, "daemon", text, float(count))]
    else:
        text = (
            f"run {run_count}: the one before did not end in order; {where}; unplanned start"
            f" {count} within {START_WINDOW_S:g} s"
        )
        events = [("boot.unplanned", Severity.WARNING, "daemon", text, float(count))]
    if is_spent:
        text = (
            f"more than {CRASHES_MAX} unplanned starts within {START_WINDOW_S:g} s: golden"
            f" configuration, SAFE, control is attempted in {wait_s:.0f} s"
        )
        events.append(("boot.budget_spent", Severity.CRITICAL, "daemon", text, wait_s))
    return events


def is_safe_wanted(restored: Restored, safe_start_count: int = SAFE_START_COUNT) -> bool:
    """Whether the core answers such a start with SAFE (docs/design/modes.md)."""
    is_often = restored.restart_count >= safe_start_count
    return not restored.was_planned and (is_often or not restored.same_boot)


class Boot:
    """The run of a daemon as the store sees it: started, attempted, running, ended.

    Args:
        store: Not opened yet.
        now_ns: Monotonic clock, for events.
        on_event: Takes what the start has to tell.
        safe_start_count: As for `boot_decision`; modes.restart_count_max.
    """

    def __init__(
        self,
        store: Store,
        host: HostBoot,
        *,
        now_ns: Callable[[], int],
        on_event: Callable[[Event], None] = lambda _event: None,
        safe_start_count: int = SAFE_START_COUNT,
    ) -> None:
        self._safe_start_count = safe_start_count
        self._store = store
        self._host = host
        self._now_ns = now_ns
        self._on_event = on_event

    def begin(self) -> BootDecision:
        """Open the store, decide, and write down that a run starts; waits for the disk.

        A start that cannot be written down is not counted by the next one: it is taken for one
        with a spent budget, but for a shorter wait.
        """
        opened, events = self._store.open()
        decision = boot_decision(
            opened,
            is_same_boot=self._store.is_same_boot,
            boottime_ns=self._host.now_ns(),
            now_ns=self._now_ns(),
            safe_start_count=self._safe_start_count,
        )
        new = decision.state
        self._store.update(
            run_count=new.run_count,
            run_phase=new.run_phase,
            starts_ns=new.starts_ns,
            attempt_ns=new.attempt_ns,
            mode=new.mode,
            is_backing_off=new.is_backing_off,
        )
        for event in (*events, *decision.events):
            self._on_event(event)
        return decision if self._store.commit() else self._unrecorded(decision)

    def attempt(self) -> None:
        """Note that control is attempted now, after a wait; the caller secures it."""
        self._store.update(attempt_ns=max(1, self._host.now_ns()))

    def running(self) -> None:
        """Note that the daemon is in control; the store's `run` writes it."""
        self._store.update(run_phase=RunPhase.RUNNING)

    def end(self) -> bool:
        """Note that the run ended in order; return whether that is durable. Waits for the disk."""
        self._store.update(run_phase=RunPhase.ENDED, is_backing_off=False)
        return self._store.commit()

    def _unrecorded(self, decision: BootDecision) -> BootDecision:
        count = max(decision.restored.restart_count, self._safe_start_count)
        text = (
            f"this start cannot be written down, so crashes cannot be counted: SAFE, golden"
            f" configuration, control is attempted in {UNRECORDED_WAIT_S:g} s"
        )
        self._on_event(Event(self._now_ns(), "boot.unrecorded", Severity.CRITICAL, "daemon", text))
        return replace(
            decision,
            restored=replace(decision.restored, was_planned=False, restart_count=count),
            use_golden=True,
            wait_s=max(decision.wait_s, UNRECORDED_WAIT_S),
        )
