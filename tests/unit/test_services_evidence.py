"""The evidence service around its rounds: requests of decisions, its loop, the writer thread."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from flight.core.types import (
    FLAG_REFLEX,
    Decision,
    DeviceRequest,
    Inputs,
    Mode,
    Snapshot,
)
from flight.services.evidence import WAITING_MAX, EvidenceService
from flight.services.recorder_queue import RecorderBatch, RecorderThread
from hal import Cause, Evidence, RequestKind
from sim_hw.clock import run_simulated
from tests.unit.test_recorder import INFO

CLEAR = DeviceRequest("clear", "rails", "p1")


class Image:
    """An image with one driver, played."""

    def __init__(self) -> None:
        self.records: list[Evidence] = []
        self.mark = 0
        self.sent: list[int | None] = []
        self.is_full = False

    def keep(self, cause: Cause, device: int | None = 0) -> None:
        sequence = len(self.records) + 1
        self.records.append(
            Evidence(sequence, 5, cause, device, 1, -6, 3.5, float("nan"), 0, b"\x01\x02")
        )

    def evidence(self, _driver: str, after_sequence: int | None = None) -> list[Evidence]:
        return self.records[after_sequence or self.mark :]

    def evidence_losses(self, _driver: str) -> dict[Cause, int]:
        return dict.fromkeys(Cause, 0)

    def mark_durable(self, _driver: str, sequence: int) -> None:
        assert sequence <= len(self.records)
        self.mark = max(self.mark, sequence)

    def durable(self, _driver: str) -> int:
        return self.mark

    def send_request(
        self, driver_name: str, kind: RequestKind, *, device: int | None = None, **_more: Any
    ) -> int | None:
        assert (driver_name, kind) == ("rails", RequestKind.CLEAR)
        if self.is_full:
            return None
        self.sent.append(device)
        return len(self.sent)


def service(image: Image, store: Any, now_ns: Callable[[], int] = lambda: 0) -> EvidenceService:
    return EvidenceService(
        image=image, store=store, drivers=["rails"], device_of={"p0": 0, "p1": 3},
        epoch=lambda: 1, now_ns=now_ns,
    )  # fmt: skip


def cycle(*requests: DeviceRequest, flags: int = 0) -> tuple[Inputs, Decision]:
    snapshot = Snapshot(
        np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int32), np.array([flags], np.uint32)
    )
    decision = Decision(
        mode=Mode.SAFE, desired=np.empty(0), cap_w=(), cap_reason=(), requests=requests
    )
    return Inputs(now_ns=1, snapshot=snapshot), decision


def test_a_record_is_kept_with_all_that_the_driver_said(tmp_path: Path) -> None:
    recorder, image = RecorderBatch(tmp_path / "r.db", INFO), Image()
    image.keep(Cause.REFLEX)
    service(image, recorder).keep()
    with sqlite3.connect(tmp_path / "r.db") as database:
        (row,) = database.execute("SELECT * FROM evidence").fetchall()
    assert row[1:] == (1, 5, "rails", 1, "reflex", 0, "p1", -6, 3.5, None, 0, b"\x01\x02")
    recorder.close()


def test_a_clear_that_a_decision_asks_for_waits_for_the_evidence_known_then(
    tmp_path: Path,
) -> None:
    image, recorder = Image(), RecorderBatch(tmp_path / "missing" / "r.db", INFO)  # no disk yet
    keeper = service(image, recorder)
    image.keep(Cause.REFLEX)
    keeper.record(*cycle(CLEAR))
    keeper.keep()
    keeper.keep()
    assert image.sent == [] and image.mark == 0 and keeper.health.waiting == 1
    good = RecorderBatch(tmp_path / "r.db", INFO)
    keeper._store = good
    keeper.keep()
    assert image.sent == [3] and image.mark == 1 and keeper.health.stored == 1
    good.close()


def test_a_driver_that_takes_no_request_is_asked_again(tmp_path: Path) -> None:
    image, recorder = Image(), RecorderBatch(tmp_path / "r.db", INFO)
    keeper = service(image, recorder)
    image.is_full = True
    image.keep(Cause.DEVICE_FAULT)
    keeper.keep()
    assert image.sent == []
    image.is_full = False
    keeper.keep()
    keeper.keep()
    assert image.sent == [0]
    recorder.close()


class SlowStore:
    """A store that is three seconds behind and never catches up."""

    def __init__(self) -> None:
        self.given = 0
        self.durable: set[int] = set()

    def put_evidence(self, _rows: Any) -> int:
        self.given += 1
        return self.given

    def is_durable(self, ticket: int) -> bool:
        return ticket in self.durable


def test_a_disk_that_is_always_behind_keeps_evidence_all_the_same() -> None:
    image, store = Image(), SlowStore()
    keeper = service(image, store)
    image.keep(Cause.DEVICE_FAULT)
    for second in range(1, 10):
        if second > 3:
            store.durable.add(second - 3)
        keeper.keep()
    assert image.mark == 1 and image.sent == [0]
    assert store.given == 3, "what is marked is not given again"
    store.durable.clear()
    image.keep(Cause.REFLEX)
    keeper.keep()
    keeper.keep()
    assert image.mark == 1, "the second record is not durable with the first"
    store.durable.add(4)
    keeper.keep()
    assert image.mark == 2 and (keeper.health.stored, keeper.health.waiting) == (2, 0)


def test_a_clear_that_had_to_wait_waits_for_newer_evidence_too() -> None:
    image, store = Image(), SlowStore()
    keeper = service(image, store)
    image.is_full = True
    image.keep(Cause.DEVICE_FAULT)
    store.durable.add(1)
    keeper.keep()
    assert image.mark == 1 and image.sent == []
    image.is_full = False
    image.keep(Cause.REFLEX)
    keeper.keep()
    assert image.sent == [], "the device's newest record is not durable"
    store.durable.add(2)
    keeper.keep()
    assert image.sent == [0]


def test_requests_that_cannot_be_met_are_counted_and_bounded(tmp_path: Path) -> None:
    image, recorder = Image(), RecorderBatch(tmp_path / "r.db", INFO)
    keeper = service(image, recorder)
    keeper.record(*cycle(DeviceRequest("clear", "nobody"), DeviceRequest("reset", "rails")))
    keeper.keep()
    assert keeper.health.refused == 1 and image.sent == []
    many = [DeviceRequest("clear", "rails", f"x{k}") for k in range(WAITING_MAX + 10)]
    keeper.record(*cycle(*many))
    assert keeper.health.refused == 11
    recorder.close()


def test_it_runs_each_second_at_once_on_a_reflex_and_once_more_at_the_end(tmp_path: Path) -> None:
    image, recorder = Image(), RecorderBatch(tmp_path / "r.db", INFO)

    async def fly() -> None:
        loop = asyncio.get_running_loop()
        keeper = service(image, recorder)
        async with asyncio.TaskGroup() as group:
            group.create_task(keeper.run())
            await asyncio.sleep(3.5)
            assert keeper.progress == 4
            image.keep(Cause.REFLEX)
            keeper.record(*cycle(flags=FLAG_REFLEX))
            await asyncio.sleep(0.001)
            assert image.mark == 1, f"not at once, at {loop.time()}"
            keeper.record(*cycle(flags=FLAG_REFLEX))
            await asyncio.sleep(0.001)
            assert keeper.progress == 5, "the same reflex wakes it once"
            image.keep(Cause.LAPSE)
            keeper.request_end()
        assert image.mark == 2

    run_simulated(fly())
    recorder.close()


def test_the_writer_thread_says_durable_only_after_the_disk_has_it(tmp_path: Path) -> None:
    recorder = RecorderThread(tmp_path / "r.db", INFO)
    image = Image()
    keeper = service(image, recorder)
    image.keep(Cause.DEVICE_FAULT)
    keeper.keep()
    recorder.close()  # the thread has written all there is
    with sqlite3.connect(tmp_path / "r.db") as database:
        assert database.execute("SELECT count(*) FROM evidence").fetchone() == (1,)
    keeper.keep()
    assert image.mark == 1 and image.sent == [0]


def test_evidence_is_committed_with_a_full_sync_and_what_follows_without(tmp_path: Path) -> None:
    """In WAL mode anything less survives a crash of the process, and no loss of power (S8)."""
    statements: list[str] = []
    recorder, image = RecorderBatch(tmp_path / "r.db", INFO), Image()
    assert recorder._recorder._file is not None
    recorder._recorder._file._database.set_trace_callback(statements.append)
    image.keep(Cause.REFLEX)
    service(image, recorder).keep()
    recorder.close()
    stored = next(k for k, text in enumerate(statements) if text.startswith("INSERT INTO evidence"))
    commit = statements.index("COMMIT", stored)
    modes = [text for text in statements[:commit] if "synchronous" in text]
    assert modes[-1] == "PRAGMA synchronous=FULL"
    assert "PRAGMA synchronous=NORMAL" in statements[commit:]
