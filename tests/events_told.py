"""A flight runner that also keeps its events, for tests that look at them; the product's does not,
because a flight may last for weeks.
"""

from pathlib import Path
from typing import IO
from unittest import mock

from flight.core.types import Event
from sim_hw.flight import FlightSetup
from sim_hw.flight_runner import EventLog, FlightRunner


class KeptEvents(EventLog):
    """Writes events as the product does, and keeps them."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        """Take one event."""
        self.events.append(event)
        super().note(event)


def runner_and_events(setup: FlightSetup, folder: Path) -> tuple[FlightRunner, list[Event]]:
    """Return a runner, and the list that all its events come into."""
    with mock.patch("sim_hw.flight_runner.EventLog", KeptEvents):
        runner = FlightRunner(setup, folder)
    assert isinstance(runner.events, KeptEvents)
    return runner, runner.events.events
