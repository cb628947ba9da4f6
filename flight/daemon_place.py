"""What a daemon is put together from besides its services: its place, and stand-ins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flight.core.types import Decision, Event, Inputs
from flight.link.transport import Transport
from flight.plan.element_set import ElementSet
from flight.services.cycle import CycleSink
from flight.services.recorder import EvidenceRow, RecorderHealth
from flight.services.recording_schema import RecordingInfo
from flight.services.store import HostBoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a daemon runs: what differs between hardware, real time on simulated devices, and
    virtual time.

    Args:
        folder: For recording, store and status; it exists.
        host: The boot of the host.
        now_ns: Monotonic clock of the event loop.
        utc_ns: Clock of the host. is_synchronised: what the kernel says of it.
        session_id: One run of the daemon.
        transport: To the broker.
        simulated: Whether anything under the daemon is simulated; the birth carries it.
        seed: Of the simulation, 0 for none.
        element_set: Of the orbit; None: that of the configuration.
        is_virtual: Virtual time: no threads, no sockets, no looks at the process.
        leap: Of virtual time, as in RateGroup.
    """

    folder: Path
    host: HostBoot
    now_ns: Callable[[], int]
    utc_ns: Callable[[], int]
    is_synchronised: Callable[[], bool]
    session_id: str
    transport: Transport
    simulated: bool
    seed: int = 0
    element_set: ElementSet | None = None
    is_virtual: bool = False
    leap: Callable[[int], bool] | None = None


class Sinks:
    """Sinks of a cycle that is made before its daemon: filled in once there is one.

    A bug in one of them takes neither the cycle along nor the others.

    Attributes:
        on_error: Called with the name of a sink and its error, once for each kind of error.
        failures: Cycles that a sink has failed to take. first_error: of the first, None for none.
    """

    def __init__(self, first: Sequence[CycleSink] = ()) -> None:
        self.sinks: list[CycleSink] = list(first)
        self.on_error: Callable[[str, Exception], None] = lambda _name, _error: None
        self.failures = 0
        self.first_error: Exception | None = None
        self._told: set[tuple[str, type[Exception]]] = set()

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Hand one cycle on. Implements CycleSink."""
        for sink in self.sinks:
            try:
                sink.record(inputs, decision)
            except Exception as error:  # noqa: BLE001  # a bug of one service, and only its own
                self.fail(type(sink).__name__, error)

    def fail(self, name: str, error: Exception) -> None:
        """Count what a taker raised."""
        self.failures += 1
        self.first_error = self.first_error or error
        key = (name, type(error))
        if key not in self._told:  # before it is told: who tells may fail as well
            self._told.add(key)
            self.on_error(name, error)


class NoRecorder:
    """Stands in when the configuration switches the recorder off: nothing is kept."""

    health = RecorderHealth(ok=True, rows_written=0, rows_lost=0, rares_lost=0, error="")

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Nothing is kept."""

    def note(self, event: Event) -> None:
        """Nothing is kept."""

    def put_evidence(self, rows: Sequence[EvidenceRow]) -> int:
        """Nothing is kept, so nothing becomes durable, and nothing is cleared."""
        return 0

    def is_durable(self, ticket: int) -> bool:
        """Return False: nothing is durable."""
        return False

    def begin_run(self, info: RecordingInfo) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing to close."""


class Service(Protocol):
    """What every service of the daemon offers its supervisor."""

    progress: int

    async def run(self) -> None:
        """Work until `request_end`."""

    def request_end(self) -> None:
        """Ask `run` to return."""
