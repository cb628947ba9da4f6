"""The console that every command prints its pages on."""

from typing import NoReturn

from rich.console import Console


class PageConsole(Console):
    """A console that leaves a closed pipe to the command line, like everything else that prints."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise: BrokenPipeError, always; rich itself would end the program as if all were bad."""
        raise BrokenPipeError


def make_console() -> PageConsole:
    """Return a console on stdout: colours where they are wanted, no words coloured by guesses."""
    return PageConsole(highlight=False)
