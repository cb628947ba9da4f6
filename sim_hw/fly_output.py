"""The folder of a flight: made fresh for each, never on top of something that is not a flight."""

from pathlib import Path

from flight.operator_error import OperatorError

SUMMARY_NAME = "summary.json"
OWN_FILES = (
    "recording.db",
    "recording.db-wal",
    "recording.db-shm",
    "recording.db.aside",
    "recording.db.aside-wal",
    "recording.db.aside-shm",
    "events.jsonl",
    "status.json",
    "status.new",
    "store.bin",
    "store.bin.new",
    "store.bin.damaged",
    "store.bin.newer",
    SUMMARY_NAME,
    "report.html",
)


def prepare_folder(folder: Path, *, keep: bool = False) -> Path:
    """Return the folder, existing and without an earlier flight.

    Args:
        keep: Leave what an earlier run wrote: the daemon goes on with its recording and its store.

    Raises:
        OperatorError: it is a file, cannot be made, or holds other things than a flight.
    """
    if folder.exists() and not folder.is_dir():
        raise OperatorError(f"--out {folder}: is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = {path.name for path in folder.iterdir()}
        others = sorted(present - set(OWN_FILES))
        if others:
            raise OperatorError(
                f"--out {folder}: holds {others[0]!r}, which is no part of a flight; "
                "give an empty folder or that of an earlier flight"
            )
        for name in () if keep else present:
            (folder / name).unlink()
    except OSError as error:
        raise OperatorError(f"--out {folder}: cannot be used: {error.strerror}") from None
    return folder
