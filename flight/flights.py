"""Where flights lie, and which recording a person means."""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

from flight.operator_error import OperatorError, suggest
from flight.services.recording import RecordingReader

FLIGHTS_DIR = Path("flights")
RECORDING_NAME = "recording.db"
RUNS_NAME = "runs.json"
_BESIDE = (".html", ".json", ".jsonl")  # files that lie beside a recording


def find_recording(flight: Path | None) -> Path:
    """Return the recording of a flight.

    Args:
        flight: A flight's folder or its recording; None: the newest folder in flights/.

    Raises: OperatorError, when there is none.
    """
    if flight is None:
        found = sorted(FLIGHTS_DIR.glob(f"*/{RECORDING_NAME}"), key=lambda p: p.stat().st_mtime)
        if not found:
            raise OperatorError(
                f"{FLIGHTS_DIR}/ holds no flight; fly one first (nightside sim) or name its folder"
            )
        return found[-1]
    path = flight / RECORDING_NAME if flight.is_dir() else flight
    if path.suffix in _BESIDE and path.is_file():
        raise OperatorError(f"{path}: is no recording; give the folder of the flight")
    if not path.is_file() and (flight / RUNS_NAME).is_file():
        runs = sorted(p.parent.name for p in flight.glob(f"run-*/{RECORDING_NAME}"))
        mend = f"; give one of them, such as {flight / runs[0]}" if runs else ""
        raise OperatorError(f"{flight}: is a folder of runs{mend}")
    if not path.is_file():
        folders = [p.name for p in flight.parent.glob("*") if p.is_dir() and p != flight]
        near = suggest(flight.name, folders)
        raise OperatorError(
            f"{flight}: holds no {RECORDING_NAME}; give the folder of a flight{near}"
        )
    return path


def open_recording(flight: Path | None, run: int | None = None) -> tuple[Path, RecordingReader]:
    """Return the recording of a flight and a reader of one of its runs; None: the newest.

    Raises: OperatorError, when there is none, or it cannot be read.
    """
    path = find_recording(flight)
    with reading(path):
        return path, RecordingReader(path, run)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell in the words of an operator what is wrong with a recording, with its path before it.

    Raises: OperatorError, for what is damaged, of another version, or not in it.
    """
    try:
        yield
    except OperatorError as error:
        raise OperatorError([_placed(path, line) for line in error.lines]) from None
    except sqlite3.OperationalError as error:
        raise OperatorError(_placed(path, f"cannot be read: {error}")) from None
    except (sqlite3.Error, zlib.error, UnicodeDecodeError) as error:
        raise OperatorError(_placed(path, f"is damaged: {error}")) from None
    except (ValueError, LookupError) as error:
        raise OperatorError(_placed(path, str(error))) from None


def _placed(path: Path, line: str) -> str:
    line = " ".join(line.split())  # SQLite quotes what it cannot read
    return line if line.startswith(str(path)) else f"{path}: {line}"
