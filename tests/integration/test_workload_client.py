"""The example job: told to save, killed, started again, and as far as if nothing had happened."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flight.core.types import Decision, Inputs, Mode, Notice, NoticeLevel, Snapshot
from flight.services.workload import WorkloadPort, WorkloadSection

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "examples" / "clients"
LIMIT_S = 60.0  # a hang, not a measure
STEPS = 3000
EMPTY = Snapshot(*(np.zeros(0, kind) for kind in (np.float64, np.int64, np.int32, np.uint32)))


async def start(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start the job."""
    return await asyncio.create_subprocess_exec(
        sys.executable, str(CLIENTS / "checkpoint_loop.py"),
        "--socket", str(folder / "w.sock"), "--checkpoint", str(folder / "model.npz"),
        "--steps", str(STEPS), *arguments,
        stdout=subprocess.PIPE, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


async def result(process: asyncio.subprocess.Process) -> dict[str, float]:
    """Return what a job that ended in order has printed."""
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, float] = json.loads(out)
    return found


def saved_step(folder: Path) -> int:
    with np.load(folder / "model.npz") as saved:
        return int(saved["step"])


class Node:
    """The daemon's end: a port whose notices the test writes."""

    def __init__(self, folder: Path, session_id: str = "s1") -> None:
        self.port = WorkloadPort(
            config=WorkloadSection(socket_path=str(folder / "w.sock")),
            accelerator_count=8,
            session_id=session_id,
            now_ns=lambda: round(asyncio.get_running_loop().time() * 1e9),
        )
        self._number = 0

    def tell(self, level: NoticeLevel) -> str:
        """Put a notice in force; return its id."""
        self._number += 1
        told = Notice(f"n{self._number}", "accel0", level, "test", 0)
        decision = Decision(
            mode=Mode.NOMINAL, desired=np.zeros(0), cap_w=(), cap_reason=(), notices=(told,)
        )
        self.port.record(Inputs(now_ns=0, snapshot=EMPTY), decision)
        return told.notice_id

    async def acknowledged(self, notice_id: str) -> None:
        while self.port.claims()[0].acknowledged != notice_id:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.005)

    async def joined(self) -> None:
        while self.port.claims()[0].client != "trainer":  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.005)


async def uninterrupted(folder: Path) -> dict[str, float]:
    """Run the job alone, with no daemon at all."""
    return await result(await start(folder))


def test_a_job_saves_when_told_is_killed_and_reaches_the_same_loss(tmp_path: Path) -> None:
    alone, told = tmp_path / "alone", tmp_path / "told"
    alone.mkdir()
    told.mkdir()

    async def main() -> None:
        node = Node(told)
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(node.port.run(), name="workload")
            expected = await uninterrupted(alone)
            job = await start(told, "--pause-s", "0.02")  # a minute, unless it is interrupted
            await node.joined()
            assert node.port.claims()[0].checkpoint_s == 1.0
            step = 0
            while not step:  # told before its first batch, it rightly saves that
                await node.acknowledged(node.tell(NoticeLevel.CHECKPOINT))
                step = saved_step(told)
            job.kill()  # what it did after the checkpoint is lost
            await job.wait()
            assert 0 < step < STEPS
            node.tell(NoticeLevel.OPEN)
            again = await start(told)
            reached = await result(again)
            assert reached == expected and reached["step"] == STEPS
            node.port.request_end()

    asyncio.run(main())


def test_a_job_ends_on_drain_waits_on_freeze_and_goes_on_when_open(tmp_path: Path) -> None:
    async def main() -> None:
        node = Node(tmp_path)
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(node.port.run(), name="workload")
            job = await start(tmp_path, "--pause-s", "0.02")
            await node.joined()
            await node.acknowledged(node.tell(NoticeLevel.FREEZE))
            frozen_at = saved_step(tmp_path)
            await node.acknowledged(node.tell(NoticeLevel.OPEN))
            assert saved_step(tmp_path) == frozen_at
            await node.acknowledged(node.tell(NoticeLevel.DRAIN))
            drained = await result(job)
            assert frozen_at < drained["step"] < STEPS
            assert saved_step(tmp_path) == drained["step"]
            node.port.request_end()

    asyncio.run(main())


def test_a_job_outlives_the_daemon_and_finds_the_next_one(tmp_path: Path) -> None:
    async def serve(session_id: str, level: NoticeLevel) -> None:
        node = Node(tmp_path, session_id)  # whose first notice is n1 again
        async with asyncio.TaskGroup() as group:
            group.create_task(node.port.run(), name="workload")
            await node.joined()
            await node.acknowledged(node.tell(level))
            node.port.request_end()

    async def main() -> None:
        async with asyncio.timeout(LIMIT_S):
            job = await start(tmp_path, "--pause-s", "0.02")
            await serve("s1", NoticeLevel.CHECKPOINT)
            await serve("s2", NoticeLevel.DRAIN)
            assert (await result(job))["step"] < STEPS

    asyncio.run(main())


PAGE = ROOT / "docs" / "how-to" / "checkpoint-a-workload.md"


@pytest.fixture
def shown() -> list[str]:
    """The lines of the loop that the page shows."""
    found = re.search(
        r"```\{literalinclude\} (\S+)\n:start-after: (.*)\n:end-before: (.*)\n", PAGE.read_text()
    )
    assert found is not None
    text = (PAGE.parent / found[1]).read_text()
    assert text.count(found[2]) == 1 and text.count(found[3]) == 1
    lines = text.partition(found[2])[2].partition(found[3])[0].splitlines()[1:]
    return [line for line in lines if line.strip()]


def test_the_page_shows_the_loop_of_the_example_itself_in_20_lines(shown: list[str]) -> None:
    assert 10 <= len(shown) <= 20
    assert any("node.poll()" in line for line in shown)
    assert any("model.resume" in line for line in shown)
