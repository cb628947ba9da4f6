"""The recorder's quota: the file stays at its size, and what goes is counted to the row."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from flight.core.points import Point, PointTable
from flight.core.types import Allotment, Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.services.recorder import Recorder
from flight.services.recording import RecordingReader
from flight.services.recording_file import MIB, WAL_RATIO
from flight.services.recording_schema import SHARES, RecordingInfo

POINT_COUNT = 200
PERIOD_NS = 100_000_000
QUOTA_MIB = 8.0
POINTS = PointTable(
    tuple(
        Point(name=f"p{i}", unit="W", driver="d", device="x", channel=i, low=0.0, high=1e3)
        for i in range(POINT_COUNT)
    )
)
INFO = RecordingInfo(points=POINTS, accelerators=1)
EMPTY = np.empty(0)


class Writer:
    """Writes cycles of pure noise, so that each costs its full size, and counts what it gave."""

    def __init__(self, path: Path, quota_mib: float = QUOTA_MIB) -> None:
        self.path = path
        self.recorder = Recorder(path, INFO, quota_mib=quota_mib)
        self.rng = np.random.default_rng(3)
        self.now_ns = 0
        self.events = 0

    def fly(self, cycles: int, *events: Event, allotment: Allotment | None = None) -> None:
        for _ in range(cycles):
            self.now_ns += PERIOD_NS
            values = self.rng.random(POINT_COUNT)
            zeros = np.zeros(POINT_COUNT, np.int32)
            snapshot = Snapshot(
                values, np.full(POINT_COUNT, self.now_ns), zeros, zeros.astype(np.uint32)
            )
            decision = Decision(
                mode=Mode.NOMINAL, desired=EMPTY, cap_w=(1.0,), cap_reason=("plan",), events=events
            )
            self.recorder.record(
                Inputs(now_ns=self.now_ns, snapshot=snapshot, allotment=allotment), decision
            )
            self.events += len(events)

    def size_mib(self) -> float:
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists()) / MIB

    def ledger(self) -> dict[str, tuple[int, int]]:
        """Rows in the file and rows lost, by table."""
        with sqlite3.connect(self.path) as database:
            found = database.execute("SELECT name, rows, lost_rows FROM ledger")
            return {name: (rows, lost) for name, rows, lost in found}


def test_the_file_stays_at_its_quota_and_every_row_that_went_is_counted(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r.db")
    for _ in range(20):
        writer.fly(1000)
        assert writer.size_mib() <= QUOTA_MIB
    assert writer.recorder.health.size_bytes > 0.5 * QUOTA_MIB * MIB, "the quota is used"
    writer.recorder.close()
    kept, lost = writer.ledger()["block"]
    assert lost > 0 and kept + lost == 20_000
    with RecordingReader(writer.path) as reader:
        times = [block.times_ns for block in reader.blocks(0, 1 << 62)]
        assert sum(map(len, times)) == kept
        assert times[-1][-1] == writer.now_ns, "the newest stay"
        loss = reader.losses()["block"]
        assert (loss.rows, loss.run) == (lost, 1) and loss.until_ns < times[0][0]


def test_frames_leave_the_room_of_the_others_free(tmp_path: Path) -> None:
    """Counted by what is on the disk: a share must not wait for a full file to be cut."""
    writer = Writer(tmp_path / "r.db")
    writer.fly(20_000)
    writer.recorder.close()
    with sqlite3.connect(writer.path) as database:
        count, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    used_ratio = (count - free) * size / (QUOTA_MIB * MIB * (1.0 - 2.0 * WAL_RATIO))
    frames = next(share for share in SHARES if share.name == "frames")
    assert 0.85 * frames.ratio <= used_ratio <= frames.ratio + 0.05


def test_a_flood_of_events_takes_nothing_from_the_frames_nor_from_severe_events(
    tmp_path: Path,
) -> None:
    writer = Writer(tmp_path / "r.db")
    writer.fly(100, Event(1, "rail.trip", Severity.CRITICAL, "accel3", "opened"))
    flood = [Event(1, f"noise.{k}", Severity.INFO, "node", "x" * 200) for k in range(40)]
    writer.fly(400, *flood)
    writer.recorder.close()
    ledger = writer.ledger()
    kept, lost = ledger["event"]
    assert lost > 0 and kept + lost == writer.events
    assert ledger["block"] == (500, 0)
    with RecordingReader(writer.path) as reader:
        assert len(reader.events(severity_min=Severity.CRITICAL)) == 100
    assert writer.size_mib() <= QUOTA_MIB


def test_what_the_oldest_kept_cycle_needs_of_older_inputs_stays(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r.db")
    for k in range(2000):
        writer.fly(1, allotment=Allotment(float(k), 1.0, 1))
    writer.recorder.close()
    with sqlite3.connect(writer.path) as database:  # as if the share were full: drop the oldest
        newest = database.execute("SELECT max(id) FROM input").fetchone()[0]
    file = Recorder(writer.path, INFO, quota_mib=QUOTA_MIB)._file
    assert file is not None
    share = next(share for share in SHARES if share.name == "inputs")
    file._begin()
    for _ in range(5):
        assert file._drop_oldest(share)
    file.commit()
    file.close()
    with RecordingReader(writer.path, run=1) as reader:
        lost = reader.losses()["input"]
        allotments = reader.rares(0, 1 << 62).inputs["allotment"]
        assert 0 < lost.rows < newest
        assert allotments.at(lost.until_ns + PERIOD_NS) == Allotment(
            (lost.until_ns + PERIOD_NS) / PERIOD_NS - 1.0, 1.0, 1
        )
        first_ns = allotments.times_ns[0]
        assert first_ns <= lost.until_ns + PERIOD_NS, "in force when the kept cycles begin"


def test_a_lowered_quota_gives_the_disk_back(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r.db", quota_mib=24.0)
    writer.fly(12_000)
    writer.recorder.close()
    before = writer.size_mib()
    again = Writer(tmp_path / "r.db")
    again.fly(3000)
    again.recorder.close()
    assert again.size_mib() <= QUOTA_MIB < before


@pytest.mark.parametrize("share", SHARES, ids=lambda share: share.name)
def test_shares_are_whole(share: object) -> None:
    assert sum(s.ratio for s in SHARES) == pytest.approx(1.0)
    tables = [table for s in SHARES for table in s.tables]
    assert len(tables) == len(set(tables))
