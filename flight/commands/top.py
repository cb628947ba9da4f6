"""`nightside top`: a live view of a node, or a recording with a time slider."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flight.commands import EXIT_OK, Commands
from flight.flights import RECORDING_NAME
from flight.operator_error import OperatorError

if TYPE_CHECKING:
    from flight.top.sources import Source

RUN_FOLDER = Path("flights/run")
STATUS_NAME = "status.json"


def add(commands: Commands) -> None:
    """Declare the command."""
    top = commands.add_parser("top", help="live view of a running node or of a recording")
    top.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="folder of a running daemon or of a flight, or a recording (default: flights/run)",
    )
    top.add_argument("--recording", action="store_true", help="the recording, not what runs now")
    top.add_argument(
        "--link",
        type=Path,
        metavar="CONFIG",
        help="listen at the broker of this configuration's [link], as the ground does",
    )
    top.add_argument(
        "--run",
        dest="run_number",
        type=int,
        metavar="N",
        help="of a recording; default: the newest",
    )
    top.add_argument("--once", action="store_true", help="print one page and end")
    top.add_argument("--json", action="store_true", help="print what it knows as JSON and end")
    top.set_defaults(run=_top)


def _top(arguments: argparse.Namespace) -> int:
    from flight.top.link_source import LinkSource

    source = _source(arguments)
    is_page = arguments.json or arguments.once or not sys.stdout.isatty()
    try:
        if is_page and isinstance(source, LinkSource):
            source.wait()
        return _show(source, arguments)
    finally:
        if isinstance(source, LinkSource):
            source.close()


def _source(arguments: argparse.Namespace) -> "Source":
    from flight.top.sources import RecordingSource, RunSource

    if arguments.link is not None:
        return _link_source(arguments)
    folder: Path = arguments.folder or RUN_FOLDER
    recording = folder / RECORDING_NAME if folder.is_dir() else folder
    is_recording = arguments.recording or arguments.run_number is not None
    if not is_recording and (recording.name == STATUS_NAME or (folder / STATUS_NAME).is_file()):
        return RunSource(folder)
    if recording.is_file():
        return RecordingSource(recording, arguments.run_number)
    if is_recording:
        raise OperatorError(f"{folder}: holds no {RECORDING_NAME}; give the folder of a flight")
    return RunSource(folder)


def _link_source(arguments: argparse.Namespace) -> "Source":
    from flight.config_check import check_config
    from flight.top.link_source import LinkSource, make_transport

    for given, name in (
        (arguments.folder, "a folder"),
        (arguments.recording, "--recording"),
        (arguments.run_number, "--run"),
    ):
        if given:
            raise OperatorError(f"--link and {name}: look at one of them at a time")
    config = check_config(arguments.link).config
    return LinkSource(config, make_transport(config, arguments.link))


def _show(source: "Source", arguments: argparse.Namespace) -> int:
    from flight.top.app import TopApp, print_once

    if arguments.json:
        print(json.dumps(source.read(None), indent=2))
    elif arguments.once or not sys.stdout.isatty():
        from flight.terminal import make_console

        print_once(source, make_console())
    else:
        TopApp(source).run()
    return EXIT_OK
