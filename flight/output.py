"""What becomes of what a command prints when nobody reads it, or no room is left for it."""

import contextlib
import errno
import os
import sys

from flight.operator_error import OperatorError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def flush_output() -> None:
    """Write out what was printed, while somebody can still be told that it failed."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def drop_output() -> None:
    """Let nothing more be written to stdout, at the end of the process either."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be none
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)


def output_error(error: OSError) -> OperatorError | None:
    """Return what to tell of an error that no command has told; None: it is not one of a disk."""
    if error.errno not in _NO_ROOM:
        return None
    what = error.filename or "the output"
    return OperatorError(f"{what}: cannot be written: {error.strerror}")
