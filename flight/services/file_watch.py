"""One small file, read again when it changed. A hung disk costs a thread, never the daemon."""

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from flight.operator_error import OperatorError

T = TypeVar("T")

LOOK_S: Final = 1.0


class Sighting(NamedTuple, Generic[T]):
    """What a file held, or why it cannot be used: one line per mistake."""

    value: T | None = None
    errors: tuple[str, ...] = ()


class FileWatch(Generic[T]):
    """Looks at a file once a second; `take` gives each change once, the newest if several.

    A change counts only once the file has looked the same twice, so a file that is still being
    written is left alone. A file that is not there is no change. Without `start`, each `take`
    looks by itself: for virtual time, and for tests.

    A bug in `convert` ends the thread and is raised by the next `take`; `start` makes a new one.

    Args:
        bytes_max: A longer file is reported as an error and not read.
        convert: Makes the value from the bytes, in the thread; raises OperatorError.
    """

    def __init__(self, path: Path, *, bytes_max: int, convert: Callable[[bytes], T]) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._convert = convert
        self._seen: tuple[int, ...] = ()  # that was looked at last
        self._reported: tuple[int, ...] = ()
        self._sightings: deque[Sighting[T]] = deque(
            maxlen=1
        )  # the newest wins; safe across threads
        self._thread: threading.Thread | None = None
        self._bug: Exception | None = None  # that ended the thread
        self._ending = threading.Event()

    def start(self) -> None:
        """Look from a thread of its own from now on; a second call changes nothing."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._watch, name="file_watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the thread for good, without waiting: it may hang in a read."""
        self._ending.set()

    def take(self) -> Sighting[T] | None:
        """Return what changed since the last call, None for nothing. Never waits for the thread."""
        if self._bug is not None:
            bug, self._bug, self._thread = self._bug, None, None
            raise bug
        if self._thread is None:
            self.look()
        return self._sightings.popleft() if self._sightings else None

    def look(self) -> None:
        """Look once."""
        try:
            mark = _mark(self._path.stat())
        except FileNotFoundError:
            self._seen = ()
            return
        except OSError as error:
            self._report((error.errno or 0,), self._unreadable(error))
            return
        has_settled = mark == self._seen
        self._seen = mark
        if has_settled and mark != self._reported:
            self._report(mark, self._read())

    def _read(self) -> Sighting[T]:
        try:
            with self._path.open("rb") as file:
                data = file.read(self._bytes_max + 1)
        except OSError as error:
            return self._unreadable(error)
        if len(data) > self._bytes_max:
            return Sighting(errors=(f"{self._path}: is longer than {self._bytes_max} bytes",))
        try:
            return Sighting(self._convert(data))
        except OperatorError as error:
            return Sighting(errors=error.lines)

    def _unreadable(self, error: OSError) -> Sighting[T]:
        return Sighting(errors=(f"{self._path}: cannot be read: {error.strerror}",))

    def _report(self, mark: tuple[int, ...], sighting: Sighting[T]) -> None:
        if mark != self._reported:
            self._reported = mark
            self._sightings.append(sighting)

    def _watch(self) -> None:
        while not self._ending.is_set():
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  # for the task that takes what was seen
                self._bug = error
                return
            self._ending.wait(LOOK_S)


def _mark(stat: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written."""
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
