"""A pause that can be cut short, cheap enough for services that wake every second."""

import asyncio


class Nap:
    """`wake` before `sleep` is remembered: the next sleep is over at once.

    For one sleeper. Of two, as while a run that ignores being cancelled is replaced, `wake` ends
    the later one's sleep; each ends by itself in its own time. Not safe across threads.
    """

    def __init__(self) -> None:
        self._sleeper: asyncio.Future[None] | None = None
        self._is_awake = False

    async def sleep(self, length_s: float) -> None:
        """Wait so long, or until `wake`."""
        if not self._is_awake:
            loop = asyncio.get_running_loop()
            sleeper = self._sleeper = loop.create_future()
            timer = loop.call_later(length_s, _end, sleeper)
            try:
                await sleeper
            finally:
                timer.cancel()
                if self._sleeper is sleeper:
                    self._sleeper = None
        self._is_awake = False

    def wake(self) -> None:
        """End the present sleep, or the next one."""
        self._is_awake = True
        if self._sleeper is not None:
            _end(self._sleeper)


def _end(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
