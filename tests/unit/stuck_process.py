"""`nightside run` as a process in which something is wrong: argv: folder, what it is."""

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flight import assembly
from flight.services.cycle import Cycle
from flight.services.exit_guard import ExitGuard
from flight.services.plan_input import PlanInput
from flight.services.status import StatusWriter
from flight.services.supervised import Child
from sim_hw import fly_realtime

CONFIG = Path(__file__).parents[2] / "examples/configs/ref1.toml"


async def _ignore_cancel(self: PlanInput) -> None:
    while True:
        self.progress += 1
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


async def _hold_a_thread(_self: PlanInput) -> None:
    await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)


def _fail_once(shipped: Callable[..., Any]) -> Callable[..., Any]:
    calls: list[None] = []

    def fail_once(*arguments: Any) -> Any:
        calls.append(None)
        if len(calls) == 3:
            raise KeyError("bug")
        return shipped(*arguments)

    return fail_once


def main() -> int:
    folder, stuck = sys.argv[1:]
    if stuck == "task":
        PlanInput.run = _ignore_cancel  # type: ignore[method-assign]
    elif stuck == "cycle":
        Cycle._decide = _fail_once(Cycle._decide)  # type: ignore[method-assign]
    elif stuck == "sink":
        StatusWriter.record = _fail_once(StatusWriter.record)  # type: ignore[method-assign]
    elif stuck == "thread":
        PlanInput.run = _hold_a_thread  # type: ignore[method-assign]
    assembly.Child = partial(Child, stop_timeout_s=0.1)  # type: ignore[misc,assignment]
    fly_realtime.ExitGuard = partial(ExitGuard, 1.0)  # type: ignore[misc,assignment]
    return fly_realtime.run_realtime(config_path=CONFIG, duration="1s", out=Path(folder))


if __name__ == "__main__":
    sys.exit(main())
