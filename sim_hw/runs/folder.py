"""The folder of many flights: run-001, run-002, ... and runs.json."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from flight.flights import RUNS_NAME
from flight.operator_error import OperatorError
from flight.services.folder_lock import only_daemon_in
from sim_hw.fly_output import OWN_FILES

OWN_RUNS_FILES = (RUNS_NAME, "report.html")
_RUN = re.compile(r"run-\d{3,}")
_DIGITS_MIN = 3


def run_folders(folder: Path, count: int) -> list[Path]:
    """Return the folders of so many runs, which need not be there; in order when listed by name."""
    digits = max(_DIGITS_MIN, len(str(count)))
    return [folder / f"run-{number:0{digits}}" for number in range(1, count + 1)]


@contextlib.contextmanager
def runs_folder(folder: Path) -> Iterator[Path]:
    """Hold a folder, existing and without earlier runs, while the block runs.

    Raises:
        OperatorError: it is a file, cannot be made, is in use, or holds other things than runs;
            nothing was removed then.
    """
    if folder.exists() and not folder.is_dir():
        raise OperatorError(f"--out {folder}: is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from None
    with only_daemon_in(folder):
        try:
            _clear(folder)
        except OSError as error:
            raise _unusable(folder, error) from None
        yield folder


def _unusable(folder: Path, error: OSError) -> OperatorError:
    return OperatorError(f"--out {folder}: cannot be used: {error.strerror}")


def _clear(folder: Path) -> None:
    present = sorted(folder.iterdir())
    for path in present:
        _refuse_foreign(folder, path)
    for path in present:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _refuse_foreign(folder: Path, path: Path) -> None:
    others = [path.name] if path.name not in OWN_RUNS_FILES else []
    if path.is_dir() and not path.is_symlink() and _RUN.fullmatch(path.name):
        others = sorted(
            f"{path.name}/{inner.name}"
            for inner in path.iterdir()
            if inner.name not in OWN_FILES or inner.is_dir()
        )
        with only_daemon_in(path):  # nor is the folder of a running daemon cleared
            pass
    if others:
        raise OperatorError(
            f"--out {folder}: holds {others[0]!r}, which is no part of such runs; "
            "give an empty folder or that of earlier runs"
        )
