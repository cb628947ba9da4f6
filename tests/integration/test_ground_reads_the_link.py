"""The ground, with the dictionary document alone, reads all that a link sends in a flight."""

import asyncio
import json

import msgpack
import numpy as np
import pytest

from flight.core.config import CoreConfig
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.dictionary.channels import build_point_table
from flight.dictionary.decode import Decoder, DictionaryMismatchError
from flight.dictionary.export import dictionary, to_json
from flight.dictionary.packets import PACKETS
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.topics import Topics
from flight.link.transport import Message
from flight.services.link import Link, LinkInfo
from sim_hw.clock import SimLoop, run_simulated

TABLE = build_point_table()
TOPICS = Topics(fleet="f", satellite="s", node="n")
OWN = TOPICS.telemetry("link")  # the link's own state, no packet of the dictionary


def fly(duration_s: int) -> list[Message]:
    """Fly a node whose point i reads i, in NOMINAL, and return all that was sent."""

    async def main() -> list[Message]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        broker, heard = MemoryBroker(), list[Message]()
        link = Link(
            info=LinkInfo(topics=TOPICS, session_id="x", simulated=True, version="0.1"),
            points=TABLE,
            transport=MemoryTransport(broker, now_ns=loop.now_ns),
            now_ns=loop.now_ns,
        )
        ear = MemoryTransport(broker, now_ns=loop.now_ns)
        await ear.connect()
        await ear.subscribe("#")

        async def listen() -> None:
            while True:
                heard.append(await ear.receive())

        count = len(TABLE)
        arrays = np.zeros(count, np.int64), np.zeros(count, np.int32), np.zeros(count, np.uint32)
        decision = Decision(
            mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(700.0,) * 8, cap_reason=("plan",) * 8
        )
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen(), name="ear")
            group.create_task(link.run(), name="link")
            for _ in range(10 * duration_s):
                snapshot = Snapshot(np.arange(count, dtype=float), *arrays)
                link.record(Inputs(now_ns=loop.now_ns(), snapshot=snapshot), decision)
                await asyncio.sleep(0.1)
            link.request_end()
            await asyncio.sleep(1.0)
            listening.cancel()
        return heard

    return run_simulated(main())


def test_every_packet_of_a_flight_is_read_and_no_value_is_mistaken() -> None:
    decoder = Decoder(json.loads(to_json(dictionary(CoreConfig(), TABLE))))
    heard = fly(70)
    decoder.check_birth(msgpack.unpackb(heard[0].payload))
    frames = [
        decoder.frame(message.topic.rpartition("/")[2], message.payload)
        for message in heard
        if message.topic.startswith(f"{TOPICS.base}/tlm/") and message.topic != OWN
    ]
    sent = {packet.name for packet in PACKETS if packet.rate(Mode.NOMINAL).logic != "silent"}
    assert {frame.packet for frame in frames} == sent
    assert len([frame for frame in frames if frame.packet == "fast"]) == 70
    for frame in frames:
        wrong = {n: v for n, v in frame.values.items() if v != TABLE.index[n]}
        assert not wrong, frame.packet


def test_a_ground_with_the_dictionary_of_another_node_is_told_so() -> None:
    other = Decoder(dictionary(CoreConfig(), build_point_table(4)))
    with pytest.raises(DictionaryMismatchError, match="the node speaks dictionary"):
        other.check_birth(msgpack.unpackb(fly(1)[0].payload))
