"""How a DriverSet calls its devices: retries, pauses, phases, statistics, requests."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from hal import (
    Cause,
    DriverSet,
    DriverSpec,
    NodeImage,
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    RequestKind,
    Status,
)
from sim_hw.devices import PlantImage, SimulatedDevices

CYCLE_NS = 100_000_000
PAYLOAD_ADDRESS, MODULE_ADDRESS = 0x10, 0x11
STATUS, ENABLE = 4, 5  # channels of a pmbus device

POINTS = (
    PointSpec(name="payload.status", driver=0, device=0, channel=STATUS, period_ns=CYCLE_NS),
    PointSpec(name="module.status", driver=0, device=1, channel=STATUS, period_ns=CYCLE_NS),
    PointSpec(
        name="module.enable", driver=0, device=1, channel=ENABLE, period_ns=CYCLE_NS,
        writable=True, low=0.0, high=1.0,
    ),
)  # fmt: skip


class Bench:
    """The payload switch and the first module of one bus; the module can be made deaf."""

    def __init__(self, spec: DriverSpec, points: tuple[PointSpec, ...] = POINTS) -> None:
        self.image = NodeImage(points, (spec,))
        self.drivers = DriverSet(self.image)
        self.now_ns = 0

    def fly(self, cycles: int) -> None:
        for _ in range(cycles):
            self.now_ns += CYCLE_NS
            self.drivers.step(self.now_ns)

    @property
    def transfers(self) -> int:
        return self.image.statistics("rails").transfer_count

    def close(self) -> None:
        self.drivers.close()
        self.image.close()


@pytest.fixture
def plant() -> PlantImage:
    image = PlantImage()
    image.truth.module_voltage_v[:] = image.truth.payload_voltage_v[:] = 54.0
    return image


@pytest.fixture
def devices(plant: PlantImage) -> Iterator[SimulatedDevices]:
    with SimulatedDevices(plant, seed=7) as built:
        yield built


@pytest.fixture
def spec(devices: SimulatedDevices) -> DriverSpec:
    parts = (PmbusDevice(address=PAYLOAD_ADDRESS), PmbusDevice(address=MODULE_ADDRESS))
    return DriverSpec(name="rails", bus=devices.bus("rails_a"), devices=parts)


def test_a_bus_is_counted(spec):
    bench = Bench(spec)
    bench.fly(21)
    statistics = bench.image.statistics("rails")
    assert statistics.transfer_count > 40
    assert statistics.nack_count == statistics.timeout_count == statistics.retry_count == 0
    assert statistics.overrun_count == 0
    bench.close()


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_driver_tries_again_as_often_as_it_is_told(spec, plant, retries):
    bench = Bench(replace(spec, retries=retries))
    plant.knobs.module_nack[0] = 1.0
    bench.fly(11)
    statistics = bench.image.statistics("rails")
    assert statistics.nack_count == 11 * (1 + retries)
    assert statistics.retry_count == 11 * retries
    bench.close()


def test_a_silent_device_is_left_alone_for_a_while(spec, plant):
    bench = Bench(replace(spec, retries=0, backoff_max_ns=100 * CYCLE_NS))
    bench.fly(1)
    plant.knobs.module_nack[0] = 1.0
    bench.fly(40)
    # Silent rounds 1, 2, 3, then after 2, 4, 8 and 16 periods.
    assert bench.image.statistics("rails").nack_count == 7
    assert bench.image.snapshot()[2].tolist() == [Status.OK, Status.NACK, Status.NACK]
    (record,) = bench.image.evidence("rails")
    assert (record.cause, record.device, record.status) == (Cause.SILENCE, 1, Status.NACK)
    bench.image.write_desired(np.array([1.0]), 1)
    plant.knobs.module_nack[0] = 0.0
    bench.fly(2)
    assert plant.setpoint.module_enabled[0] == 1.0
    assert bench.image.snapshot()[2].tolist() == [Status.OK] * 3
    bench.close()


def test_a_phase_moves_the_polls_of_a_point(spec):
    points = (replace(POINTS[0], period_ns=4 * CYCLE_NS, phase_ns=CYCLE_NS), *POINTS[1:])
    bench = Bench(spec, points)
    seen = set()
    for _ in range(12):
        bench.fly(1)
        seen.add(int(bench.image.snapshot()[1][0]) // CYCLE_NS)
    assert sorted(seen) == [1, 5, 9]
    bench.close()


def test_a_request_reaches_the_driver_and_its_answer_comes_back(spec):
    bench = Bench(spec)
    bench.fly(1)
    kind, ahead_ns = RequestKind.POWER_CYCLE, bench.now_ns + 10 * CYCLE_NS
    ticket = bench.image.send_request("rails", kind, device=0, epoch=1, deadline_ns=ahead_ns)
    assert ticket is not None
    bench.fly(1)
    assert bench.image.request_status("rails", ticket) == Status.UNSUPPORTED
    shown, record = bench.image.evidence("rails")
    assert (shown.cause, shown.device, shown.status) == (Cause.DEVICE_FAULT, 0, Status.OK)
    assert shown.data  # what the part shows is in the ring before it is acted on
    assert (record.cause, record.value) == (Cause.REQUEST, kind)
    bench.close()


def test_calls_without_a_bus_are_timed_on_demand_only(devices, plant):
    plant.truth.accel_alive[:] = 1.0
    pci_bus_id, uuid = devices.accelerator_identity(0)
    device = NvmlDevice(library_path=devices.nvml_library_path, pci_bus_id=pci_bus_id, uuid=uuid)
    point = PointSpec(name="x", driver=0, device=0, channel=0, period_ns=CYCLE_NS)
    spec = DriverSpec(name="accel0", bus=None, devices=(device,))
    for is_timed in (False, True):
        image = NodeImage((point,), (spec,))
        drivers = DriverSet(image, is_timed=is_timed)
        drivers.step(CYCLE_NS)
        statistics = image.statistics("accel0")
        assert statistics.transfer_count == 1
        assert (statistics.since_ns > 0) == is_timed
        assert (statistics.max_ns > 0) == is_timed
        drivers.close()
        image.close()
