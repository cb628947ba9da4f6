"""Where flights lie, and which recording a person means."""

from pathlib import Path

from flight.operator_error import OperatorError, suggest
from flight.services.recording import RecordingReader

FLIGHTS_DIR = Path("flights")
RECORDING_NAME = "recording.db"


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
    try:
        return path, RecordingReader(path, run)
    except (ValueError, LookupError) as error:
        raise OperatorError(str(error)) from None
