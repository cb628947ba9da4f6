"""S8: evidence is durable before it is cleared, whatever fails between the steps.

The real image, the real recorder on a real file, the real service. What fails is drawn: the disk
(EIO at any statement), the process before any call on the image (everything but image and file is
thrown away, as by kill -9), the order of the end. After each step, what the image says is durable
is read back from the file by a connection of its own; and no CLEAR is asked for before that.
"""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flight.core.points import Point, PointTable
from flight.services import recording_file
from flight.services.evidence import EvidenceService, _Watched
from flight.services.recorder_queue import RecorderBatch
from flight.services.recording_schema import RecordingInfo
from hal import Cause, NodeImage, RequestKind
from hal._native import ffi, lib
from hal.evidence import NOBODY
from hal.spec import ControllerDevice, DriverSpec, PointSpec

POINTS = PointTable(
    (Point(name="p0", unit="W", driver="rails", device="x", channel=0, low=0.0, high=1.0),)
)
INFO = RecordingInfo(points=POINTS, accelerators=1)
CAUSES = st.sampled_from([Cause.DEVICE_FAULT, Cause.REFLEX, Cause.SILENCE])
STATEMENTS_MAX = 12  # of one round, so that a failure can hit each of them


class Disk:
    """Stands between RecordingFile and SQLite; fails at a chosen statement."""

    def __init__(self) -> None:
        self.fails_in: int | None = None

    def check(self) -> None:
        if self.fails_in is not None:
            self.fails_in -= 1
            if self.fails_in < 0:
                raise sqlite3.OperationalError("disk I/O error")


class Killed(BaseException):
    """The process ends here."""


class EvidenceUnderFailures(RuleBasedStateMachine):
    """An image that outlives daemons, daemons that die, and a file that is all that remains."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "r.db"
        point = PointSpec(name="p0", driver=0, device=0, channel=0, period_ns=100_000_000)
        spec = DriverSpec(name="rails", bus=None, devices=(ControllerDevice(channel_count=1),))
        self.image = NodeImage((point,), (spec,))
        self.disk = Disk()
        self.now_ns = 1
        self.calls_left: int | None = None  # on the image, until the process is killed
        self.fault_seen = 0  # newest fault that the daemon has read
        self.newest = 0
        self._execute = recording_file.RecordingFile._execute
        disk, execute = self.disk, self._execute

        def checked(file: Any, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            disk.check()
            return execute(file, statement, values)

        recording_file.RecordingFile._execute = checked  # type: ignore[method-assign]
        self.clears = 0
        self.begin_daemon()

    def begin_daemon(self) -> None:
        self.recorder = RecorderBatch(self.path, INFO)
        self.service = EvidenceService(
            image=self,
            store=self.recorder,
            drivers=["rails"],
            device_of={"p0": 0},
            epoch=lambda: 1,
            now_ns=lambda: self.now_ns,
        )

    # The image as the service sees it: the real one, and a witness of what is asked for.

    def _call(self) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Killed

    def evidence(self, name: str, after_sequence: int | None = None) -> Any:
        self._call()
        records = self.image.evidence(name, after_sequence)
        faults = (r.sequence for r in records if r.cause is Cause.DEVICE_FAULT)
        self.fault_seen = max(faults, default=self.fault_seen)
        return records

    def evidence_losses(self, name: str) -> Any:
        return self.image.evidence_losses(name)

    def durable(self, name: str) -> int:
        self._call()
        return self.image.durable(name)

    def mark_durable(self, name: str, sequence: int) -> None:
        self._call()
        self.image.mark_durable(name, sequence)

    def send_request(self, name: str, kind: RequestKind, **_options: Any) -> int | None:
        self._call()
        assert kind is RequestKind.CLEAR
        assert self.image.durable(name) >= self.fault_seen > 0, "cleared before it was durable"
        self.clears += 1
        return 1

    @rule(cause=CAUSES)
    def a_driver_keeps_evidence(self, cause: Cause) -> None:
        record = ffi.new(
            "ns_evidence_t *",
            {"device": 0, "point": NOBODY, "cause": int(cause), "time_ns": self.now_ns},
        )
        assert lib.ns_image_put_evidence(self.image.native, 0, record) == 0
        self.newest = max((r.sequence for r in self.image.evidence("rails")), default=self.newest)

    @rule(seconds=st.integers(1, 90))
    def a_round(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000
        self.service.keep()

    @rule(statements=st.integers(0, STATEMENTS_MAX) | st.integers(0, 3), cause=CAUSES)
    def the_disk_fails_in_a_round(self, statements: int, cause: Cause) -> None:
        self.a_driver_keeps_evidence(cause)  # or there would be nothing to lose
        self.disk.fails_in = statements
        self.now_ns += 1_000_000_000
        self.service.keep()
        self.disk.fails_in = None
        # The recorder opens its file again with a later cycle; here the daemon restarts instead.
        self.kill()

    @rule(calls=st.integers(0, 8), cause=CAUSES)
    def the_process_dies_in_a_round(self, calls: int, cause: Cause) -> None:
        self.a_driver_keeps_evidence(cause)
        self.calls_left = calls
        self.now_ns += 1_000_000_000
        try:
            self.service.keep()
        except Killed:
            self.kill()
        self.calls_left = None

    @rule()
    def kill(self) -> None:
        """Everything of the process goes: no close, no commit."""
        file = self.recorder._recorder._file
        if file is not None:
            file._database.close()  # as the system does: the open transaction is gone
        self.begin_daemon()

    @rule()
    def end_in_order(self) -> None:
        self.service.keep()
        self.recorder.close()
        self.begin_daemon()

    @precondition(lambda self: self.newest > 0)
    @invariant()
    def what_is_marked_is_on_the_disk(self) -> None:
        durable = self.image.durable("rails")
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as database:
            stored = {row[0] for row in database.execute("SELECT sequence FROM evidence")}
        lost = sum(self.image.evidence_losses("rails").values())
        missing = set(range(1, durable + 1)) - stored
        assert len(missing) <= lost, f"marked up to {durable}, not stored: {sorted(missing)}"

    def teardown(self) -> None:
        try:
            self.service.keep()
            assert self.image.durable("rails") == self.newest, "evidence was never stored"
        finally:
            recording_file.RecordingFile._execute = self._execute  # type: ignore[method-assign]
            self.recorder.close()
            self.image.close()
            self.folder.cleanup()


def test_evidence_is_durable_before_it_is_cleared() -> None:
    run_state_machine_as_test(
        EvidenceUnderFailures,
        settings=settings(
            max_examples=settings.default.max_examples * 2 // 5, stateful_step_count=15
        ),
    )


def test_a_fault_is_cleared_once_its_record_is_stored_and_not_at_one_hertz() -> None:
    world = EvidenceUnderFailures()
    for _ in range(5):
        world.a_driver_keeps_evidence(Cause.DEVICE_FAULT)
        world.a_round(1)
    assert world.clears == 1
    world.a_driver_keeps_evidence(Cause.DEVICE_FAULT)
    world.a_round(90)
    assert world.clears == 2
    world.a_driver_keeps_evidence(Cause.REFLEX)
    world.a_round(90)
    assert world.clears == 2
    assert world.service.health.stored == 7
    world.teardown()


def _mark_what_was_given(self: EvidenceService, driver: _Watched) -> None:
    while driver.given:
        newest = driver.given.popleft().last
        if newest > self._image.durable(driver.name):
            self._image.mark_durable(driver.name, newest)


def _clear_at_once(self: EvidenceService, driver: _Watched) -> None:
    for device in driver.clears:
        self._image.send_request(
            driver.name, RequestKind.CLEAR, device=device, epoch=1, deadline_ns=1 << 62
        )


BREAKS = {
    "marked before it is stored": ("_mark", _mark_what_was_given),
    "never marked": ("_mark", lambda *_: None),
    "cleared before it is marked": ("_send_clears", _clear_at_once),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_service_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EvidenceService, *BREAKS[name])
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(
            EvidenceUnderFailures,
            settings=settings(
                max_examples=60,
                stateful_step_count=15,
                derandomize=True,
                database=None,
                phases=(Phase.generate,),
            ),
        )
