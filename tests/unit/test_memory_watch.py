"""Memory beyond its bound: said once, then the process is renewed on purpose, rarely."""

import asyncio

from flight.core.types import Event
from flight.services.memory_watch import MemoryWatch, read_rss_mib
from flight.services.restart_budget import MemoryBudgetStore
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000
HOUR_S = 3600


class Process:
    """A process whose memory is set by the test, and that a renewal starts anew."""

    def __init__(self, store: MemoryBudgetStore | None = None) -> None:
        self.store = MemoryBudgetStore() if store is None else store
        self.now_s = 0
        self.rss_mib = 80.0
        self.events: list[Event] = []
        self.renewals: list[int] = []
        self.watch = MemoryWatch(
            rss_mib_max=200.0,
            renew=lambda _why: self.renewals.append(self.now_s),
            now_ns=lambda: self.now_s * NS_PER_S,
            store=self.store,
            read_rss_mib=lambda: self.rss_mib,
            on_event=self.events.append,
        )

    def look(self, rss_mib: float, times: int = 1) -> None:
        self.rss_mib = rss_mib
        for _ in range(times):
            self.now_s += 60
            self.watch.look()


def test_a_process_beyond_its_bound_is_told_once_and_renewed_after_three_looks() -> None:
    process = Process()
    process.look(200.0, 10)
    assert process.events == []
    process.look(201.0, 2)
    assert [event.event_id for event in process.events] == ["memory.high"]
    assert "201 MiB resident, the bound is 200" in process.events[0].text
    assert process.renewals == []
    process.look(260.0)
    assert process.renewals == [780]
    assert process.watch.health.rss_mib_peak == 260.0


def test_a_peak_that_passes_renews_nothing_and_hovering_is_told_once() -> None:
    process = Process()
    for _ in range(20):
        process.look(210.0, 2)
        process.look(195.0)
    assert process.renewals == []
    assert len(process.events) == 1
    process.look(150.0)
    process.look(210.0)
    assert len(process.events) == 2


def test_a_bound_that_no_process_can_keep_does_not_restart_for_ever() -> None:
    store, renewals = MemoryBudgetStore(), []
    now_s = 0
    while now_s < 24 * HOUR_S:
        process = Process(store)
        process.now_s = now_s
        while not process.renewals and process.now_s < 24 * HOUR_S:
            process.look(300.0)
        renewals += process.renewals
        now_s = process.now_s
    assert len(renewals) == 4  # one in six hours


def test_the_service_reads_once_a_minute_and_shows_progress_each_second() -> None:
    process, reads = Process(), []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        process.watch._now_ns = loop.now_ns

        def read() -> float:
            reads.append(loop.now_ns() // NS_PER_S)
            return 80.0

        process.watch._read_rss_mib = read
        async with asyncio.TaskGroup() as group:
            group.create_task(process.watch.run(), name="memory")
            await asyncio.sleep(150.5)
            process.watch.request_end()

    run_simulated(main())
    assert reads == [0, 60, 120]
    assert process.watch.progress == 151


def test_the_memory_of_this_process_is_read() -> None:
    before = read_rss_mib()
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert read_rss_mib() - before > 50.0
    assert len(block) == 64 * 2**20
