"""The restart budget of the process, over the whole daemon in virtual time: spent -> golden
configuration, SAFE with the link up, one attempt per back-off, for ever.
"""

import asyncio
import copy
import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flight import assembly
from flight.core.types import Mode
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.services.boot import BACK_OFF_S, CRASHES_MAX
from flight.services.daemon import Ending, run_daemon
from flight.services.slot_file import MemoryFiles
from flight.services.store import HostBoot
from sim_hw.clock import SimLoop, run_simulated
from tests.events_told import runner_and_events
from tests.system.flying import scenario, setup_of

NS_PER_S = 1_000_000_000
RESTART_S = 0.7  # from the death of a process to the first instruction of its successor's daemon
LINK_UP_S = 2.0
FOREVER_S = 4000.0


@dataclass
class Life:
    """What one process did. Times in s of the host's clock; None: never."""

    start_s: float
    end_s: float = 0.0
    control_s: float | None = None
    link_s: float | None = None
    link_lost: bool = False
    modes: list[Mode] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    wait_s: float = 0.0
    restart_count: int = 0
    use_golden: bool = False
    setpoint_c: float = 0.0


class Host:
    """A host whose daemon is started again whenever it died. Its disk is in memory."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.files = MemoryFiles()
        self.now_ns = 1000 * NS_PER_S
        self.lives: list[Life] = []
        self._patch = patch
        patch.setattr(assembly, "MemoryFiles", lambda: self.files)

    def live(self, life_s: float, *, ends_in_order: bool = False, prepare=None) -> Life:
        """Run a process for life_s and kill it; what it writes while it is taken down is undone."""
        life = Life(start_s=self.now_ns / NS_PER_S)
        self.lives.append(life)
        disk = run_simulated(self._live(life, life_s, prepare))
        if not ends_in_order:
            self.files.files = disk
        self.now_ns += round((life_s + RESTART_S) * NS_PER_S)
        return life

    def die_in_start_up(self) -> Life:
        """Run a process that raises after the store was opened and before anything runs."""
        life = Life(start_s=self.now_ns / NS_PER_S)
        self.lives.append(life)
        with self._patch.context() as patch:
            patch.setattr(assembly, "EventBudget", _raise)
            with pytest.raises(RuntimeError, match="a bug in start-up"):
                run_simulated(self._live(life, 1.0, None))
        self.now_ns += round(RESTART_S * NS_PER_S)
        return life

    async def _live(self, life: Life, life_s: float, prepare) -> dict[Path, bytearray]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        start_ns, broker, ending = self.now_ns, MemoryBroker(), Ending()
        setup = setup_of(scenario(), duration_s=FOREVER_S)
        runner, events = runner_and_events(setup, self.folder)
        with runner.flight:
            try:
                daemon = runner.make_daemon(
                    loop.now_ns, "session", ending,
                    host=HostBoot(boot_id="one", now_ns=lambda: start_ns + loop.now_ns()),
                    transport=MemoryTransport(broker, now_ns=loop.now_ns),
                )  # fmt: skip
                restored = daemon.start.restored
                life.wait_s, life.restart_count = daemon.start.wait_s, restored.restart_count
                life.use_golden = daemon.start.use_golden
                life.setpoint_c = daemon.parameters.config.guard.setpoint_c
                if prepare is not None:
                    prepare(daemon)
                async with asyncio.TaskGroup() as group:
                    group.create_task(_run(daemon, ending))
                    await self._watch(life, life_s, daemon, broker)
                    disk = copy.deepcopy(self.files.files)
                    ending.end()
            finally:
                life.events = [event.event_id for event in events]
                life.end_s = (start_ns + loop.now_ns()) / NS_PER_S
                runner.close_files()
        return disk

    async def _watch(self, life: Life, life_s: float, daemon, broker: MemoryBroker) -> None:
        """Note when the link comes up and whether it goes, when control begins, and the modes."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        birth, death = daemon.link._info.topics.birth, daemon.link._info.topics.death
        end_ns = round(life_s * NS_PER_S)
        while loop.now_ns() < end_ns:
            pause_s = 0.1 if loop.now_ns() < 20 * NS_PER_S else 1.0
            await asyncio.sleep(min(pause_s, (end_ns - loop.now_ns()) / NS_PER_S))
            if life.link_s is None and birth in broker.retained:
                life.link_s = loop.now_ns() / NS_PER_S
            life.link_lost |= life.link_s is not None and death in broker.retained
            decision = daemon.cycle.last_decision
            if decision is not None:
                if life.control_s is None and daemon.control_ns:
                    life.control_s = life.start_s + daemon.control_ns / NS_PER_S
                if decision.mode not in life.modes[-1:]:
                    life.modes.append(decision.mode)

    def attempts_s(self) -> list[float]:
        """Return the times at which a process tried to take control."""
        return [life.control_s for life in self.lives if life.control_s is not None]


def _raise(*_arguments: object) -> None:
    raise RuntimeError("a bug in start-up")


async def _run(daemon, ending: Ending) -> None:
    await run_daemon(daemon.parts, ending=ending, handle_signals=False, write=lambda _text: None)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def spend(host: Host) -> None:
    """Use the whole budget up: the first start is none of it."""
    host.live(5.0)
    for count in range(1, CRASHES_MAX + 1):
        life = host.live(5.0)
        assert (life.wait_s, life.restart_count, life.use_golden) == (0.0, count, False)
        assert life.control_s is not None


def check_link(life: Life) -> None:
    assert life.link_s is not None and life.link_s <= LINK_UP_S, life
    assert not life.link_lost, life


def test_a_spent_budget_leads_to_safe_with_the_link_up_and_one_attempt_per_back_off(
    host: Host,
) -> None:
    spend(host)
    assert host.lives[-1].modes[-1] is Mode.SAFE, "from the third on"
    waits_s: list[float] = []
    for _ in range(4):
        life = host.live(BACK_OFF_S - 100.0)  # it dies while it waits
        check_link(life)
        assert life.use_golden and life.control_s is None and not life.modes
        assert "boot.budget_spent" in life.events
        waits_s.append(life.wait_s)
        life = host.live(110.0)  # takes up the rest of the wait, tries, and dies again
        check_link(life)
        assert 0.0 < life.wait_s < 100.0, "the wait goes on across processes"
        assert life.control_s is not None and life.modes[-1] is Mode.SAFE
    assert all(BACK_OFF_S - 60.0 < wait_s <= BACK_OFF_S for wait_s in waits_s), waits_s
    attempts_s = host.attempts_s()[CRASHES_MAX + 1 :]
    gaps_s = [b - a for a, b in itertools.pairwise(attempts_s)]
    assert len(gaps_s) == 3 and all(BACK_OFF_S <= gap_s < BACK_OFF_S + 5.0 for gap_s in gaps_s)


def test_an_attempt_that_lasts_gives_the_budget_back(host: Host) -> None:
    spend(host)
    life = host.live(2.0 * BACK_OFF_S + 30.0)
    assert life.wait_s > 0.0 and life.modes[-1] is Mode.SAFE
    after = host.live(30.0)
    assert (after.wait_s, after.use_golden) == (0.0, False)


def test_a_crash_in_start_up_is_counted_like_any_other(host: Host) -> None:
    host.live(5.0)
    for _ in range(CRASHES_MAX):
        host.die_in_start_up()
    life = host.live(BACK_OFF_S + 20.0)
    check_link(life)
    assert life.restart_count == CRASHES_MAX + 1 and life.use_golden
    assert life.control_s is not None and life.modes[-1] is Mode.SAFE
    assert BACK_OFF_S - 60.0 < life.wait_s <= BACK_OFF_S


def test_a_wait_counts_as_alive_for_the_service_manager(host: Host) -> None:
    spend(host)
    words: list[str] = []

    def listen(daemon) -> None:
        daemon.notify._say = words.append
        for time_s in (10.0, 300.0):
            asyncio.get_running_loop().call_later(time_s, daemon.watchdog.look)

    life = host.live(BACK_OFF_S - 100.0, prepare=listen)
    assert life.control_s is None
    assert words == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_an_ordered_end_spends_nothing(host: Host) -> None:
    host.live(5.0)
    for _ in range(2 * CRASHES_MAX):
        life = host.live(5.0, ends_in_order=True)
        assert life.wait_s == 0.0 and not life.use_golden
        assert life.restart_count <= 1, "only the first one found a crash"
    assert "boot.planned" in life.events


@pytest.mark.parametrize("seed", range(2))
def test_no_sequence_of_deaths_ends_it_and_attempts_stay_bounded(host: Host, seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(12):
        if rng.random() < 0.25:
            host.die_in_start_up()
            continue
        life = host.live(rng.choice([0.3, 3.0, rng.uniform(0.3, 700.0)]))
        if life.end_s - life.start_s > LINK_UP_S:
            check_link(life)
        assert life.wait_s <= BACK_OFF_S
        if life.restart_count >= 3:
            assert not life.modes or life.modes[-1] is Mode.SAFE, life
    attempts_s = host.attempts_s()
    for first_s in attempts_s:
        within = [t for t in attempts_s if first_s <= t < first_s + BACK_OFF_S]
        assert len(within) <= CRASHES_MAX + 2, within
    last = host.live(BACK_OFF_S + 20.0)
    assert last.control_s is not None, "it still tries"
