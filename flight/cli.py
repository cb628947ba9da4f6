"""The command line: `nightside COMMAND`, one module of flight/commands each.

Exit codes: 0 good, 1 something was violated, 2 bad input, 3 our own bug, 130 ended by Ctrl-C.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence

from flight.commands import (
    EXIT_BAD_INPUT,
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    CommandParser,
    check,
    dictionary,
    explain,
    export,
    faults,
    init,
    log,
    orbit,
    plot,
    replay,
    report,
    run,
    sim,
    status,
    top,
)
from flight.operator_error import OperatorError
from flight.output import drop_output, flush_output, output_error
from flight.secret import redact
from flight.version import VERSION

COMMANDS = (
    init,
    check,
    sim,
    orbit,
    run,
    status,
    top,
    faults,
    log,
    explain,
    replay,
    report,
    plot,
    export,
    dictionary,
)  # in the order of --help


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises."""
    try:
        options, command = _split(sys.argv[1:] if argv is None else argv)
        arguments = _parser().parse_args(options, argparse.Namespace(shell_command=command))
        exit_code = int(arguments.run(arguments))
        flush_output()
    except OperatorError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        drop_output()
        return EXIT_OK
    except OSError as error:
        told = output_error(error)
        if told is None:
            return _own_bug()
        drop_output()
        return _refuse(told)
    except Exception:  # the outermost edge: anything here is our own bug, and is said to be one
        return _own_bug()
    return exit_code


def _refuse(error: OperatorError) -> int:
    for line in error.lines:
        print(f"nightside: {redact(line)}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _own_bug() -> int:
    print(redact(traceback.format_exc()), end="", file=sys.stderr)
    print("nightside: this is a bug in nightside, not in your input", file=sys.stderr)
    return EXIT_BUG


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut off the command after `--`, which belongs to --nvml-shell alone.

    Raises:
        OperatorError: there is one, for `sim` without --nvml-shell.
    """
    words = list(argv)
    if "--" not in words:
        return words, []
    cut = words.index("--")
    options, command = words[:cut], words[cut + 1 :]
    if "--nvml-shell" in options:
        return options, command
    if "sim" in options[:1]:
        raise OperatorError(
            f"what follows --{''.join(f' {word}' for word in command[:1])} is run in the shell of "
            "--nvml-shell, which is not given: write sim --realtime --nvml-shell -- COMMAND"
        )
    return words, []


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="nightside", description="Flight software for onboard data-center nodes."
    )
    parser.add_argument("--version", action="version", version=f"nightside {VERSION}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    for module in COMMANDS:
        module.add(commands)
    return parser
