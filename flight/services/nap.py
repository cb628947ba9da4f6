"""A pause that can be cut short, cheap enough for services that wake every second."""

import asyncio


class Nap:
    """One sleeper at a time. `wake` before `sleep` is remembered: the next sleep is over at once.

    Not safe across threads.
    """

    def __init__(self) -> None:
        self._sleeper: asyncio.Future[None] | None = None
        self._is_awake = False

    async def sleep(self, length_s: float) -> None:
        """Wait so long, or until `wake`."""
        if not self._is_awake:
            loop = asyncio.get_running_loop()
            self._sleeper = loop.create_future()
            timer = loop.call_later(length_s, self.wake)
            try:
                await self._sleeper
            finally:
                timer.cancel()
                self._sleeper = None
        self._is_awake = False

    def wake(self) -> None:
        """End the present sleep, or the next one."""
        self._is_awake = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
