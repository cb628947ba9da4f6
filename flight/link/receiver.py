"""The other end: which frames of a node are new, and how many never came."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flight.link.outbox import Priority

SESSIONS_MAX = 64  # remembered; the one first heard goes


class SessionCount(NamedTuple):
    """What came of one session, by priority."""

    new: list[int]
    repeated: list[int]
    missing: list[int]  # sequence numbers jumped over: they are counted as lost by the node


class FrameFilter:
    """Takes each frame once and in order; QoS 1 may bring a frame again after a reconnect."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionCount] = {}
        self._next: dict[str, list[int]] = {}

    def admit(self, frame: Mapping[str, Any]) -> bool:
        """Return whether a decoded frame is new; count it either way.

        A frame that was jumped over and comes late is not new: order goes before completeness.
        """
        session, priority, sequence = frame["session"], frame["priority"], frame["seq"]
        if session not in self.sessions:
            self._begin(session)
        count, expected = self.sessions[session], self._next[session]
        if sequence < expected[priority]:
            count.repeated[priority] += 1
            return False
        count.new[priority] += 1
        count.missing[priority] += sequence - expected[priority]
        expected[priority] = sequence + 1
        return True

    def _begin(self, session: str) -> None:
        if len(self.sessions) >= SESSIONS_MAX:
            oldest = next(iter(self.sessions))
            del self.sessions[oldest], self._next[oldest]
        zeros = [0] * len(Priority)
        self.sessions[session] = SessionCount(list(zeros), list(zeros), list(zeros))
        self._next[session] = list(zeros)
