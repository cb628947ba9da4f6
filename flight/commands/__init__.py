"""The subcommands of `nightside`, one module each: `add` describes it, `run` does it.

Each module offers `add(commands)`, which declares its arguments and sets `run`, a function from the
parsed arguments to the exit code. Heavy imports, and all of `sim_hw`, stand inside functions: who
asks for one command does not wait for the others.
"""

import argparse
from typing import NoReturn, TypeAlias

from flight.operator_error import OperatorError

EXIT_OK = 0
EXIT_VIOLATED = 1
EXIT_BAD_INPUT = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class CommandParser(argparse.ArgumentParser):
    """argparse whose mistakes come out like every other operator error."""

    def error(self, message: str) -> NoReturn:
        """Raise: OperatorError, always."""
        raise OperatorError(f"{message} (see: {self.prog} --help)")


def run_number(text: str) -> int:
    """Return the number of a run of a recording. Raises: ArgumentTypeError, for other words."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a run, which is 1 or more")
    return int(text)


# argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[CommandParser]"  # noqa: SLF001
