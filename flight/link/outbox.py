"""Store and forward: each message is delivered, waiting in a bounded queue, or counted lost."""

from collections import deque
from enum import IntEnum
from typing import NamedTuple


class Priority(IntEnum):
    """Lower goes first, always: a flood of telemetry cannot hide an alert."""

    ALERT = 0  # answers to commands, events of severity WARNING and above
    EVENT = 1  # other events
    SLOW = 2  # telemetry at long periods: a few of them tell more of an outage than many fast ones
    FAST = 3  # telemetry at short periods


DEPTHS = {  # messages; when one more comes, the oldest is dropped and counted
    Priority.ALERT: 4096,
    Priority.EVENT: 4096,
    Priority.SLOW: 1080,  # three hours at 10 s
    Priority.FAST: 1800,  # half an hour at 1 Hz, 1.5 MB
}


class Outgoing(NamedTuple):
    """One message on its way; `sequence` counts those of its priority from 0 (64 bits)."""

    priority: Priority
    sequence: int
    topic: str
    payload: bytes


class Outbox:
    """Messages of one session. For each priority: made = sent + lost + waiting, exactly, at all
    times.

    One message at a time is under way: `take` hands it out, then `confirm` or `put_back` decides
    about it. Within a priority the order of making is the order of sending.
    """

    def __init__(self, depths: dict[Priority, int] | None = None) -> None:
        depths = DEPTHS if depths is None else depths
        self.made = [0] * len(Priority)
        self.sent = [0] * len(Priority)
        self.lost = [0] * len(Priority)
        self._depths = [depths[priority] for priority in Priority]
        self._queues: tuple[deque[Outgoing], ...] = tuple(deque() for _ in Priority)
        self._under_way: Outgoing | None = None

    @property
    def waiting(self) -> list[int]:
        """Messages not yet confirmed, by priority; one under way counts."""
        counts = [len(queue) for queue in self._queues]
        if self._under_way is not None:
            counts[self._under_way.priority] += 1
        return counts

    def put(self, priority: Priority, topic: str, payload: bytes) -> None:
        """Queue a message whose payload carries `made[priority]` as its sequence number."""
        queue = self._queues[priority]
        if len(queue) >= self._depths[priority]:
            queue.popleft()
            self.lost[priority] += 1
        queue.append(Outgoing(priority, self.made[priority], topic, payload))
        self.made[priority] += 1

    def take(self, least: Priority = Priority.FAST) -> Outgoing | None:
        """Hand out the first message of the first priority down to `least`, None when there is
        none.

        Raises: ValueError, when the last one was neither confirmed nor put back.
        """
        if self._under_way is not None:
            raise ValueError("a message is under way")
        for queue in self._queues[: least + 1]:
            if queue:
                self._under_way = queue.popleft()
                return self._under_way
        return None

    def confirm(self) -> None:
        """The message under way arrived. Raises: ValueError, when there is none."""
        self.sent[self._end().priority] += 1

    def put_back(self) -> None:
        """The message under way may not have arrived: it goes again, first of its priority."""
        message = self._end()
        queue = self._queues[message.priority]
        if len(queue) >= self._depths[message.priority]:
            self.lost[message.priority] += 1  # it is the oldest
        else:
            queue.appendleft(message)

    def _end(self) -> Outgoing:
        message, self._under_way = self._under_way, None
        if message is None:
            raise ValueError("no message is under way")
        return message
