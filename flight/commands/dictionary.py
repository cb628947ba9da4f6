"""`nightside dictionary`: channels, packets, commands and events of a node, for people or JSON."""

import argparse
from pathlib import Path
from typing import Any

from flight.commands import EXIT_OK, Commands
from flight.operator_error import OperatorError, suggest


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "dictionary", help="what the node says and takes: channels, packets, commands, events"
    )
    parser.add_argument("config", nargs="?", type=Path, help="node configuration (default: REF-1)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the document that a decoder reads")
    form.add_argument("--hash", action="store_true", help="the hash that the birth carries")
    form.add_argument(
        "--markdown", type=Path, metavar="DIR", help="write the reference pages into DIR"
    )
    parser.add_argument("--channel", metavar="GLOB", help="only channels with such names")
    parser.add_argument("--event", metavar="GLOB", help="only events with such ids")
    parser.set_defaults(run=_dictionary)


def _dictionary(arguments: argparse.Namespace) -> int:
    from flight.config import build_points
    from flight.config_check import check_config
    from flight.dictionary.export import dictionary, only, to_json
    from flight.examples import default_config_path

    path = arguments.config or default_config_path()
    config = check_config(path, with_files=False).config
    points = build_points(config)
    if arguments.markdown is not None:
        _write_pages(arguments.markdown, config, points)
        return EXIT_OK
    whole = dictionary(config, points)
    if arguments.hash:
        print(whole["hash"])
        return EXIT_OK
    kept = only(whole, channel=arguments.channel, event=arguments.event)
    _refuse_nothing(whole, kept, arguments)
    if arguments.json:
        print(to_json(kept), end="")
    else:
        print(_text(kept))
    return EXIT_OK


def _refuse_nothing(
    whole: dict[str, Any], kept: dict[str, Any], arguments: argparse.Namespace
) -> None:
    """Raise: OperatorError, when a pattern matches nothing."""
    for option, part, key in (("channel", "channels", "name"), ("event", "events", "id")):
        pattern = getattr(arguments, option)
        if pattern is not None and not kept[part]:
            near = suggest(pattern, [entry[key] for entry in whole[part]])
            raise OperatorError(f"--{option} {pattern!r}: no such {option}{near}")


def _write_pages(folder: Path, config: Any, points: Any) -> None:
    from flight.config_page import configuration_page
    from flight.dictionary.pages import pages

    if not folder.is_dir():
        raise OperatorError(f"--markdown {folder}: is no folder; give one that exists")
    texts = {**pages(config, points), "configuration.md": configuration_page()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


def _text(kept: dict[str, Any]) -> str:
    lines = [f"dictionary {kept['hash']}, schema {kept['schema']}"]
    for entry in kept.get("channels", ()):
        span = f"{entry['low']:g} to {entry['high']:g}"
        written = ", writable" if "writable" in entry else ""
        lines.append(f"channel  {entry['name']:<30} {entry['unit']:<6} {span}{written}")
    lines += [
        f"packet   {entry['name']:<30} {len(entry['channels'])} channels"
        for entry in kept.get("packets", ())
    ]
    for entry in kept.get("commands", ()):
        names = " ".join(argument["name"] for argument in entry["arguments"])
        lines.append(f"command  {entry['name']:<30} {names}")
    for entry in kept.get("events", ()):
        action = "" if entry["action"] == "None." else f" -> {entry['action']}"
        lines.append(f"event    {entry['id']:<30} {entry['severity'] or 'by case'}")
        lines.append(f"         {entry['cause']}{action}")
    return "\n".join(lines)
