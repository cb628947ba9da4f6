"""The link: birth, telemetry, events, answers and death over a transport that may be down for
hours.

`record` runs in the cycle: it packs what is due and queues it, and never waits. `run` is the task
that connects and sends. Nothing is received yet: commands are taken only when they are signed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgpack  # type: ignore[import-untyped]  # ships no types

from flight.core.points import PointTable
from flight.core.types import Ack, Decision, Event, Inputs, Severity
from flight.dictionary.packets import PACKETS, Packet, dictionary_hash
from flight.link.outbox import Outbox, Priority
from flight.link.topics import Topics
from flight.link.transport import LinkDown, Message, Transport
from flight.services.packet_schedule import PacketPlan

NS_PER_S = 1_000_000_000
STATE_PERIOD_NS = 10 * NS_PER_S  # of the packet that reports the link itself
CONNECT_TIMEOUT_S = 10.0
PUBLISH_TIMEOUT_S = 10.0
RETRY_S_MIN, RETRY_S_MAX = 1.0, 30.0
END_TIMEOUT_S = 2.0  # for what waits at an ordered end; telemetry that is left counts as lost


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInfo:
    """What the birth message says.

    Args:
        session_id: One run of the daemon; sequence numbers start again with it.
        simulated: Whether anything under the daemon is simulated.
        version: Of the software.
    """

    topics: Topics
    session_id: str
    simulated: bool
    version: str


class Link:
    """Sends what the node has to say.

    Args:
        info: Names and birth.
        points: The point table, for the packets.
        transport: The connection; only `run` touches it.
        now_ns: Monotonic clock, for birth and death.
        packets: Telemetry packets.
        outbox: Queues; for tests with small ones.
    """

    def __init__(
        self,
        *,
        info: LinkInfo,
        points: PointTable,
        transport: Transport,
        now_ns: Callable[[], int],
        packets: Sequence[Packet] = PACKETS,
        outbox: Outbox | None = None,
    ) -> None:
        self.outbox = Outbox() if outbox is None else outbox
        self.is_connected = False
        self.connects = 0
        self._info = info
        self._transport = transport
        self._now_ns = now_ns
        self._dictionary_hash = dictionary_hash(points, packets)
        self._packer = msgpack.Packer()
        self._plan = PacketPlan(points, info.topics, packets)
        self._state_topic = info.topics.telemetry("link")
        self._state_due_ns = 0
        self._wake = asyncio.Event()
        self._is_ending = False

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Queue what a cycle has to say and the packets that are due. Implements CycleSink."""
        now_ns = inputs.now_ns
        for event in decision.events:
            self._put_event(event)
        for ack in decision.acks:
            self.answer(now_ns, ack)
        for schedule, body in self._plan.take(inputs, decision):
            self._put(schedule.priority, schedule.topic, now_ns, body)
        if now_ns >= self._state_due_ns:
            self._state_due_ns = now_ns + STATE_PERIOD_NS
            self._put_state(now_ns)

    def note(self, event: Event) -> None:
        """Queue an event that no cycle made, e.g. of the supervisor."""
        self._put_event(event)

    def answer(self, now_ns: int, ack: Ack) -> None:
        """Queue the answer to a command."""
        body = {"id": ack.command_id, "ok": ack.ok, "reason": ack.reason}
        self._put(Priority.ALERT, self._info.topics.ack, now_ns, body)

    def request_end(self) -> None:
        """Ask `run` to say good-bye and return, within 2 END_TIMEOUT_S."""
        self._is_ending = True
        self._wake.set()

    async def run(self) -> None:
        """Connect and send, again and again, until `request_end`; then publish death and close.

        When cancelled it only drops the connection: the broker's last will then tells of the death.
        """
        retry_s = RETRY_S_MIN
        while not self._is_ending:
            connects = self.connects
            try:
                await self._connect()
                await self._send_until_end()
                return
            except (LinkDown, TimeoutError):
                await self._transport.close()
            finally:
                self.is_connected = False
            retry_s = RETRY_S_MIN if self.connects > connects else min(2.0 * retry_s, RETRY_S_MAX)
            await self._pause(retry_s)

    async def _pause(self, pause_s: float) -> None:
        """Wait, but not past the request to end; what is queued meanwhile does not shorten it."""
        deadline_s = asyncio.get_running_loop().time() + pause_s
        try:
            async with asyncio.timeout_at(deadline_s):
                while not self._is_ending:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return

    async def _connect(self) -> None:
        topics = self._info.topics
        will = Message(topics.death, self._death(is_ordered=False), 1, True)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self._transport.connect(will)
        birth = {
            "t": self._now_ns(),
            "session": self._info.session_id,
            "dictionary": self._dictionary_hash,
            "simulated": self._info.simulated,
            "version": self._info.version,
            "connects": self.connects,
        }
        await self._publish(topics.birth, self._packer.pack(birth), retain=True)
        self.connects += 1
        self.is_connected = True

    async def _send_until_end(self) -> None:
        while not self._is_ending:
            if not await self._send_one(Priority.FAST):
                self._wake.clear()
                await self._wake.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                while await self._send_one(Priority.EVENT):
                    pass
        death = self._death(is_ordered=True)
        async with asyncio.timeout(END_TIMEOUT_S):
            await self._publish(self._info.topics.death, death, retain=True)
        await self._transport.close()

    async def _send_one(self, least: Priority) -> bool:
        """Send the first message down to priority `least`; return whether there was one."""
        message = self.outbox.take(least)
        if message is None:
            return False
        has_arrived = False
        try:
            await self._publish(message.topic, message.payload, retain=False)
            has_arrived = True
        finally:
            if has_arrived:
                self.outbox.confirm()
            else:  # also when cancelled: it is not known to have arrived
                self.outbox.put_back()
        return True

    async def _publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            await self._transport.publish(topic, payload, qos=1, retain=retain)

    def _death(self, *, is_ordered: bool) -> bytes:
        body = {"session": self._info.session_id, "ordered": is_ordered, "t": self._now_ns()}
        return bytes(self._packer.pack(body))

    def _put_event(self, event: Event) -> None:
        severity = event.severity
        priority = Priority.ALERT if severity >= Severity.WARNING else Priority.EVENT
        body = {
            "id": event.event_id,
            "severity": int(severity),
            "subject": event.subject,
            "text": event.text,
            "value": float(event.value),
        }
        self._put(priority, self._info.topics.event, event.time_ns, body)

    def _put_state(self, now_ns: int) -> None:
        box = self.outbox
        body = {"made": box.made, "sent": box.sent, "lost": box.lost, "waiting": box.waiting}
        self._put(Priority.SLOW, self._state_topic, now_ns, body)

    def _put(self, priority: Priority, topic: str, now_ns: int, body: Mapping[str, object]) -> None:
        whole = {"seq": self.outbox.made[priority], "t": now_ns, **body}
        self.outbox.put(priority, topic, self._packer.pack(whole))
        self._wake.set()
