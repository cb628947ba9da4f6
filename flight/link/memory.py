"""A broker in memory, and a transport to it that a script can cut. For virtual time and tests."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from flight.link.topics import topic_matches
from flight.link.transport import Failure, LinkDown, Message

NS_PER_S = 1_000_000_000
INBOX_MAX = 1024  # messages a connection has not received yet; the oldest is dropped
RETAINED_MAX = 1024  # topics; further retained messages are delivered but not kept


class MemoryBroker:
    """Delivers between MemoryTransports of one event loop; keeps retained messages and wills."""

    def __init__(self) -> None:
        self.retained: dict[str, Message] = {}
        self.published_count = 0
        self.dropped_count = 0  # by full inboxes
        self._clients: list[MemoryTransport] = []

    def attach(self, client: "MemoryTransport") -> None:
        """Deliver to a transport from now on."""
        self._clients.append(client)

    def detach(self, client: "MemoryTransport", will: Message | None) -> None:
        """Forget a transport, if it is there, and publish its will, if it leaves one."""
        if client in self._clients:
            self._clients.remove(client)
            if will is not None:
                self.publish(will)

    def publish(self, message: Message) -> None:
        """Keep a message if it is to be retained, and deliver it to all who want it."""
        self.published_count += 1
        if message.retain:
            if not message.payload:  # MQTT v5 section 3.3.1.3: an empty payload clears
                self.retained.pop(message.topic, None)
            elif message.topic in self.retained or len(self.retained) < RETAINED_MAX:
                self.retained[message.topic] = message
        for client in self._clients:
            if any(topic_matches(wanted, message.topic) for wanted in client.filters):
                # To a connection that was there already, a message is not a retained one.
                self.dropped_count += client.deliver(message._replace(retain=False))


class MemoryTransport:
    """Satisfies Transport on a MemoryBroker.

    Args:
        broker: Shared by all who talk to each other.
        now_ns: The clock of the outages.
        outages: (start_s, end_s) windows on that clock; the link is down in [start_s, end_s).
        latency_s: How long each message takes, >= 0.
        window: How many messages may be under way at once, >= 1.

    At the start of an outage the broker publishes the will, without the delay of a real keep-alive.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        *,
        now_ns: Callable[[], int],
        outages: Sequence[tuple[float, float]] = (),
        latency_s: float = 0.0,
        window: int = 20,
    ) -> None:
        if any(not 0.0 <= start_s < end_s for start_s, end_s in outages):
            raise ValueError(f"an outage must end after it starts, at or after 0 s: {outages}")
        self.filters: list[str] = []
        self.window = window
        self._broker = broker
        self._now_ns = now_ns
        self._outages = sorted(
            (round(start_s * NS_PER_S), round(end_s * NS_PER_S)) for start_s, end_s in outages
        )
        self._latency_s = latency_s
        self._is_connected = False
        self._will: Message | None = None
        self._inbox: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._cut_timer: asyncio.TimerHandle | None = None
        self._under_way: deque[tuple[asyncio.Future[None], Message]] = deque()

    async def connect(self, will: Message | None = None) -> None:
        """See Transport.connect."""
        if self._is_connected:
            raise ValueError("already connected")
        now_ns = self._now_ns()
        if self._is_out(now_ns):
            raise LinkDown("scripted outage", Failure.UNREACHABLE)
        self._is_connected = True
        self._will = will
        self.filters.clear()
        self._inbox.clear()
        self._wake.clear()
        self._broker.attach(self)
        ahead = [start_ns for start_ns, _ in self._outages if start_ns > now_ns]
        if ahead:
            loop = asyncio.get_running_loop()
            self._cut_timer = loop.call_later((ahead[0] - now_ns) / NS_PER_S, self.drop)

    def send(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> asyncio.Future[None]:
        """See Transport.send."""
        self.check()
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[None] = loop.create_future()
        message = Message(topic, payload, qos, retain)
        if self._latency_s:
            self._under_way.append((taken, message))
            loop.call_later(self._latency_s, self._take_over, taken)
        else:
            self._broker.publish(message)
            taken.set_result(None)
        return taken

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """See Transport.publish."""
        await self.send(topic, payload, qos=qos, retain=retain)

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """See Transport.subscribe."""
        self.check()
        self.filters.append(topic_filter)
        for topic, message in self._broker.retained.items():
            if topic_matches(topic_filter, topic):
                self.deliver(message._replace(qos=min(qos, message.qos)))

    async def receive(self) -> Message:
        """See Transport.receive."""
        while True:
            self.check()
            if self._inbox:
                return self._inbox.popleft()
            self._wake.clear()
            await self._wake.wait()

    async def close(self) -> None:
        """See Transport.close."""
        self._end(None)

    def drop(self) -> None:
        """See Transport.drop: lost now, as by a broken cable."""
        self._end(self._will)

    def deliver(self, message: Message) -> int:
        """Take a message from the broker; return how many were dropped for it, 0 or 1."""
        dropped = 0
        if len(self._inbox) >= INBOX_MAX:
            self._inbox.popleft()
            dropped = 1
        self._inbox.append(message)
        self._wake.set()
        return dropped

    def _end(self, will: Message | None) -> None:
        self._is_connected = False
        self._wake.set()
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
        while self._under_way:
            taken, _ = self._under_way.popleft()
            if not taken.done():
                taken.set_exception(LinkDown("connection lost"))
        self._broker.detach(self, will)

    def _take_over(self, taken: asyncio.Future[None]) -> None:
        """Give the broker the oldest message under way, if the connection is still that one's."""
        if not self._under_way or self._under_way[0][0] is not taken:
            return
        if self._is_out(self._now_ns()):
            self.drop()
            return
        _, message = self._under_way.popleft()
        self._broker.publish(message)
        if not taken.done():
            taken.set_result(None)

    def _is_out(self, now_ns: int) -> bool:
        return any(start_ns <= now_ns < end_ns for start_ns, end_ns in self._outages)

    def check(self) -> None:
        """See Transport.check."""
        if self._is_connected and self._is_out(self._now_ns()):
            self.drop()  # the timer of this very instant may stand behind us in the loop
        if not self._is_connected:
            raise LinkDown("not connected")
