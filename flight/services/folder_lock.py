"""One daemon per folder: two of them would write over each other's store and recording."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from flight.operator_error import OperatorError


@contextlib.contextmanager
def only_daemon_in(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs; the kernel lets go of it when the process dies.

    Raises:
        OperatorError: Another daemon holds it, or it cannot be held.
    """
    descriptor = -1
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        if isinstance(error, BlockingIOError):
            text = "another daemon runs in it; stop that one, or give another folder"
        else:
            text = f"cannot be held: {error.strerror}"
        raise OperatorError(f"--out {folder}: {text}") from None
    try:
        yield
    finally:
        os.close(descriptor)
