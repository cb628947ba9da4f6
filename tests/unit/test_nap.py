"""Naps of services: cut short by `wake`, never for longer than they were meant, no wake lost."""

import asyncio

import pytest

from flight.services.nap import Nap
from sim_hw.clock import run_simulated


async def _napped(nap: Nap, length_s: float) -> float:
    """Sleep, and return for how long."""
    time_s = asyncio.get_running_loop().time
    began_s = time_s()
    await nap.sleep(length_s)
    return time_s() - began_s


def test_a_nap_ends_by_itself_or_by_a_wake_whichever_is_first() -> None:
    async def main() -> list[float]:
        nap = Nap()
        lengths = [await _napped(nap, 3.0)]
        asyncio.get_running_loop().call_later(1.0, nap.wake)
        return [*lengths, await _napped(nap, 3.0), await _napped(nap, 3.0)]

    assert run_simulated(main()) == pytest.approx([3.0, 1.0, 3.0])


def test_a_wake_that_comes_between_two_naps_is_not_lost_and_counts_once() -> None:
    async def main() -> list[float]:
        nap = Nap()
        nap.wake()
        nap.wake()
        return [await _napped(nap, 3.0), await _napped(nap, 3.0)]

    assert run_simulated(main()) == pytest.approx([0.0, 3.0])


def test_a_nap_that_was_cancelled_leaves_nothing_behind() -> None:
    async def main() -> float:
        nap = Nap()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(nap.sleep(5.0), name="sleeper")
            await asyncio.sleep(1.0)
            task.cancel()
        return await _napped(nap, 7.0)

    assert run_simulated(main()) == pytest.approx(7.0)


def test_two_sleepers_do_not_take_each_others_end() -> None:
    """A run that ignored being cancelled sleeps on beside the one that has taken its place."""

    async def main() -> list[float]:
        nap = Nap()
        async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
            first = group.create_task(_napped(nap, 3.0), name="first")
            await asyncio.sleep(1.0)
            second = group.create_task(_napped(nap, 4.0), name="second")
        return [first.result(), second.result()]

    assert run_simulated(main()) == pytest.approx([3.0, 4.0])
