"""The contract of flight.link.transport.Transport: in memory, and on a real Mosquitto.

An implementation takes part by one subclass of `TransportContract` that supplies a world: how to
run a coroutine, how to make transports that meet at one broker, how to break a connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flight.link.memory import INBOX_MAX, MemoryBroker, MemoryTransport
from flight.link.mqtt import MqttTransport
from flight.link.transport import LinkDown, Message, Transport
from sim_hw.clock import SimLoop, run_simulated
from tests.contract.broker import Mosquitto, run_real

BASE = "ns/f/s/n"


class TransportContract:
    """What every transport does. Subclasses supply the three methods below."""

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        """Run a test on the event loop that the transport needs."""
        raise NotImplementedError

    def make(self) -> Transport:
        """Return a transport to the broker of this test."""
        raise NotImplementedError

    def break_off(self, transport: Any) -> None:
        """Lose the connection of a transport as a broken cable does."""
        transport.drop()

    def test_what_is_sent_at_once_arrives_in_order_and_every_answer_comes(self) -> None:
        async def test() -> None:
            sender, receiver = self.make(), self.make()
            await sender.connect()
            await receiver.connect()
            await receiver.subscribe("#")
            sent = [sender.send(BASE, b"%d" % k) for k in range(sender.window)]
            await asyncio.gather(*sent)
            received = [(await receiver.receive()).payload for _ in sent]
            assert received == [b"%d" % k for k in range(sender.window)]
            await sender.close()
            await receiver.close()

        self.run(test)

    def test_a_loss_ends_each_message_under_way_and_none_waits_for_ever(self) -> None:
        async def test() -> None:
            sender = self.make()
            await sender.connect()
            sent = [sender.send(BASE, b"%d" % k) for k in range(5)]
            self.break_off(sender)
            ends = await asyncio.gather(*sent, return_exceptions=True)
            assert all(end is None or isinstance(end, LinkDown) for end in ends)

        self.run(test)

    def test_a_subscriber_receives_what_matches_in_order(self) -> None:
        async def test() -> None:
            sender, receiver = self.make(), self.make()
            await sender.connect()
            await receiver.connect()
            await receiver.subscribe(f"{BASE}/tlm/+")
            for payload in (b"1", b"2", b"3"):
                await sender.publish(f"{BASE}/evt", b"other")
                await sender.publish(f"{BASE}/tlm/fast", payload)
            received = [await receiver.receive() for _ in range(3)]
            assert [message.payload for message in received] == [b"1", b"2", b"3"]
            assert {message.topic for message in received} == {f"{BASE}/tlm/fast"}
            await sender.close()
            await receiver.close()

        self.run(test)

    def test_receive_waits_for_a_message_that_comes_later(self) -> None:
        async def test() -> None:
            sender, receiver = self.make(), self.make()
            await sender.connect()
            await receiver.connect()
            await receiver.subscribe("#")
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(receiver.receive(), name="receiver")
                await asyncio.sleep(0.01)
                await sender.publish(BASE, b"late")
            assert waiting.result().payload == b"late"
            await sender.close()
            await receiver.close()

        self.run(test)

    def test_a_retained_message_reaches_later_subscribers_until_it_is_cleared(self) -> None:
        async def test() -> None:
            sender = self.make()
            await sender.connect()
            await sender.publish(f"{BASE}/birth", b"first", retain=True)
            await sender.publish(f"{BASE}/birth", b"second", retain=True)
            early = self.make()
            await early.connect()
            await early.subscribe(f"{BASE}/#")
            message = await early.receive()
            assert (message.payload, message.retain) == (b"second", True)
            await sender.publish(f"{BASE}/birth", b"", retain=True)
            late = self.make()
            await late.connect()
            await late.subscribe(f"{BASE}/#")
            await sender.publish(f"{BASE}/evt", b"mark")
            assert (await late.receive()).payload == b"mark"
            for transport in (sender, early, late):
                await transport.close()

        self.run(test)

    def test_a_lost_connection_publishes_the_will_and_an_ordered_end_does_not(self) -> None:
        async def test() -> None:
            watcher, first, second = self.make(), self.make(), self.make()
            await watcher.connect()
            await watcher.subscribe("+/will")
            await first.connect(Message("a/will", b"ordered"))
            await second.connect(Message("b/will", b"lost"))
            await first.close()
            self.break_off(second)
            message = await watcher.receive()
            assert (message.topic, message.payload) == ("b/will", b"lost")
            await watcher.close()

        self.run(test)

    def test_every_call_without_a_connection_says_link_down(self) -> None:
        async def test() -> None:
            transport = self.make()
            with pytest.raises(LinkDown):
                await transport.publish(BASE, b"")
            await transport.connect()
            self.break_off(transport)
            with pytest.raises(LinkDown):
                await transport.publish(BASE, b"")
            with pytest.raises(LinkDown):
                transport.check()
            with pytest.raises(LinkDown):
                await transport.subscribe("#")
            with pytest.raises(LinkDown):
                await transport.receive()
            await transport.close()
            await transport.close()

        self.run(test)

    def test_a_receiver_that_waits_wakes_when_the_connection_is_lost(self) -> None:
        async def test() -> None:
            transport = self.make()
            await transport.connect()
            await transport.subscribe("#")

            async def lose() -> None:
                await asyncio.sleep(0.01)
                self.break_off(transport)

            async with asyncio.TaskGroup() as group:
                group.create_task(lose(), name="breaker")
                with pytest.raises(LinkDown):
                    await transport.receive()

        self.run(test)

    def test_after_a_loss_it_connects_again_and_old_subscriptions_are_gone(self) -> None:
        async def test() -> None:
            sender, receiver = self.make(), self.make()
            await sender.connect()
            await receiver.connect()
            await receiver.subscribe("old")
            self.break_off(receiver)
            await receiver.connect()
            await receiver.subscribe("new")
            await sender.publish("old", b"1")
            await sender.publish("new", b"2")
            assert (await receiver.receive()).topic == "new"
            await sender.close()
            await receiver.close()

        self.run(test)


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


class TestMemoryTransport(TransportContract):
    """The in-memory transport, in virtual time."""

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        self.broker = MemoryBroker()

        async def main() -> None:
            await test()

        run_simulated(main())

    def make(self) -> MemoryTransport:
        return MemoryTransport(self.broker, now_ns=now_ns)

    def test_a_scripted_outage_cuts_and_refuses_until_it_ends(self) -> None:
        async def test() -> None:
            watcher = self.make()
            await watcher.connect()
            await watcher.subscribe("will")
            transport = MemoryTransport(
                self.broker, now_ns=now_ns, outages=[(1.0, 2.0), (3.0, 4.0)]
            )
            await transport.connect(Message("will", b""))
            await watcher.receive()
            assert now_ns() == 1_000_000_000
            with pytest.raises(LinkDown):
                await transport.connect()
            await asyncio.sleep(1.0)
            await transport.connect(Message("will", b"again"))
            await transport.publish(BASE, b"")
            assert (await watcher.receive()).payload == b"again"
            assert now_ns() == 3_000_000_000

        self.run(test)

    def test_a_call_at_the_very_start_of_an_outage_is_refused(self) -> None:
        async def test() -> None:
            transport = MemoryTransport(self.broker, now_ns=now_ns, outages=[(1.0, 2.0)])
            sleeping = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(1.0, sleeping.set_result, None)
            await transport.connect()
            await sleeping
            with pytest.raises(LinkDown):
                await transport.publish(BASE, b"")

        self.run(test)

    def test_a_full_inbox_drops_the_oldest_and_counts_it(self) -> None:
        async def test() -> None:
            sender, receiver = self.make(), self.make()
            await sender.connect()
            await receiver.connect()
            await receiver.subscribe("#")
            for k in range(INBOX_MAX + 2):
                await sender.publish(BASE, b"%d" % k)
            assert self.broker.dropped_count == 2
            assert (await receiver.receive()).payload == b"2"

        self.run(test)

    def test_an_outage_that_ends_before_it_starts_is_refused(self) -> None:
        with pytest.raises(ValueError, match="outage"):
            MemoryTransport(MemoryBroker(), now_ns=now_ns, outages=[(2.0, 1.0)])


class TestMqttTransport(TransportContract):
    """aiomqtt on a Mosquitto of each test's own."""

    @pytest.fixture(autouse=True)
    def broker(self, tmp_path: Path) -> Iterator[None]:
        with Mosquitto(tmp_path) as self.mosquitto:
            yield

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        run_real(test)

    def make(self) -> MqttTransport:
        return MqttTransport(self.mosquitto.settings(session_expiry_s=0))
