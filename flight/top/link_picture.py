"""What a node says over its link, put together into the document that `nightside top` shows.

Pure but for its state: messages in, a document out. It knows of the node what the ground has: the
dictionary. What no packet carries (tasks, rails' switches in SAFE) stays unknown.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # ships no types
import numpy as np

from flight.core.types import Decision, Mode, Severity, Snapshot
from flight.dictionary.decode import Decoder, DictionaryMismatchError, Frame, FrameError
from flight.link.receiver import FrameFilter
from flight.link.topics import Topics
from flight.link.transport import Message
from flight.top.sources import EVENTS_SHOWN, named_points
from flight.view import SCHEMA_VERSION, ViewBuilder

NS_PER_S: Final = 1_000_000_000
UNKNOWN: Final = 1  # a status that is not 0: there is no reading
LINK_PACKET: Final = "link"  # of the link itself; no packet of the dictionary


class LinkPicture:
    """The node as its messages show it.

    Args:
        topics: Of the node.
        dictionary: Its document, as `nightside dictionary --json` prints it.

    problem: why its messages cannot be read; "" when they can. frames: telemetry taken so far, by
    packet.
    """

    def __init__(self, topics: Topics, dictionary: Mapping[str, Any]) -> None:
        self.problem = ""
        self.frames: dict[str, int] = {}
        self._topics = topics
        self._decoder = Decoder(dictionary)
        names = [channel["name"] for channel in dictionary["channels"]]
        heads = {name.partition(".")[0] for name in names}
        self._count = sum(head.removeprefix("accel").isdigit() for head in heads)
        self._index = {name: i for i, name in enumerate(names)}
        self._view = ViewBuilder(named_points(names), self._count)
        self._birth: Mapping[str, Any] = {}
        self._death: Mapping[str, Any] = {}
        self._forget()

    def take(self, message: Message) -> None:
        """Take one message of the node; what is not its own, or damaged, changes nothing."""
        try:
            body = msgpack.unpackb(message.payload, strict_map_key=False)
            if isinstance(body, dict):
                self._take(message.topic, message.payload, body)
        except (FrameError, msgpack.UnpackException, ValueError, TypeError, LookupError):
            return

    def document(self, *, age_s: float | None, link: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known now.

        Args:
            age_s: Since the last message; None: there was none.
            link: How we hear: state and failure of our own connection.
        """
        document: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "state": self._state(),
            "node": "/".join(self._topics.base.split("/")[1:]),
            "session": self._birth.get("session", ""),
            "version": self._birth.get("version", ""),
            "simulated": bool(self._birth.get("simulated")),
            "time_trusted": self._is_trusted,
            "heard": {**link, "problem": self.problem, "messages": sum(self.frames.values())},
            "events": list(self._events),
            "link": self._link,
        }
        if age_s is not None:
            document["age_s"] = age_s
        if self._utc_ns:
            at = datetime.fromtimestamp(self._utc_ns / NS_PER_S, UTC)
            document["written_utc"] = at.isoformat("T", "seconds")
        if self._mode is not None:
            document["view"] = self._view.build(
                self._time_ns, self._snapshot(), self._decision(), phases=self._phases
            )
        return document

    def _state(self) -> str:
        if not self._birth:
            return "unheard"
        same = all(self._death.get(key) == self._birth.get(key) for key in ("session", "connects"))
        if self._death and same:
            return "ended" if self._death.get("ordered") else "lost"
        return "running"

    def _forget(self) -> None:
        """Begin with nothing, as with a new session."""
        count = len(self._index)
        self._values = np.full(count, np.nan)
        self._times = np.full(count, -1, np.int64)
        self._status = np.full(count, UNKNOWN, np.int32)
        self._filter = FrameFilter()
        self._mode: Mode | None = None
        self._caps: tuple[tuple[float, ...], tuple[str, ...]] = ((), ())
        self._phases: tuple[str, ...] = ()
        self._decided_ns = -1
        self._time_ns = 0
        self._utc_ns = 0
        self._is_trusted = False
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_SHOWN)
        self._link: dict[str, Any] = {}

    def _take(self, topic: str, payload: bytes, body: Mapping[str, Any]) -> None:
        if topic == self._topics.birth:
            self._take_birth(body)
        elif topic == self._topics.death:
            self._death = body
        elif self.problem or not topic.startswith(f"{self._topics.base}/"):
            return
        elif "priority" in body and self._filter.admit(body):
            if topic == self._topics.event:
                self._events.append(_event_row(body))
            elif topic == self._topics.telemetry(LINK_PACKET):
                self._link = {"state": "up", **body}
            elif topic.startswith(f"{self._topics.base}/tlm/"):
                self._take_frame(self._decoder.frame(topic.rpartition("/")[2], payload))

    def _take_birth(self, birth: Mapping[str, Any]) -> None:
        if birth.get("session") != self._birth.get("session"):
            self._forget()
        self._birth = birth
        try:
            self._decoder.check_birth(birth)
            self.problem = ""
        except DictionaryMismatchError as error:
            self.problem = str(error)

    def _take_frame(self, frame: Frame) -> None:
        """Take values that are newer than what is known; packets overtake each other."""
        self.frames[frame.packet] = self.frames.get(frame.packet, 0) + 1
        for name, value in frame.values.items():
            i = self._index[name]
            if frame.time_ns >= self._times[i]:
                self._values[i], self._times[i] = value, frame.time_ns
                self._status[i] = UNKNOWN if name in frame.bad else 0
        if frame.mode and frame.time_ns >= self._decided_ns:
            self._mode, self._decided_ns = Mode(frame.mode), frame.time_ns
            if frame.cap_w:
                self._caps, self._phases = (frame.cap_w, frame.cap_reason), frame.phase
        if frame.time_ns >= self._time_ns:
            self._time_ns = frame.time_ns
            self._utc_ns = frame.utc_ns or 0
            self._is_trusted = frame.is_trusted

    def _snapshot(self) -> Snapshot:
        return Snapshot(self._values, self._times, self._status, np.zeros_like(self._status))

    def _decision(self) -> Decision:
        assert self._mode is not None
        cap_w, cap_reason = self._caps
        return Decision(mode=self._mode, desired=np.empty(0), cap_w=cap_w, cap_reason=cap_reason)


def _event_row(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "t_s": int(body["t"]) / NS_PER_S,
        "id": str(body["id"]),
        "severity": Severity(body["severity"]).name.lower(),
        "subject": str(body["subject"]),
        "text": str(body["text"]),
    }
