"""S9: each frame is delivered in order within its priority, or counted as lost.

The shipped link and outbox on a transport that a machine cuts, delays, and fails at will. The
transport keeps what MQTT promises and nothing more: what arrives is a prefix of what was sent on
that connection, an answer comes after its message arrived, and answers may be lost with the
connection, so that frames arrive twice.
"""

import asyncio
import random
from collections import deque
from typing import Any

import msgpack
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flight.core.points import Point, PointTable
from flight.core.types import Event, Severity
from flight.dictionary.packets import Packet
from flight.link.outbox import Outbox, Outgoing, Priority
from flight.link.receiver import FrameFilter
from flight.link.topics import Topics
from flight.link.transport import Failure, LinkDown, Message, Refused
from flight.services.link import Link, LinkInfo
from sim_hw.clock import SimLoop

TOPICS = Topics(fleet="f", satellite="s", node="n")
POINT = Point(name="a.power_w", unit="W", driver="d", device="x", channel=0, low=0.0, high=1e3)
MENDING_S = 700.0  # longer than the longest pause between two tries, twice


class Wire:
    """A transport and its broker's queue: `arrive` and `answer` happen when the machine says so."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.is_reachable = True
        self.failure = Failure.UNREACHABLE
        self.arrived: list[Message] = []
        self._is_connected = False
        self._sent: deque[tuple[Message, asyncio.Future[None]]] = deque()
        self._unanswered: deque[tuple[Message, asyncio.Future[None]]] = deque()

    async def connect(self, will: Message | None = None) -> None:
        if not self.is_reachable:
            raise LinkDown("cut", self.failure)
        self._is_connected = True

    def check(self) -> None:
        if not self._is_connected:
            raise LinkDown("not connected")

    def send(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> asyncio.Future[None]:
        self.check()
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if retain:  # birth and death are no frames
            taken.set_result(None)
            return taken
        assert len(self._sent) + len(self._unanswered) < self.window, "the window is not kept"
        self._sent.append((Message(topic, payload, qos, retain), taken))
        return taken

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        await self.send(topic, payload, qos=qos, retain=retain)

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        raise NotImplementedError

    async def receive(self) -> Message:
        raise NotImplementedError

    async def close(self) -> None:
        self.drop()

    def drop(self) -> None:
        self._is_connected = False
        for _, taken in (*self._unanswered, *self._sent):
            if not taken.done():
                taken.set_exception(LinkDown("cut"))
        self._sent.clear()
        self._unanswered.clear()

    def arrive(self, count: int, *, refused: bool = False) -> None:
        for _ in range(min(count, len(self._sent))):
            message, taken = self._sent.popleft()
            if refused:
                taken.set_exception(Refused("not authorized"))
            else:
                self.arrived.append(message)
                self._unanswered.append((message, taken))

    def answer(self, count: int) -> None:
        for _ in range(min(count, len(self._unanswered))):
            _, taken = self._unanswered.popleft()
            if not taken.done():
                taken.set_result(None)


class FramesInOrder(RuleBasedStateMachine):
    """Messages of all priorities against cuts, lost answers, refusals and full queues."""

    @initialize(
        window=st.integers(1, 6),
        depths=st.tuples(*(st.integers(1, 6) for _ in Priority)),
    )
    def start(self, window: int, depths: tuple[int, ...]) -> None:
        self.loop = SimLoop()
        self.wire = Wire(window)
        self.outbox = Outbox(dict(zip(Priority, depths, strict=True)))
        self.receiver = FrameFilter()
        self.taken: list[list[int]] = [[] for _ in Priority]
        self.read = 0
        self.link = Link(
            info=LinkInfo(topics=TOPICS, session_id="s", simulated=True, version="0"),
            points=PointTable((POINT,)),
            packets=(Packet(name="p", patterns=("*",), period_s=1.0),),
            transport=self.wire,
            now_ns=self.loop.now_ns,
            outbox=self.outbox,
            rng=random.Random(1),
            on_event=lambda _event: None,
        )
        self.task = self.loop.create_task(self.link.run(), name="link")

    def fly(self, time_s: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(time_s))
        arrived, self.read = self.wire.arrived[self.read :], len(self.wire.arrived)
        for message in arrived:
            frame: dict[str, Any] = msgpack.unpackb(message.payload)
            if self.receiver.admit(frame):
                self.taken[frame["priority"]].append(frame["seq"])

    @rule(priority=st.sampled_from(Priority), count=st.integers(1, 10))
    def make(self, priority: Priority, count: int) -> None:
        for _ in range(count):
            if priority in (Priority.ALERT, Priority.EVENT):
                severity = Severity.WARNING if priority is Priority.ALERT else Severity.INFO
                self.link.note(Event(self.loop.now_ns(), "x", severity, "s", "t"))
            else:
                self.link._put(priority, TOPICS.telemetry("p"), self.loop.now_ns(), {})

    @rule(count=st.integers(1, 8))
    def arrive(self, count: int) -> None:
        self.wire.arrive(count)

    @rule(count=st.integers(1, 8))
    def answer(self, count: int) -> None:
        self.wire.answer(count)

    @rule()
    def refuse_one(self) -> None:
        self.wire.arrive(1, refused=True)

    @rule(failure=st.sampled_from(Failure), time_s=st.sampled_from([0.0, 0.01, 3.0, 40.0]))
    def cut(self, failure: Failure, time_s: float) -> None:
        self.wire.is_reachable, self.wire.failure = False, failure
        self.wire.drop()
        self.fly(time_s)

    @precondition(lambda self: not self.wire.is_reachable)
    @rule()
    def mend(self) -> None:
        self.wire.is_reachable = True

    @rule(time_s=st.sampled_from([0.001, 0.1, 1.0, 11.0]))
    def wait(self, time_s: float) -> None:
        self.fly(time_s)

    @rule()
    def crash(self) -> None:
        """The task dies and its supervisor starts it again: the session goes on."""
        self.task.cancel()
        self.loop.run_until_complete(asyncio.wait([self.task]))
        self.task = self.loop.create_task(self.link.run(), name="link")

    @invariant()
    def each_is_accounted_for_and_in_order(self) -> None:
        if not hasattr(self, "loop"):
            return
        self.fly(0.0)
        box = self.outbox
        for priority in Priority:
            accounted = box.sent[priority] + box.lost[priority] + box.waiting[priority]
            assert accounted == box.made[priority], priority
            taken = self.taken[priority]
            assert taken == sorted(set(taken)), priority
        assert not self.task.done()

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            self.deliver_what_waits()
        finally:
            self.task.cancel()
            self.loop.run_until_complete(asyncio.wait([self.task]))
            self.loop.close()

    def deliver_what_waits(self) -> None:
        """Let everything arrive and be answered; then all is accounted for."""
        self.wire.is_reachable = True
        self.fly(MENDING_S)
        for _ in range(1000):
            self.wire.arrive(100)
            self.wire.answer(100)
            self.fly(MENDING_S if not self.link.is_connected else 0.01)
            if not any(self.outbox.waiting):
                break
        assert not any(self.outbox.waiting), self.link.health
        for priority in Priority:
            missing = self.outbox.made[priority] - len(self.taken[priority])
            # A frame may arrive and its answer not; refused or dropped then, it counts as lost.
            assert missing <= self.outbox.lost[priority], (priority, self.link.health)
            assert self.outbox.sent[priority] <= len(self.taken[priority])
        self.link.request_end()
        self.loop.run_until_complete(asyncio.wait([self.task], timeout=100.0))
        assert self.task.done() and self.task.exception() is None


FramesInOrder.TestCase.settings = settings(stateful_step_count=40)
TestFramesInOrder = FramesInOrder.TestCase


def _newest_first(self: Outbox, least: Priority = Priority.FAST) -> Outgoing | None:
    for queue in self._queues[: least + 1]:
        if queue:
            message = queue.pop()
            self._under_way[message.key] = message
            return message
    return None


def _forget(self: Outbox) -> None:
    self._under_way = {}


def _last_again(self: Outbox) -> None:
    messages, self._under_way = self._under_way, {}
    for message in messages.values():
        self._queues[message.priority].append(message)


BREAKS = {
    "newest first": ("take", _newest_first),
    "what was under way is forgotten": ("put_back", _forget),
    "what was under way goes last": ("put_back", _last_again),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_outbox_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, *BREAKS[name])
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(
            FramesInOrder,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                derandomize=True,
                database=None,
                phases=(Phase.generate,),
            ),
        )
