"""A small file that always holds the newest state, written by a thread of its own.

Each version appears whole, by rename. It is not synced: it tells of the present and belongs on a
memory file system. The newest version wins when the disk is slower than the changes.
"""

import contextlib
import threading
from pathlib import Path
from typing import Final

RETRY_S: Final = 10.0  # of a version that could not be written


class LatestFile:
    """Writes what `put` was given last. `put` never waits and never raises.

    Attributes:
        written: Versions written.
        error: Why the newest version could not be written, "" when it was.
    """

    def __init__(self, path: Path) -> None:
        self.written = 0
        self.error = ""
        self._path = path
        self._data: bytes | None = None
        self._changed = threading.Condition()
        self._is_ending = False
        self._thread: threading.Thread | None = None

    def put(self, data: bytes) -> None:
        """Hand over a new version. Its thread holds the lock for an assignment only."""
        with self._changed:
            self._data = data
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="latest_file", daemon=True)
                self._thread.start()
            self._changed.notify()

    def end(self) -> None:
        """Write what waits, take the file away and stop, without waiting for it."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to stop, after `end`."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._data is None and not self._is_ending:
                    self._changed.wait()
                data, self._data = self._data, None
            if data is None:
                with contextlib.suppress(OSError):
                    self._path.unlink()  # whoever reads it later must not take it for the present
                return
            if not self._write(data):
                self._wait_to_retry(data)

    def _wait_to_retry(self, data: bytes) -> None:
        with self._changed:
            if self._data is None and not self._is_ending:
                self._changed.wait(RETRY_S)
            if self._data is None and not self._is_ending:
                self._data = data

    def _write(self, data: bytes) -> bool:
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            beside.write_bytes(data)
            beside.replace(self._path)
        except OSError as error:
            self.error = f"{self._path}: cannot be written: {error.strerror}"
            return False
        self.written += 1
        self.error = ""
        return True
