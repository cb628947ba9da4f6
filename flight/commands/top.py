"""`nightside top`: a live view of a node, or a recording with a time slider."""

import argparse
import json
import sys
from pathlib import Path

from flight.commands import EXIT_OK, Commands
from flight.operator_error import OperatorError

RUN_FOLDER = Path("flights/run")
RECORDING_NAME = "recording.db"


def add(commands: Commands) -> None:
    """Declare the command."""
    top = commands.add_parser("top", help="live view of a running node or of a recording")
    top.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=RUN_FOLDER,
        help="folder of a running daemon or of a flight, or a recording (default: flights/run)",
    )
    top.add_argument("--recording", action="store_true", help="the recording, not what runs now")
    top.add_argument("--once", action="store_true", help="print one page and end")
    top.add_argument("--json", action="store_true", help="print what it knows as JSON and end")
    top.set_defaults(run=_top)


def _top(arguments: argparse.Namespace) -> int:
    from flight.top.app import TopApp, print_once
    from flight.top.sources import RecordingSource, RunSource, Source

    folder: Path = arguments.folder
    recording = folder / RECORDING_NAME if folder.is_dir() else folder
    source: Source
    if not arguments.recording and (folder / "status.json").is_file():
        source = RunSource(folder)
    elif recording.is_file():
        source = RecordingSource(recording)
    elif arguments.recording:
        raise OperatorError(f"{folder}: holds no {RECORDING_NAME}; give the folder of a flight")
    else:
        source = RunSource(folder)
    if arguments.json:
        print(json.dumps(source.read(None), indent=2))
    elif arguments.once or not sys.stdout.isatty():
        from rich.console import Console

        print_once(source, Console())
    else:
        TopApp(source).run()
    return EXIT_OK
