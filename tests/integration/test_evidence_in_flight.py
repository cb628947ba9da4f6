"""Evidence of a latch-up on its whole way: driver, image, recorder, durable mark, CLEAR."""

from pathlib import Path

from flight.services.evidence import EvidenceService
from flight.services.recorder_queue import RecorderBatch
from flight.services.recording import RecordingReader
from flight.services.recording_schema import RecordingInfo
from sim_hw.flight import Flight
from tests.system.flying import FULL_LOAD, flight_of, scenario

LATCH_S = 30.0


def keeper_of(flight: Flight, recorder: RecorderBatch) -> EvidenceService:
    image = flight.node.node_image
    return EvidenceService(
        image=image,
        store=recorder,
        drivers=[driver.name for driver in image.drivers],
        device_of={point.name: point.device for point in image.points},
        epoch=lambda: flight.node.cycle.epoch,
        now_ns=lambda: flight.node.now_ns,
    )


def test_a_latch_up_leaves_durable_evidence_and_the_node_recovers(tmp_path: Path) -> None:
    fault = {
        "id": "latch", "at": f"{LATCH_S} s", "name": "latch_up", "target": "accel3_aux",
        "parameters": {"current_a": 5.0},
    }  # fmt: skip
    start = {"orbit_phase": 0.5, "temp_c": 30.0, "mode": "NOMINAL"}
    data = scenario(start=start, action=[FULL_LOAD], fault=[fault])
    path = tmp_path / "r.db"
    with flight_of(data, duration_s=90.0) as flight:
        recorder = RecorderBatch(path, RecordingInfo(points=flight.node.table, accelerators=8))
        keeper = keeper_of(flight, recorder)
        for _ in range(90):
            flight.fly(1.0)
            keeper.keep()
        health, image = keeper.health, flight.node.node_image
        assert health.stored > 0 and health.waiting == health.lost == 0 and health.error == ""
        assert health.cleared > 0, "the part latched its fault"
        assert not flight.properties.ledger.violations
        decision = flight.node.cycle.last_decision
        assert decision is not None and decision.cap_w[3] > 0.0, "back in service"
        marks = {driver.name: image.durable(driver.name) for driver in image.drivers}
    recorder.close()
    with RecordingReader(path) as reader:
        records = reader.evidence()
    assert len(records) == health.stored
    stored = {
        name: max((r["sequence"] for r in records if r["driver"] == name), default=0)
        for name in marks
    }
    assert stored == marks
    causes = {(r["driver"], r["cause"]) for r in records}
    # The silicon of the struck part tripped: its bus has its status, its accelerator fell silent.
    assert {("rails_a", "device_fault"), ("accel3", "silence")} <= causes, causes
    assert {driver for driver, _ in causes} == {"rails_a", "accel3"}, "nobody else was struck"
    assert all(r["cycle_ns"] >= LATCH_S * 1e9 for r in records)
