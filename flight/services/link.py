"""The link: birth, telemetry, events, answers and death over a transport that may be down for
hours.

`record` runs in the cycle: it packs what is due and queues it, and never waits. `run` is the task
that connects and sends. Nothing is received yet: commands are taken only when they are signed.
What is on the wire: docs/reference/link.md.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgpack  # type: ignore[import-untyped]  # ships no types

from flight.core.points import PointTable
from flight.core.types import Ack, Decision, Event, Inputs, Severity
from flight.dictionary.packets import PACKETS, Packet, dictionary_hash
from flight.link.failures import MENDS
from flight.link.outbox import Outbox, Outgoing, Priority
from flight.link.topics import Topics
from flight.link.transport import Failure, LinkDown, Message, Refused, Transport
from flight.services.event_budget import EventBudget
from flight.services.link_retry import BackOff
from flight.services.link_sender import Sender
from flight.services.nap import Nap
from flight.services.packet_schedule import PacketPlan

NS_PER_S = 1_000_000_000
STATE_PERIOD_NS = 10 * NS_PER_S  # of the packet that reports the link itself
CONNECT_TIMEOUT_S = 10.0
BIRTH_TIMEOUT_S = 10.0
WAKE_S = 1.0  # progress is shown at least so often, but for a connect that is under way
END_TIMEOUT_S = 2.0  # for what waits at an ordered end; telemetry that is left counts as lost


class LinkState(StrEnum):
    """Where the link is."""

    ENDED = "ended"  # not started yet, or over
    CONNECTING = "connecting"
    UP = "up"
    PAUSING = "pausing"  # before the next try


class LinkHealth(NamedTuple):
    """How the link is. Lists are by priority; times are monotonic.

    since_ns: of the state. failure: why the last connection, or try, ended; empty before the first
    such end. refused: part of lost. oldest_age_s: of what waits, None when nothing does. round
    trips: from sending to the broker's answer, of the last 256, None before the first.
    """

    state: LinkState
    since_ns: int
    failure: str
    connects: int
    made: list[int]
    sent: list[int]
    lost: list[int]
    refused: list[int]
    waiting: list[int]
    oldest_age_s: float | None
    round_trip_p50_s: float | None
    round_trip_p99_s: float | None


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
        stamp: Returns UTC in ns and whether it is trusted; None: no UTC is known.
        packets: Telemetry packets.
        outbox: Queues; for other depths.
        rng: Draws the jitter of retries; None: seeded with the session.
        budget: Decides which events go out; None: all.
        on_event: Takes the link's own events; None: they only go out.
    """

    def __init__(
        self,
        *,
        info: LinkInfo,
        points: PointTable,
        transport: Transport,
        now_ns: Callable[[], int],
        stamp: Callable[[], tuple[int, bool]] | None = None,
        packets: Sequence[Packet] = PACKETS,
        outbox: Outbox | None = None,
        rng: random.Random | None = None,
        budget: EventBudget | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.outbox = Outbox() if outbox is None else outbox
        self.connects = 0
        self.progress = 0  # grows while `run` does its work, also while it waits
        self._info = info
        self._transport = transport
        self._now_ns = now_ns
        self._stamp = _no_stamp if stamp is None else stamp
        self._dictionary_hash = dictionary_hash(points, packets)
        self._packer = msgpack.Packer()
        self._plan = PacketPlan(points, info.topics, packets)
        self._state_topic = info.topics.telemetry("link")
        self._state_due_ns = 0
        self._nap = Nap()
        self._is_ending = False
        self._state = LinkState.ENDED
        self._since_ns = now_ns()
        self._failure: LinkDown | None = None
        self._told: set[str] = set()  # kinds of failure and refused topics, until they are over
        self._back_off = BackOff(random.Random(info.session_id) if rng is None else rng)
        self._budget = budget
        self._on_event = self.note if on_event is None else on_event
        self._sender = Sender(
            transport=transport,
            outbox=self.outbox,
            now_ns=now_ns,
            wake=self._nap.wake,
            on_refused=self._on_refused,
        )

    @property
    def is_connected(self) -> bool:
        """Whether the broker has taken the birth of this connection."""
        return self._state is LinkState.UP

    @property
    def health(self) -> LinkHealth:
        """How the link is now."""
        box = self.outbox
        oldest_ns = box.oldest_ns
        return LinkHealth(
            state=self._state,
            since_ns=self._since_ns,
            failure="" if self._failure is None else str(self._failure),
            connects=self.connects,
            made=list(box.made),
            sent=list(box.sent),
            lost=list(box.lost),
            refused=list(box.refused),
            waiting=box.waiting,
            oldest_age_s=_seconds(None if oldest_ns is None else self._now_ns() - oldest_ns),
            round_trip_p50_s=_seconds(self._sender.round_trip_ns(0.5)),
            round_trip_p99_s=_seconds(self._sender.round_trip_ns(0.99)),
        )

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Queue what a cycle has to say and the packets that are due. Implements CycleSink."""
        now_ns = inputs.now_ns
        events: Sequence[Event] = decision.events
        if self._budget is not None:
            events = self._budget.passed(events, now_ns)
        for event in events:
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
        if self._budget is None or self._budget.admit(event, event.time_ns):
            self._put_event(event)

    def answer(self, now_ns: int, ack: Ack) -> None:
        """Queue the answer to a command."""
        body = {"id": ack.command_id, "ok": ack.ok, "reason": ack.reason}
        self._put(Priority.ALERT, self._info.topics.ack, now_ns, body)

    def request_end(self) -> None:
        """Ask `run` to say good-bye and return, within 3 END_TIMEOUT_S once it is connected.

        While it is connecting it returns after the try, within CONNECT_TIMEOUT_S.
        """
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Connect and send, again and again, until `request_end`; then publish death and close.

        When cancelled it only drops the connection: the broker's last will then tells of the death.
        """
        try:
            while not self._is_ending:
                lost = await self._serve()
                if lost is None:
                    return
                connected_s = 0.0
                if self._state is LinkState.UP:
                    connected_s = (self._now_ns() - self._since_ns) / NS_PER_S
                self._enter(LinkState.PAUSING)
                self._tell_lost(lost)
                await self._pause(self._back_off.pause_s(lost.failure, connected_s))
        finally:
            self._enter(LinkState.ENDED)

    async def _serve(self) -> LinkDown | None:
        """Connect once and send until the end; return why it ended before."""
        self._enter(LinkState.CONNECTING)
        lost: LinkDown | None = None
        try:
            await self._connect()
            await self._send_until_end()
        except LinkDown as error:
            lost = error
        except TimeoutError:
            lost = LinkDown("no answer in time", Failure.TIMEOUT)
        finally:
            self._transport.drop()
            self._sender.end(lost)
        return lost

    async def _pause(self, pause_s: float) -> None:
        """Wait, but not past the request to end; what is queued meanwhile does not shorten it."""
        time_s = asyncio.get_running_loop().time
        end_s = time_s() + pause_s
        while not self._is_ending and (left_s := end_s - time_s()) > 1e-6:  # floats differ in ns
            self.progress += 1
            await self._nap.sleep(min(left_s, WAKE_S))

    async def _connect(self) -> None:
        topics = self._info.topics
        will = Message(topics.death, self._death(is_ordered=False), 1, True)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self._transport.connect(will)
        self.progress += 1
        birth = {
            **self._times(self._now_ns()),
            "session": self._info.session_id,
            "dictionary": self._dictionary_hash,
            "simulated": self._info.simulated,
            "version": self._info.version,
            "connects": self.connects,
        }
        try:
            async with asyncio.timeout(BIRTH_TIMEOUT_S):
                await self._transport.publish(topics.birth, self._packer.pack(birth), retain=True)
        except Refused as error:
            self._tell_refused(topics.birth, str(error))
        self.connects += 1
        self._enter(LinkState.UP)
        self._told.clear()
        self._tell("link.up", Severity.INFO, f"connection {self.connects}", self.connects)

    async def _send_until_end(self) -> None:
        while not self._is_ending:
            self._sender.fill(Priority.FAST)
            self.progress += 1
            await self._nap.sleep(WAKE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                while True:
                    self._sender.fill(Priority.EVENT)
                    if not any(self.outbox.waiting[: Priority.SLOW]):
                        break
                    await self._nap.sleep(WAKE_S)
        async with asyncio.timeout(END_TIMEOUT_S):
            while self.outbox.under_way >= self._transport.window:
                await self._nap.sleep(WAKE_S)
            death = self._death(is_ordered=True)
            with contextlib.suppress(Refused):
                await self._transport.publish(self._info.topics.death, death, retain=True)
        await self._transport.close()

    def _enter(self, state: LinkState) -> None:
        self._state, self._since_ns = state, self._now_ns()

    def _death(self, *, is_ordered: bool) -> bytes:
        """A death belongs to the birth of the same session and number of connects."""
        body = {
            **self._times(self._now_ns()),
            "session": self._info.session_id,
            "connects": self.connects - is_ordered,
            "ordered": is_ordered,
        }
        if is_ordered:
            body |= self._counts()
        return bytes(self._packer.pack(body))

    def _tell(self, event_id: str, severity: Severity, text: str, value: float = 0.0) -> None:
        self._on_event(Event(self._now_ns(), event_id, severity, "link", text, value))

    def _tell_lost(self, lost: LinkDown) -> None:
        """Tell each kind of failure once, until the next connection."""
        self._failure, failure = lost, lost.failure
        if failure in self._told:
            return
        self._told.add(failure)
        if failure.needs_a_person:
            text = f"{lost}; {MENDS[failure]}; tried again slowly"
            self._tell("link.needs_mend", Severity.WARNING, text)
        else:
            self._tell("link.down", Severity.INFO, str(lost))

    def _on_refused(self, message: Outgoing, why: str) -> None:
        self._tell_refused(message.topic, why)

    def _tell_refused(self, topic: str, why: str) -> None:
        """Tell once for each topic and connection that the broker does not take it."""
        if topic not in self._told:
            self._told.add(topic)
            text = f"{topic}: {why}; mend the broker's access list or limits"
            self._tell("link.message_refused", Severity.WARNING, text)

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
        health = self.health
        body = {
            **self._counts(),
            "connects": health.connects,
            "failure": health.failure,
            "oldest_age_s": health.oldest_age_s,
            "round_trip_p50_s": health.round_trip_p50_s,
            "round_trip_p99_s": health.round_trip_p99_s,
        }
        self._put(Priority.SLOW, self._state_topic, now_ns, body)

    def _counts(self) -> dict[str, list[int]]:
        box = self.outbox
        return {
            "made": box.made,
            "sent": box.sent,
            "lost": box.lost,
            "refused": box.refused,
            "waiting": box.waiting,
        }

    def _times(self, now_ns: int) -> dict[str, object]:
        utc_ns, is_trusted = self._stamp()
        return {"t": now_ns, "utc": utc_ns, "trusted": is_trusted}

    def _put(self, priority: Priority, topic: str, now_ns: int, body: Mapping[str, object]) -> None:
        sequence = self.outbox.made[priority]
        utc_ns, is_trusted = self._stamp()
        whole = {
            "session": self._info.session_id,
            "priority": int(priority),
            "seq": sequence,
            "t": now_ns,
            "utc": utc_ns,
            "trusted": is_trusted,
            **body,
        }
        self.outbox.put(priority, topic, self._packer.pack(whole), now_ns)
        self._nap.wake()


def _no_stamp() -> tuple[int, bool]:
    """Stand in for a source of UTC: none is known."""
    return 0, False


def _seconds(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / NS_PER_S
