"""Errors that no task holds, and the guard of the end."""

import asyncio
import threading

from flight.core.types import Event, Severity
from flight.services.exit_guard import ExitGuard
from flight.services.stray_errors import stray_errors_told


def _fail() -> None:
    raise KeyError("lost")


def test_an_error_in_a_thread_or_a_callback_becomes_an_event_with_its_line() -> None:
    events: list[Event] = []
    hook = threading.excepthook

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with stray_errors_told(events.append, lambda: 7):
            thread = threading.Thread(target=_fail, name="writer")
            thread.start()
            thread.join()
            loop.call_soon(_fail)
            for _ in range(3):
                await asyncio.sleep(0)
        assert loop.get_exception_handler() is None

    asyncio.run(main())
    assert threading.excepthook is hook
    assert {event.event_id for event in events} == {"daemon.stray_error"}
    assert {event.severity for event in events} == {Severity.WARNING}
    by_subject = {event.subject: event.text for event in events}
    assert by_subject["writer"].startswith("KeyError: 'lost' at test_stray_errors.py:")
    assert "KeyError: 'lost' at test_stray_errors.py:" in by_subject["event loop"]


def test_an_error_of_a_thread_after_the_loop_raises_nothing_further() -> None:
    gate, done = threading.Event(), threading.Event()
    events: list[Event] = []

    def late() -> None:
        gate.wait(60.0)
        _fail()

    async def main() -> threading.Thread:
        with stray_errors_told(events.append, lambda: 7):
            thread = threading.Thread(target=late)
            thread.start()
            hook = threading.excepthook

        def after(args: threading.ExceptHookArgs) -> None:
            hook(args)
            done.set()

        threading.excepthook = after
        return thread

    before = threading.excepthook
    try:
        thread = asyncio.run(main())
        gate.set()
        thread.join(60.0)
    finally:
        threading.excepthook = before
    assert done.is_set() and not events


def test_the_guard_ends_the_process_with_its_newest_code_unless_it_is_disarmed() -> None:
    codes: list[int] = []
    ended = threading.Event()

    def exit_now(code: int) -> None:
        codes.append(code)
        ended.set()

    guard = ExitGuard(0.02, exit_now=exit_now)
    guard.arm(3)
    assert ended.wait(60.0)
    assert codes == [3]

    held = ExitGuard(3600.0, exit_now=exit_now)
    held.arm(3)
    held.arm(0)
    assert held.exit_code == 0
    held.disarm()
    assert held._thread is not None
    held._thread.join(60.0)
    assert not held._thread.is_alive() and codes == [3]
