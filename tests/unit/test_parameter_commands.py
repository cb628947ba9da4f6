"""Commands that change parameters: one after the other, answered once, durable before «done»."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.config import NodeConfig
from flight.core.types import Ack, Command
from flight.services.parameter_commands import ARGUMENTS, WAITING_MAX, ParameterCommands
from flight.services.parameters import Parameters
from flight.services.slot_file import MemoryFiles
from flight.services.store import HostBoot, Store
from flight.services.stored_state import StoredState
from sim_hw.clock import SimLoop, run_simulated

KEY = "guard.setpoint_c"


class Bench:
    """The service on a real store, inside a running loop. disk_works: False, or slow for so long.

    disk: what has reached it, as of each answer.
    """

    def __init__(self) -> None:
        self.answers: list[Ack] = []
        self.disk: list[StoredState] = []
        self.disk_works = True
        self.slow_s = 0.0
        self.durable = StoredState()
        self.fails: Exception | None = None
        self.store = Store(
            Path("/state/node.state"),
            host=HostBoot(boot_id="one", now_ns=self.now_ns),
            now_ns=self.now_ns,
            files=MemoryFiles(),
        )
        self.store.open()
        self.parameters = Parameters(
            NodeConfig(),
            self.store.state.parameters,
            save=lambda new: self.store.update(parameters=new),
            boottime_ns=self.now_ns,
            now_ns=self.now_ns,
        )
        self.commands = ParameterCommands(self.parameters, secure=self._secure, answer=self._answer)

    def now_ns(self) -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        return loop.now_ns()

    def do(self, name: str, **arguments: float | str) -> None:
        number = len(self.answers) + len(self.commands._waiting)
        self.commands.submit(Command(f"{name}-{number}", name, tuple(arguments.items())))

    async def _secure(self) -> bool:
        if self.fails is not None:
            raise self.fails
        await asyncio.sleep(self.slow_s)
        if self.disk_works:
            self.durable = self.store.state
            return self.store.commit()
        return False

    def _answer(self, ack: Ack) -> None:
        self.answers.append(ack)
        self.disk.append(self.durable)


def fly(script: Callable[[Bench], Coroutine[None, None, None]]) -> Bench:
    """Run the service until the script is over and everything is answered."""

    async def main() -> Bench:
        bench = Bench()
        async with asyncio.TaskGroup() as group:
            group.create_task(bench.commands.run())
            await script(bench)
            await asyncio.sleep(5.0)
            bench.commands.request_end()
        return bench

    return run_simulated(main())


def said(bench: Bench) -> list[tuple[bool, str]]:
    return [(ack.ok, ack.reason) for ack in bench.answers]


def test_commands_are_done_in_their_order_and_each_is_durable_before_its_answer() -> None:
    async def script(bench: Bench) -> None:
        bench.slow_s = 0.5
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("activate_parameters", confirm_s=60.0)
        bench.do("confirm_parameters")

    bench = fly(script)
    assert said(bench) == [(True, "done")] * 3
    staged, activated, confirmed = (state.parameters for state in bench.disk)
    assert staged.staged == {KEY: 80.0} and not staged.active
    assert activated.active == {KEY: 80.0} and activated.before == {}
    assert confirmed.active == {KEY: 80.0} and confirmed.before is None


def test_the_answer_names_what_only_a_restart_puts_in_force() -> None:
    async def script(bench: Bench) -> None:
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("set_parameter", key="loop.lead_pump", value="b")
        bench.do("activate_parameters", confirm_s=60.0)

    text = "done; from the next start of the daemon on: loop.lead_pump"
    assert said(fly(script)) == [(True, "done"), (True, "done"), (True, text)]


def test_what_the_disk_did_not_take_is_not_done() -> None:
    async def script(bench: Bench) -> None:
        bench.disk_works = False
        bench.do("set_parameter", key=KEY, value=80.0)

    assert said(fly(script)) == [(False, "in force, but the store cannot be written")]


def test_a_refusal_does_not_wait_for_the_disk() -> None:
    async def script(bench: Bench) -> None:
        bench.fails = AssertionError("nothing is to be written")
        bench.do("set_parameter", key=KEY, value=990.0)

    [(ok, reason)] = said(fly(script))
    assert not ok and "write 50 to 84" in reason


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("set_parameter", {"key": KEY}, "missing value"),
        ("set_parameter", {"value": 1.0}, "missing key"),
        ("set_parameter", {}, "missing key; missing value"),
        ("confirm_parameters", {"now": 1.0}, "unknown now"),
        ("reset_parameter", {"keys": KEY}, "missing key; unknown keys"),
        ("set_parameter", {"key": 5.0, "value": 1.0}, "5.0: is not a parameter"),
        ("set_parameter", {"key": KEY, "value": "80"}, f"{KEY} = '80': write 50 to 84 degC"),
        ("activate_parameters", {"confirm_s": "10"}, "confirm_s must be a number of seconds: '10'"),
        ("activate_parameters", {}, "nothing is staged"),
        ("confirm_parameters", {}, "nothing waits for a confirmation"),
        ("revert_parameters", {}, "nothing waits for a confirmation"),
    ],
)
def test_a_command_that_cannot_be_is_refused_with_its_reason(
    name: str, arguments: dict[str, float | str], reason: str
) -> None:
    async def script(bench: Bench) -> None:
        bench.do(name, **arguments)

    assert said(fly(script)) == [(False, reason)]


def test_what_is_reset_discarded_and_reverted_is_as_before() -> None:
    async def script(bench: Bench) -> None:
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("discard_parameters")
        bench.do("activate_parameters")
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("activate_parameters", confirm_s=60.0)
        bench.do("revert_parameters")
        bench.do("set_parameter", key=KEY, value=81.0)
        bench.do("reset_parameter", key=KEY)
        bench.do("activate_parameters")

    bench = fly(script)
    assert [ok for ok, _ in said(bench)] == [True, True, False, True, True, True, True, True, True]
    assert bench.parameters.set.active == {}
    assert bench.parameters.config == NodeConfig()


def test_unconfirmed_in_time_is_taken_back_without_a_command() -> None:
    async def script(bench: Bench) -> None:
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("activate_parameters", confirm_s=10.0)
        await asyncio.sleep(9.0)
        assert bench.parameters.config.guard.setpoint_c == 80.0
        await asyncio.sleep(3.0)
        assert bench.parameters.config.guard.setpoint_c == 82.0
        bench.do("confirm_parameters")

    assert [ok for ok, _ in said(fly(script))] == [True, True, False]


def test_one_command_too_many_is_refused_at_once_and_the_others_are_done() -> None:
    async def script(bench: Bench) -> None:
        for _ in range(WAITING_MAX + 1):
            bench.do("discard_parameters")

    bench = fly(script)
    text = f"{WAITING_MAX} parameter commands already wait"
    assert said(bench) == [(False, text)] + [(True, "done")] * WAITING_MAX


def test_what_waits_at_the_end_is_answered_as_interrupted() -> None:
    async def script(bench: Bench) -> None:
        bench.slow_s = 1.0
        bench.do("set_parameter", key=KEY, value=80.0)
        bench.do("activate_parameters")
        await asyncio.sleep(0.5)
        bench.commands.request_end()

    bench = fly(script)
    assert [(ok, reason[:11]) for ok, reason in said(bench)] == [
        (True, "done"),
        (False, "interrupted"),
    ]
    assert bench.parameters.config == NodeConfig()


def test_a_run_that_is_killed_in_the_midst_answers_everything_that_it_had_taken() -> None:
    async def main() -> Bench:
        bench = Bench()
        bench.slow_s = 10.0
        task = asyncio.create_task(bench.commands.run())
        for _ in range(3):
            bench.do("discard_parameters")
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return bench

    bench = run_simulated(main())
    assert len(bench.answers) == 3
    assert all(not ok and reason.startswith("interrupted") for ok, reason in said(bench))


def test_a_bug_in_the_way_to_the_disk_still_leaves_an_answer() -> None:
    async def main() -> Bench:
        bench = Bench()
        bench.fails = KeyError("bug")
        bench.do("discard_parameters")
        with pytest.raises(KeyError):
            await bench.commands.run()
        return bench

    assert said(run_simulated(main())) == [(False, "interrupted")]


@given(
    st.lists(st.tuples(st.sampled_from(sorted(ARGUMENTS)), st.booleans(), st.floats()), max_size=12)
)
def test_every_command_has_exactly_one_answer_and_done_is_on_the_disk(steps) -> None:
    async def script(bench: Bench) -> None:
        for name, works, value in steps:
            bench.disk_works = works
            wants = {"key": KEY, "value": value, "confirm_s": 30.0}
            taken = ARGUMENTS[name][0] | ARGUMENTS[name][1]
            bench.do(name, **{key: wants[key] for key in taken})
            await asyncio.sleep(0.1)
            if bench.answers[-1].ok:
                assert bench.disk[-1].parameters == bench.parameters.set

    bench = fly(script)
    ids = [ack.command_id for ack in bench.answers]
    assert len(ids) == len(set(ids)) == len(steps)
