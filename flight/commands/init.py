"""`nightside init`: a commented configuration of a node to begin with."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands
from flight.examples import DEFAULT_NODE, config_path, node_names
from flight.operator_error import OperatorError

DEFAULT_NAME = "node.toml"


def add(commands: Commands) -> None:
    """Declare the command."""
    init = commands.add_parser("init", help="write a commented configuration of a node")
    init.add_argument("file", nargs="?", type=Path, default=Path(DEFAULT_NAME), metavar="FILE")
    init.add_argument(
        "--node",
        choices=node_names(),
        default=DEFAULT_NODE,
        help="the node to begin with (default: REF-1, which names every key)",
    )
    init.add_argument("--force", action="store_true", help="write over a file that is there")
    init.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    text = config_path(arguments.node).read_text(encoding="utf-8")
    text = text.replace(f"examples/configs/{arguments.node}.toml", str(path))
    if path.is_dir():
        raise OperatorError(f"{path}: is a folder; name a file, such as {path / DEFAULT_NAME}")
    try:
        with path.open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise OperatorError(
            f"{path}: is there already; name another file, or write over it with --force"
        ) from None
    except FileNotFoundError:
        raise OperatorError(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise OperatorError(f"{path}: cannot be written: {error.strerror}") from None
    print(f"{path}: written; look through it, then: nightside check {path}")
    return EXIT_OK
