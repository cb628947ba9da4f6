"""Store and forward: each message is delivered, waiting in a bounded queue, or counted lost."""

from collections import deque
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple


class Priority(IntEnum):
    """Lower goes first, always: a flood of telemetry cannot hide an alert."""

    ALERT = 0  # answers to commands, events of severity WARNING and above
    EVENT = 1  # other events
    SLOW = 2  # telemetry at long periods: a few of them tell more of an outage than many fast ones
    FAST = 3  # telemetry at short periods


DEPTHS = {  # messages; an orbit of REF-1 is 5739 s, and its outage is kept whole
    Priority.ALERT: 4096,
    Priority.EVENT: 4096,
    Priority.SLOW: 16384,
    Priority.FAST: 7200,  # two hours at 1 Hz; a longer outage is thinned, see `Outbox.put`
}
NS_PER_S = 1_000_000_000
LOOKS_MAX = 64  # messages that one put looks at for one that may go; bounds its time


class Outgoing(NamedTuple):
    """One message on its way; `sequence` counts those of its priority from 0 (64 bits)."""

    priority: Priority
    sequence: int
    topic: str
    payload: bytes
    made_ns: int = 0  # monotonic

    @property
    def key(self) -> int:
        """Unlike that of any other message of its session."""
        return self.sequence << 2 | self.priority


class Outbox:
    """Messages of one session. For each priority: made = sent + lost + waiting, exactly, at all
    times.

    `take` hands messages out in order; each is under way until `confirm` or `refuse` decides about
    it, or `put_back` about all. Within a priority the order of making is the order of sending.

    Args:
        depths: How many messages may wait, by priority, each >= 1; None: DEPTHS. Those under way do
            not count.
    """

    def __init__(self, depths: Mapping[Priority, int] | None = None) -> None:
        depths = DEPTHS if depths is None else depths
        self.made = [0] * len(Priority)
        self.sent = [0] * len(Priority)
        self.lost = [0] * len(Priority)
        self.refused = [0] * len(Priority)  # of the lost ones, by the broker
        self._depths = [depths[priority] for priority in Priority]
        self._queues: tuple[deque[Outgoing], ...] = tuple(deque() for _ in Priority)
        self._under_way: dict[int, Outgoing] = {}  # in the order of taking
        self._stride = 1  # of FAST, those of each so many-th second stay
        self._thin_at = 0  # up to here that is so already

    @property
    def waiting(self) -> list[int]:
        """Messages not yet confirmed, by priority; those under way count."""
        counts = [len(queue) for queue in self._queues]
        for message in self._under_way.values():
            counts[message.priority] += 1
        return counts

    @property
    def under_way(self) -> int:
        """How many messages are under way."""
        return len(self._under_way)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest message that waits was made; None: nothing waits."""
        times = [queue[0].made_ns for queue in self._queues if queue]
        times.extend(message.made_ns for message in self._under_way.values())
        return min(times, default=None)

    def put(self, priority: Priority, topic: str, payload: bytes, made_ns: int = 0) -> None:
        """Queue a message whose payload carries `made[priority]` as its sequence number.

        Without room the oldest goes and counts as lost. Of FAST every second second goes, then
        every second of those left: a long outage stays an even picture of all packets, ever
        coarser. It is whole again once the queue has been empty.
        """
        queue = self._queues[priority]
        sequence = self.made[priority]
        self.made[priority] += 1
        if priority is Priority.FAST and self._stride > 1:
            if not queue:
                self._stride, self._thin_at = 1, 0
            elif made_ns // NS_PER_S % self._stride:
                self.lost[priority] += 1
                return
        if len(queue) >= self._depths[priority]:
            self.lost[priority] += 1
            if priority is Priority.FAST:
                self._thin(queue)
            else:
                queue.popleft()
        queue.append(Outgoing(priority, sequence, topic, payload, made_ns))

    def take(self, least: Priority = Priority.FAST) -> Outgoing | None:
        """Hand out the first message of the first priority down to `least`, None when there is
        none.
        """
        for queue in self._queues[: least + 1]:
            if queue:
                message = queue.popleft()
                self._under_way[message.key] = message
                return message
        return None

    def confirm(self, message: Outgoing) -> None:
        """A message under way arrived. Raises: ValueError, when it is not under way."""
        self._end(message)
        self.sent[message.priority] += 1

    def refuse(self, message: Outgoing) -> None:
        """A message under way is lost: the broker does not take it. Raises: as `confirm`."""
        self._end(message)
        self.lost[message.priority] += 1
        self.refused[message.priority] += 1

    def put_back(self) -> None:
        """Those under way may not have arrived: they go again, first of their priorities."""
        messages, self._under_way = self._under_way, {}
        for message in reversed(messages.values()):
            queue = self._queues[message.priority]
            if len(queue) >= self._depths[message.priority]:
                self.lost[message.priority] += 1  # it is older than all that wait
            else:
                queue.appendleft(message)

    def _thin(self, queue: deque[Outgoing]) -> None:
        for _ in range(LOOKS_MAX):
            if self._thin_at >= len(queue):
                self._stride, self._thin_at = 2 * self._stride, 0
            if queue[self._thin_at].made_ns // NS_PER_S % self._stride:
                del queue[self._thin_at]
                return
            self._thin_at += 1
        queue.popleft()
        self._thin_at -= 1

    def _end(self, message: Outgoing) -> None:
        if self._under_way.pop(message.key, None) is None:
            raise ValueError(f"not under way: {message.priority.name} {message.sequence}")
