"""An orbit without a link, in virtual time: what was made arrives afterwards, or is counted."""

import asyncio
import tracemalloc

import msgpack
import numpy as np
import pytest

from flight.config import NodeConfig, build_points
from flight.core.types import Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.outbox import DEPTHS, Outbox, Priority
from flight.link.receiver import FrameFilter
from flight.link.topics import Topics
from flight.services.link import Link, LinkInfo
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000
ORBIT_S = 5739  # REF-1
MEMORY_BYTES_MAX = 20 * 2**20
TOPICS = Topics(fleet="f", satellite="s", node="n")
POINTS = build_points(NodeConfig())
EVENT_EVERY_S = 10
SMALL = {Priority.ALERT: 100, Priority.EVENT: 100, Priority.SLOW: 100, Priority.FAST: 100}


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


class Ground:
    """Hears all, takes each frame once."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.filter = FrameFilter()
        self.taken: list[list[int]] = [[] for _ in Priority]
        self._ear = MemoryTransport(broker, now_ns=now_ns)

    async def listen(self) -> None:
        await self._ear.connect()
        await self._ear.subscribe("#")
        while True:
            frame = msgpack.unpackb((await self._ear.receive()).payload)
            if "seq" in frame and self.filter.admit(frame):
                self.taken[frame["priority"]].append(frame["seq"])


def fly(outbox: Outbox) -> tuple[Link, Ground, int]:
    """Fly an orbit of outage with some minutes around it; return what the outbox took at most."""
    found: list[tuple[Link, Ground, int]] = []

    async def main() -> None:
        broker = MemoryBroker()
        ground = Ground(broker)
        transport = MemoryTransport(
            broker, now_ns=now_ns, outages=[(60.5, 60.5 + ORBIT_S)], latency_s=0.02
        )
        info = LinkInfo(topics=TOPICS, session_id="s", simulated=True, version="0")
        link = Link(info=info, points=POINTS, transport=transport, now_ns=now_ns, outbox=outbox)
        count = len(POINTS)
        rng = np.random.default_rng(1)
        size_bytes = 0
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(ground.listen(), name="ground")
            sending = group.create_task(link.run(), name="link")
            await asyncio.sleep(0.5)
            tracemalloc.start()
            try:
                for second in range(60 + ORBIT_S + 400):
                    if second == 60 + ORBIT_S:
                        size_bytes = tracemalloc.get_traced_memory()[0]
                    link.record(inputs(rng.random(count)), decision(second))
                    await asyncio.sleep(1.0)
            finally:
                tracemalloc.stop()
            link.request_end()
            await sending
            await asyncio.sleep(0.1)
            ear.cancel()
        found.append((link, ground, size_bytes))

    run_simulated(main())
    return found[0]


def inputs(values: np.ndarray) -> Inputs:
    count = len(values)
    times_ns = np.full(count, now_ns())
    snapshot = Snapshot(values, times_ns, np.zeros(count, np.int32), np.zeros(count, np.uint32))
    return Inputs(now_ns=now_ns(), snapshot=snapshot)


def decision(second: int) -> Decision:
    severity = Severity.CRITICAL if second % (2 * EVENT_EVERY_S) else Severity.INFO
    event = Event(now_ns(), "accel.core_hot", severity, "accel3", "x" * 60, 1.0)
    return Decision(
        mode=Mode.NOMINAL,
        desired=np.empty(0),
        cap_w=(700.0,) * 8,
        cap_reason=("plan",) * 8,
        events=(event,) if second % EVENT_EVERY_S == 0 else (),
    )


@pytest.mark.parametrize(("depths", "is_whole"), [(DEPTHS, True), (SMALL, False)])
def test_what_was_made_in_an_orbit_of_outage_arrives_in_order_or_is_counted(
    depths: dict[Priority, int], is_whole: bool
) -> None:
    outbox = Outbox(depths)
    link, ground, size_bytes = fly(outbox)
    missing = ground.filter.sessions["s"].missing
    for priority in Priority:
        taken = ground.taken[priority]
        assert taken == sorted(set(taken))
        assert outbox.made[priority] == outbox.sent[priority] + outbox.lost[priority]
        assert len(taken) == outbox.sent[priority]
        assert missing[priority] == outbox.lost[priority]
    assert not any(outbox.waiting)
    assert outbox.lost == [0, 0, 0, 0] if is_whole else min(outbox.lost) > 100
    # Thinned, not cut off at one end: the largest gap in what came is short against the outage.
    assert np.diff(ground.taken[Priority.FAST]).max() <= (1 if is_whole else 128)
    assert link.connects == 2
    assert size_bytes < MEMORY_BYTES_MAX
    print(f"outbox after an orbit: {size_bytes / 2**20:.1f} MiB")
