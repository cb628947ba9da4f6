"""Whole daemons for tests: put together as `nightside sim` does, and flown briefly."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from flight.assembly import STORE_NAME, Daemon
from flight.config import NodeConfig
from flight.services.daemon import Ending, run_daemon
from flight.services.slot_file import MemoryFiles, SlotFile
from flight.services.store import HostBoot
from flight.services.stored_state import StoredState, decode
from sim_hw.clock import SimLoop, run_simulated
from tests.events_told import runner_and_events
from tests.system.flying import REF1, scenario, setup_of

NS_PER_S = 1_000_000_000


class Assembled:
    """One flight with the whole daemon around it; `events` are all it told.

    A bug in the cycle does not end the flight, as it would in `nightside sim`: the supervisor does
    what it does in flight.

    Args:
        act: Called with the daemon before its first cycle, e.g. to break something.
        files: The disk of the store, handed from one run to the next; None: a new one.
        seconds: Of flight.
    """

    def __init__(
        self,
        folder: Path,
        *,
        act: Callable[["Assembled"], Any] = lambda _flown: None,
        files: MemoryFiles | None = None,
        config: NodeConfig = REF1,
        seconds: float = 2.0,
        boot_id: str = "boot-1",
        begin_ns: int = 1000 * NS_PER_S,
    ) -> None:
        self.files = MemoryFiles() if files is None else files
        self.boot_id, self.begin_ns = boot_id, begin_ns
        self.ending: Ending
        self.daemon: Daemon
        self.error: BaseException | None = None
        self._act, self._seconds = act, seconds
        setup = setup_of(scenario(), config=config, duration_s=seconds)
        self.runner, self.events = runner_and_events(setup, folder)  # events: all that was told

    def ids(self) -> list[str]:
        """The ids of the events."""
        return [event.event_id for event in self.events]

    def kept(self) -> StoredState:
        """What the store's disk holds."""
        slots = SlotFile(self.runner._out / STORE_NAME, files=self.files).load().slots
        return decode(slots[0].schema, slots[0].body)

    def fly(self) -> "Assembled":
        """Fly to the end; what run_daemon raises is kept in `error`."""
        try:
            run_simulated(self._main())
        finally:
            self.runner.close_files()
            self.runner.flight.close()
        return self

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.ending = Ending()
        host = HostBoot(boot_id=self.boot_id, now_ns=lambda: self.begin_ns + loop.now_ns())
        with mock.patch("flight.assembly.MemoryFiles", return_value=self.files):
            self.daemon = self.runner.make_daemon(loop.now_ns, "session", self.ending, host=host)
        self.runner._ending = None
        loop.call_later(self._seconds, self.ending.end)
        self._act(self)
        try:
            await run_daemon(
                self.daemon.parts, ending=self.ending, handle_signals=False, write=lambda _t: None
            )
        except Exception as error:  # noqa: BLE001  # a test looks at it
            self.error = error
