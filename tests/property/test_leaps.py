"""A rate group that leaps over idle time runs what a waiting one runs, in the same order."""

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from flight.services.rate_group import RateGroup
from sim_hw.clock import SimLoop, run_simulated

MS = 1_000_000
PERIOD_NS = 100 * MS
END_NS = 3_000 * MS

# (period, first start) of services in ms: some meet the rate group's instants, some do not.
services = st.lists(
    st.tuples(st.sampled_from([30, 100, 250, 1000]), st.sampled_from([0, 1, 50, 100])), max_size=4
)
pokes = st.lists(st.integers(0, 29), max_size=4)  # cycles that wake a service at once
Log = list[tuple[int, str]]


def fly(
    each: list[tuple[int, int]], poked: list[int], *, leaps: bool, jumps: list[int]
) -> tuple[Log, int]:
    """Run services beside a rate group; return who ran when, and how often the group waited."""
    log: Log = []

    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        stop, poke, waits = asyncio.Event(), asyncio.Event(), 0

        async def serve(name: str, period_ms: int, first_ms: int) -> None:
            await asyncio.sleep(first_ms / 1e3)
            while not stop.is_set():
                log.append((loop.now_ns(), name))
                await asyncio.sleep(period_ms / 1e3)

        async def wait_for_pokes() -> None:
            while not stop.is_set():
                await poke.wait()
                poke.clear()
                log.append((loop.now_ns(), "poked"))

        def entry(now_ns: int) -> None:
            log.append((now_ns, "cycle"))
            if now_ns // PERIOD_NS in poked:
                poke.set()
            if now_ns >= END_NS:
                stop.set()
                poke.set()

        def leap(to_ns: int) -> bool:
            nonlocal waits
            done = leaps and loop.leap(to_ns)
            waits += not done
            return done

        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for_pokes(), name="pokes")
            for i, (period_ms, first_ms) in enumerate(each):
                group.create_task(serve(f"service {i}", period_ms, first_ms), name=f"service {i}")
            rate_group = RateGroup(PERIOD_NS, [("cycle", entry)], loop.now_ns, leap=leap)
            group.create_task(rate_group.run(stop), name="cycle")
        return waits

    note: Callable[[int], None] = jumps.append
    return log, run_simulated(main(), before_jump=note)


@given(services, pokes)
def test_all_run_at_the_same_instants_and_in_the_same_order(
    each: list[tuple[int, int]], poked: list[int]
) -> None:
    leapt_over: list[int] = []
    waited_for: list[int] = []
    leaping, _ = fly(each, poked, leaps=True, jumps=leapt_over)
    waiting, _ = fly(each, poked, leaps=False, jumps=waited_for)
    assert leaping == waiting
    assert leapt_over == waited_for  # a paced flight sleeps as often


def test_a_group_alone_waits_no_more_than_once() -> None:
    log, waits = fly([], [], leaps=True, jumps=[])
    assert [at_ns for at_ns, _ in log[:-1]] == list(range(0, END_NS + 1, PERIOD_NS))
    assert waits <= 1
