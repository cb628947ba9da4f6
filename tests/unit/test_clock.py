"""Virtual time: exact, ordered, deaf to the world."""

import asyncio
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_hw.clock import RealIoRefused, SimDeadlock, SimLoop, run_simulated

NS_PER_S = 1_000_000_000


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


def test_sleep_moves_the_clock_by_exactly_its_length() -> None:
    async def main() -> int:
        await asyncio.sleep(0.1)
        await asyncio.sleep(1e-9)
        return now_ns()

    assert run_simulated(main(), start_ns=5) == 5 + 100_000_001


def test_a_day_of_tenths_does_not_drift() -> None:
    async def main() -> int:
        for _ in range(10_000):
            await asyncio.sleep(0.1)
        return now_ns()

    day_ns = 86_400 * NS_PER_S
    assert run_simulated(main(), start_ns=day_ns) == day_ns + 1000 * NS_PER_S


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_timers_fire_by_time_and_then_in_the_order_armed(delays_ms: list[int]) -> None:
    fired: list[tuple[int, int]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for place, delay_ms in enumerate(delays_ms):
            loop.call_later(delay_ms / 1e3, lambda p=place: fired.append((now_ns(), p)))
        await asyncio.sleep(1.0)

    run_simulated(main())
    assert fired == sorted((ms * 1_000_000, place) for place, ms in enumerate(delays_ms))


def test_a_timer_that_is_due_fires_although_other_tasks_stay_ready() -> None:
    async def main() -> int:
        fired = asyncio.Event()
        asyncio.get_running_loop().call_later(0.0, fired.set)
        rounds = 0
        while not fired.is_set():
            await asyncio.sleep(0)
            rounds += 1
        return rounds

    assert run_simulated(main()) <= 2


def test_a_timeout_ends_at_its_own_instant() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.Event().wait()
        return now_ns()

    assert run_simulated(main()) == 2_500_000_000


def test_cancelled_timers_neither_fire_nor_pile_up() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        for _ in range(10_000):
            async with asyncio.timeout(1e6):
                await asyncio.sleep(0.0)
        kept = len(loop._timers)
        assert now_ns() == 0
        loop.call_later(1.0, pytest.fail).cancel()
        await asyncio.sleep(2.0)
        return kept

    assert run_simulated(main()) < 300


def test_a_timer_that_has_fired_counts_as_cancelled_no_more() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        for _ in range(1000):
            fired = asyncio.Event()
            timer = loop.call_later(1.0, fired.set)
            await fired.wait()
            timer.cancel()
        return loop._timers_cancelled

    assert run_simulated(main()) == 0


def test_waiting_for_nothing_is_a_deadlock_that_names_the_tasks() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="link")
            await asyncio.sleep(3.0)

    with pytest.raises(SimDeadlock, match=r"nothing can ever wake at 3.0+ s.*link"):
        run_simulated(main())


def test_the_result_and_the_exception_of_main_pass_through() -> None:
    async def good() -> str:
        return "done"

    async def bad() -> None:
        raise KeyError("mine")

    assert run_simulated(good()) == "done"
    with pytest.raises(KeyError, match="mine"):
        run_simulated(bad())


async def ask_thread() -> None:
    await asyncio.to_thread(int)


async def ask_subprocess() -> None:
    await asyncio.create_subprocess_exec("true")


async def ask_connection() -> None:
    await asyncio.open_connection("127.0.0.1", 1)


async def ask_name() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 1)


async def ask_reader() -> None:
    asyncio.get_running_loop().add_reader(0, int)


async def ask_socket() -> None:
    with socket.socket() as mine:
        await asyncio.get_running_loop().sock_recv(mine, 1)


async def ask_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(15, int)


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (ask_thread, "run_in_executor"),
        (ask_subprocess, "subprocess_exec"),
        (ask_connection, "create_connection"),
        (ask_name, "getaddrinfo"),
        (ask_reader, "add_reader"),
        (ask_socket, "sock_recv"),
        (ask_signal, "add_signal_handler"),
    ],
)
def test_the_real_world_is_refused_by_name(ask, name) -> None:
    with pytest.raises(RealIoRefused, match=name):
        run_simulated(ask())


def test_another_thread_cannot_schedule() -> None:
    caught: list[BaseException] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def intrude() -> None:
            try:
                loop.call_soon_threadsafe(int)
            except RealIoRefused as error:
                caught.append(error)

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()

    run_simulated(main())
    assert len(caught) == 1


def test_the_hook_sees_each_jump_before_it_happens() -> None:
    jumps: list[tuple[int, int]] = []

    async def main() -> None:
        await asyncio.sleep(1.0)
        await asyncio.sleep(0.0)
        await asyncio.sleep(2.0)

    loop_now: list[SimLoop] = []

    def before_jump(to_ns: int) -> None:
        loop_now.append(asyncio.get_running_loop())  # type: ignore[arg-type]
        jumps.append((loop_now[-1].now_ns(), to_ns))

    run_simulated(main(), before_jump=before_jump)
    assert jumps == [(0, NS_PER_S), (NS_PER_S, 3 * NS_PER_S)]
