"""status.json: what the daemon says of itself to people on the same host, once a second.

One file, replaced whole: a reader never sees half of it. On a memory file system in service.
A disk that fails costs the file and nothing else, a section that fails costs itself. What is shown
is `flight.view` and the health of the services.
"""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from flight.core.types import Decision, Event, Inputs
from flight.services.nap import Nap
from flight.view import SCHEMA_VERSION, ViewBuilder

NS_PER_S = 1_000_000_000
STATUS_NAME = "status.json"
PERIOD_S = 1.0
EVENTS_KEPT = 50

Section = Callable[[], object]


class StatusWriter:
    """Writes status.json while it runs, and once more at an ordered end.

    Args:
        path: Of the file; its folder exists.
        identity: What never changes in a run: node names, version, session, pid, simulated.
        view: Builds the node's part out of the last cycle.
        sections: Further parts by name; each is called when the file is written and returns what
            JSON can hold.
        stamp: UTC in ns, and whether it is trusted.
        host_ns: CLOCK_MONOTONIC, which every process of the host reads alike.
    """

    def __init__(
        self,
        path: Path,
        *,
        identity: Mapping[str, object],
        view: ViewBuilder,
        sections: Mapping[str, Section],
        stamp: Callable[[], tuple[int, bool]],
        host_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.progress = 0
        self.error = ""
        self._path = path
        self._identity = dict(identity)
        self._view = view
        self._sections = dict(sections)
        self._stamp = stamp
        self._host_ns = host_ns
        self._last: tuple[Inputs, Decision] | None = None
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._is_ending = False
        self._nap = Nap()

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Keep the newest cycle. Implements CycleSink."""
        self._last = (inputs, decision)
        if decision.events:
            self._events.extend(decision.events)

    def note(self, event: Event) -> None:
        """Keep an event that no cycle made."""
        self._events.append(event)

    def request_end(self) -> None:
        """Ask `run` to write once more and return."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Write every PERIOD_S until `request_end`."""
        while not self._is_ending:
            self.write("running")
            self.progress += 1
            await self._nap.sleep(PERIOD_S)
        self.write("ended")

    def write(self, state: str) -> None:
        """Replace the file; trouble is kept in `error` and never raised."""
        aside = self._path.with_suffix(".new")
        try:
            text = json.dumps(self.document(state), separators=(",", ":"), allow_nan=False)
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, self._path)  # noqa: PTH105  # the atomic one, by its own name
            self.error = ""
        except OSError as error:
            self.error = f"{error.strerror or error}"
        except (TypeError, ValueError) as error:  # a part that JSON cannot hold: our bug
            self.error = f"{type(error).__name__}: {error}"

    def document(self, state: str) -> dict[str, object]:
        """Return what is written."""
        utc_ns, trusted = self._stamp()
        document: dict[str, object] = {
            "schema": SCHEMA_VERSION,
            "state": state,
            "written_utc": datetime.fromtimestamp(utc_ns / NS_PER_S, UTC).isoformat("T", "seconds"),
            "written_monotonic_ns": self._host_ns(),
            "time_trusted": trusted,
            **self._identity,
        }
        if self._last is not None:
            inputs, decision = self._last
            document["view"] = self._view.build(
                inputs.now_ns, inputs.snapshot, decision, phases=decision.accel_phases
            )
        for name, section in self._sections.items():
            document[name] = _part(section)
        document["events"] = [
            {
                "t_s": event.time_ns / NS_PER_S,
                "id": event.event_id,
                "severity": event.severity.name.lower(),
                "subject": event.subject,
                "text": event.text,
            }
            for event in self._events
        ]
        return document


def _part(section: Section) -> object:
    try:
        return section()
    except Exception as error:  # noqa: BLE001  # a bug of one service: the rest is wanted the more
        return {"error": f"{type(error).__name__}: {error}"}
