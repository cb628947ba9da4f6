"""Any sequence of crashes, ends, host boots and disk failures: bounded in rate, never final.

Virtual time: a clock is moved by hand, the shipped store and boot run on a disk in memory.
"""

import errno
import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from flight.core.types import Event, Mode, Restored
from flight.services import boot
from flight.services.boot import BACK_OFF_S, CRASHES_MAX, SAFE_START_COUNT, Boot, BootDecision
from flight.services.slot_file import Access, MemoryFiles
from flight.services.store import HostBoot, Store
from flight.services.stored_state import NS_PER_S, RunPhase
from tests.unit.slot_disk import PATH

SLOT_BYTES = 2048
RESTART_S = 0.2  # until whoever keeps the process starts it again


class RefusingFiles(MemoryFiles):
    is_refusing = False

    def open(self, path, access: Access) -> int:
        if self.is_refusing and access != "read":
            raise OSError(errno.EROFS, "read-only file system")
        return super().open(path, access)


class Host:
    """A machine on which the daemon is started again and again. Times in s of the host boot."""

    def __init__(self) -> None:
        self.files = RefusingFiles()
        self.boot_number = 1
        self.now_s = 30.0
        self.attempts_s: list[float] = []  # of this host boot, unplanned starts only
        self.events: list[Event] = []
        self.decision: BootDecision | None = None
        self.store: Store

    def now_ns(self) -> int:
        return round(self.now_s * NS_PER_S)

    def run(
        self, life_s: float, *, ends: bool = False, outlives_wait: bool = False
    ) -> BootDecision:
        """One life of the daemon: it may die while waiting, in start-up or later.

        outlives_wait: life_s counts from the attempt on.
        """
        host = HostBoot(boot_id=f"boot-{self.boot_number}", now_ns=self.now_ns)
        self.store = Store(
            PATH, host=host, now_ns=self.now_ns, files=self.files, slot_bytes=SLOT_BYTES
        )
        started = Boot(self.store, host, now_ns=self.now_ns, on_event=self.events.append)
        decision = self.decision = started.begin()
        end_s = self.now_s + life_s + (decision.wait_s if outlives_wait else 0.0)
        if decision.wait_s <= end_s - self.now_s:
            self.now_s += decision.wait_s
            if decision.wait_s:
                started.attempt()
                self.store.commit()  # as the daemon does before it goes on
            if not decision.restored.was_planned:
                self.attempts_s.append(self.now_s)
            if end_s - self.now_s > 2.0:
                started.running()
                self.store.update(mode=Mode.NOMINAL)
            while self.now_s < end_s:
                self.now_s = min(self.now_s + 50.0, end_s)
                self.store.tidy()
                self.store.commit()
        self.now_s = end_s
        if ends:
            started.end()
        self.now_s += RESTART_S
        return decision

    def restart_host(self, off_s: float) -> None:
        self.boot_number += 1
        self.attempts_s = []
        self.now_s = off_s


lives = st.one_of(
    st.tuples(st.just("crash"), st.sampled_from([0.0, 0.5, 3.0, 60.0, 599.0, 700.0])),
    st.tuples(st.just("end"), st.sampled_from([1.0, 100.0])),
    st.tuples(st.just("host"), st.sampled_from([5.0, 90.0])),
    st.tuples(st.just("disk"), st.just(0.0)),
)


def fly(host: Host, steps: list[tuple[str, float]]) -> None:
    for kind, seconds in steps:
        if kind == "host":
            host.restart_host(seconds)
        elif kind == "disk":
            host.files.is_refusing = not host.files.is_refusing
        else:
            host.run(seconds, ends=kind == "end")


def most_within(times_s: list[float], window_s: float) -> int:
    window_s -= 1e-6  # rounding
    return max((sum(t <= x < t + window_s for x in times_s) for t in times_s), default=0)


@given(st.lists(lives, max_size=25))
def test_attempts_are_bounded_in_rate(steps: list[tuple[str, float]]) -> None:
    host = Host()
    for step in steps:
        if step[0] != "disk":  # of a disk that refuses: the test below
            fly(host, [step])
            assert most_within(host.attempts_s, BACK_OFF_S) <= CRASHES_MAX + 1, host.attempts_s


@given(st.lists(lives, max_size=15), st.sampled_from([0.0, 0.5, 3.0, 60.0]))
def test_a_crash_loop_ends_in_one_attempt_per_ten_minutes_in_safe_and_golden(
    steps: list[tuple[str, float]], life_s: float
) -> None:
    host = Host()
    fly(host, steps)
    host.files.is_refusing = False
    host.attempts_s.clear()
    start_s = host.now_s
    while host.now_s < start_s + 2 * 3600.0:
        host.run(life_s, outlives_wait=True)
    late = [t for t in host.attempts_s if t > start_s + BACK_OFF_S]
    assert most_within(late, BACK_OFF_S) == 1, late
    gaps = [after - before for before, after in pairwise(late)]
    assert max(gaps) <= BACK_OFF_S + life_s + 1.0, "never final"
    assert host.decision is not None and host.decision.use_golden
    assert host.decision.restored.restart_count >= 1
    assert host.store.state.is_backing_off


@given(st.lists(lives, max_size=25))
def test_an_attempt_is_never_far_away_and_a_planned_end_clears_the_back_off(
    steps: list[tuple[str, float]],
) -> None:
    host = Host()
    fly(host, steps)
    decision = host.run(1.0)
    assert 0.0 <= decision.wait_s <= BACK_OFF_S
    host.files.is_refusing = False
    host.run(700.0, ends=True)
    decision = host.run(10.0)
    assert decision.restored.was_planned and decision.wait_s == 0.0 and not decision.use_golden


@given(st.integers(0, 40), st.floats(0.0, 60.0))
def test_killed_while_it_waits_the_wait_does_not_begin_anew(kills: int, life_s: float) -> None:
    host = Host()
    while not host.run(1.0).wait_s:
        pass
    attempt_s = host.attempts_s[-1]
    for _ in range(kills):
        decision = host.run(min(life_s, 10.0))
        waits_until_s = attempt_s + BACK_OFF_S
        if decision.wait_s:
            begun_s = host.now_s - RESTART_S - min(life_s, 10.0)
            assert abs(begun_s + decision.wait_s - waits_until_s) < 1.0
        attempt_s = host.attempts_s[-1]


@settings(max_examples=20)
@given(st.integers(2, 30), st.sampled_from([0.0, 0.5, 60.0]))
def test_a_loop_of_host_boots_is_safe_and_always_attempts(boots: int, life_s: float) -> None:
    host = Host()
    host.run(100.0)
    for number in range(boots):
        host.restart_host(40.0)
        decision = host.run(life_s)
        assert decision.wait_s == 0.0
        assert boot.is_safe_wanted(decision.restored)
        assert decision.use_golden is (number >= CRASHES_MAX), number


def test_a_disk_that_refuses_makes_each_start_safe_and_rare() -> None:
    """Nothing can be counted then, not even that the last run has not ended in order."""
    host = Host()
    host.run(100.0, ends=True)
    host.files.is_refusing = True
    host.attempts_s.clear()
    for _ in range(50):
        decision = host.run(boot.UNRECORDED_WAIT_S + 1.0)
        assert boot.is_safe_wanted(decision.restored) and decision.use_golden
        assert decision.wait_s >= boot.UNRECORDED_WAIT_S
    gap_s = boot.UNRECORDED_WAIT_S
    assert most_within(host.attempts_s, BACK_OFF_S) <= BACK_OFF_S / gap_s
    assert "boot.unrecorded" in {event.event_id for event in host.events}


def test_the_way_from_the_first_crash_to_the_back_off_and_out_of_it() -> None:
    host = Host()
    seen = [host.run(100.0), *(host.run(5.0) for _ in range(CRASHES_MAX + 2))]
    assert [d.restored.restart_count for d in seen] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [d.use_golden for d in seen] == [False] * 6 + [True] * 2
    assert [d.wait_s > 0.0 for d in seen] == [False] * 6 + [True] * 2
    safe = [boot.is_safe_wanted(d.restored) for d in seen]
    assert safe == [d.restored.restart_count >= SAFE_START_COUNT for d in seen]
    decision = host.run(BACK_OFF_S + BACK_OFF_S + 20.0)  # it waits, then lives long enough
    assert decision.use_golden and not host.store.state.is_backing_off
    decision = host.run(5.0)
    assert not decision.use_golden and decision.restored.restart_count == 1


def test_planned_and_unplanned_and_the_host_are_told_apart() -> None:
    host = Host()
    told: list[Restored] = [host.run(100.0).restored]
    told.append(host.run(100.0, ends=True).restored)
    told.append(host.run(1.0, ends=True).restored)
    host.restart_host(40.0)
    told.append(host.run(100.0).restored)
    host.restart_host(40.0)
    told.append(host.run(0.5).restored)
    told.append(host.run(100.0).restored)
    assert [(r.was_planned, r.same_boot) for r in told] == [
        (True, False),  # the first start of all
        (False, True),  # after a crash
        (True, True),  # after an end in order
        (True, False),  # the host was restarted in order
        (False, False),  # the host fell over
        (False, True),  # a crash in start-up counts like any other
    ]
    assert [boot.is_safe_wanted(r) for r in told] == [False] * 4 + [True] * 2
    assert told[1].mode is Mode.NOMINAL
    ids = [e.event_id for e in host.events if e.event_id.startswith("boot")]
    assert ids == ["boot.planned", "boot.unplanned"] + ["boot.planned"] * 2 + ["boot.unplanned"] * 2
    texts = [e.text for e in host.events if e.event_id == "boot.planned"]
    assert texts == [
        "run 1: there was none before",
        "run 3: the one before ended in order; the host has not restarted",
        "run 4: the one before ended in order; the host has restarted",
    ]


def test_a_crash_in_start_up_does_not_lead_around_safe() -> None:
    host = Host()
    host.run(100.0, ends=True)
    host.run(100.0)
    host.restart_host(700.0)
    assert boot.is_safe_wanted(host.run(0.5).restored)
    restored = host.run(100.0).restored
    assert restored.mode is Mode.SAFE, "else one crash more would be the way back to NOMINAL"


def test_utc_is_never_read(monkeypatch) -> None:
    """A clock that is set, jumps or is lost changes neither windows nor waits."""

    def read(*_arguments: object) -> float:
        raise AssertionError("UTC was read")

    host = Host()
    with monkeypatch.context() as patched:
        for name in ("time", "time_ns", "gmtime", "localtime"):
            patched.setattr(time, name, read)
        for _ in range(CRASHES_MAX + 3):
            host.run(5.0)
        host.restart_host(40.0)
        assert host.run(10.0, ends=True).use_golden


def test_what_was_latched_reaches_the_core_of_the_next_run() -> None:
    host = Host()
    host.run(100.0)
    host.store.update(latched=("accel3",), retired=("accel5",), mode=Mode.STANDBY)
    host.store.commit()
    restored = host.run(1.0).restored
    assert (restored.latched, restored.retired) == (("accel3",), ("accel5",))
    assert restored.mode is Mode.STANDBY
    assert host.store.state.run_phase is RunPhase.STARTING


def test_the_boot_of_this_host_has_an_id_and_a_clock() -> None:
    host = boot.this_host_boot()
    assert len(host.boot_id) == 36
    assert 0 < host.now_ns() <= host.now_ns()
