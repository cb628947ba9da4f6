"""Frames through recorder and link to a real Mosquitto: `python -m benchmarks.bench_link`, part of
`make bench`.

Each frame of 250 samples of 8 bytes is recorded, packed, queued, sent and acknowledged at QoS 1.
Wall time, since an acknowledgement takes wall time; CPU beside it. Plain publishes of aiomqtt with
payloads of the same size are measured in the same run.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiomqtt
import numpy as np

from benchmarks.table import Row, report
from flight.core.points import Point, PointTable
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.dictionary.packets import Packet, dictionary_hash
from flight.link.mqtt import MqttSettings, MqttTransport
from flight.link.topics import Topics
from flight.services.link import Link, LinkInfo
from flight.services.recorder_queue import RecorderThread
from flight.services.recording_schema import RecordingInfo

SAMPLES, FRAMES, AT_ONCE = 250, 6000, 20
PERIOD_NS = 500_000  # 2,000 frames/s on the clock of the flight; as fast as it goes on the wall's
TIMEOUT_S = 120.0
CONFIG = """listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
log_dest stderr
log_type information
connection_messages false
"""
POINTS = PointTable(
    tuple(
        Point(name=f"p{i}.power_w", unit="W", driver="d", device="x", channel=i, low=0.0, high=1e3)
        for i in range(SAMPLES)
    )
)
PACKETS = (Packet(name="bench", patterns=("*",), period_s=PERIOD_NS / 1e9, encoding="<f8"),)


def main() -> int:
    """Measure, print, write build/bench/link.json; return 1 when a budget is missed."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        print("benchmarks: link NOT RUN: there is no mosquitto; apt-get install mosquitto")
        return 0
    with tempfile.TemporaryDirectory() as folder, broker(program, Path(folder)) as port:
        flown_s, cpu_s = asyncio.run(fly(port, Path(folder) / "bench.db"))
        plain_s = asyncio.run(publish_plain(port))
    rate, plain_rate = FRAMES / flown_s, FRAMES / plain_s
    name = f"frames of {SAMPLES} samples"
    rows = [
        Row(
            name=f"{name}, recorded and acknowledged",
            value=rate,
            unit="1/s",
            budget=400.0,
            goal=2000.0,
            is_more_better=True,
        ),
        Row(name=f"{name}, CPU of the process each", value=cpu_s / FRAMES * 1e6, unit="us"),
        Row(name=f"plain aiomqtt, {AT_ONCE} at once", value=plain_rate, unit="1/s"),
        Row(name="recorded and acknowledged / plain aiomqtt", value=rate / plain_rate, unit="1"),
    ]
    return 0 if report("link", "Link and recorder to a broker on loopback (wall)", rows) else 1


@contextmanager
def broker(program: str, folder: Path) -> Iterator[int]:
    """Run a Mosquitto on a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port))
    process = subprocess.Popen([program, "-c", config], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith("running"):
                break
        yield port
    finally:
        process.kill()
        process.wait()


async def fly(port: int, path: Path) -> tuple[float, float]:
    """Return wall and CPU time from the first frame to the last acknowledged and committed."""
    topics = Topics(fleet="f", satellite="s", node="n")
    recording = RecordingInfo(
        points=POINTS,
        accelerators=1,
        config_text="",
        config_hash="",
        seed=1,
        dictionary_hash=dictionary_hash(POINTS, PACKETS),
        simulated=True,
        version="0",
    )
    recorder = RecorderThread(path, recording, depth=FRAMES)
    link = Link(
        info=LinkInfo(topics=topics, session_id="bench", simulated=True, version="0"),
        points=POINTS,
        transport=MqttTransport(MqttSettings(host="127.0.0.1", port=port, client_id="bench")),
        now_ns=time.monotonic_ns,
        packets=PACKETS,
    )
    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as group:
        group.create_task(link.run(), name="link")
        while not link.is_connected:  # noqa: ASYNC110  # what a service does, from outside
            await asyncio.sleep(0.01)
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        await make_frames(recorder, link)
        while sum(link.outbox.waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.to_thread(recorder.close)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        link.request_end()
    if sum(link.outbox.lost) or recorder.health.rows_written != FRAMES:
        sys.exit(f"benchmarks: frames were lost: {link.health} {recorder.health}")
    return wall_s, cpu_s


async def make_frames(recorder: RecorderThread, link: Link) -> None:
    """Make all frames, no faster than the link takes them."""
    rng = np.random.default_rng(1)
    status, errors = np.zeros(SAMPLES, np.int32), np.zeros(SAMPLES, np.uint32)
    decision = Decision(
        mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(700.0,), cap_reason=("plan",)
    )
    values = 500.0 + rng.normal(size=SAMPLES)
    for k in range(FRAMES):
        now_ns = k * PERIOD_NS
        values = np.round(values + rng.normal(scale=0.1, size=SAMPLES), 1)  # as sensors resolve
        snapshot = Snapshot(values, np.full(SAMPLES, now_ns), status, errors)
        inputs = Inputs(now_ns=now_ns, snapshot=snapshot)
        recorder.record(inputs, decision)
        link.record(inputs, decision)
        if k % AT_ONCE == 0:
            await asyncio.sleep(0)
        while sum(link.outbox.waiting) > 10 * AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def publish_plain(port: int) -> float:
    """Return the wall time of as many publishes of aiomqtt alone."""
    payload = bytes(8 * SAMPLES + 150)
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    async with aiomqtt.Client(
        "127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, socket_options=options
    ) as client:
        client.pending_calls_threshold = AT_ONCE

        async def publish() -> None:
            for _ in range(FRAMES // AT_ONCE):
                await client.publish("plain", payload, qos=1)

        wall_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for k in range(AT_ONCE):
                group.create_task(publish(), name=f"publisher {k}")
        return time.perf_counter() - wall_s


if __name__ == "__main__":
    sys.exit(main())
