"""Drivers of this process: what opens, what does not, and that one call serves them all."""

from dataclasses import replace

import numpy as np
import pytest

from hal import (
    BusHandle,
    ControllerDevice,
    DeviceError,
    DriverSet,
    DriverSpec,
    NodeImage,
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    ReflexSpec,
    Status,
    nvml_driver_version,
)
from sim_hw.devices import PlantImage, SimulatedDevices

CYCLE_NS = 100_000_000
CORE_TEMP, CAP = 1, 13  # channels of an nvml device


@pytest.fixture
def plant():
    image = PlantImage()
    image.truth.accel_alive[:] = 1.0
    image.truth.accel_core_temp_c[:] = 60.0
    return image


@pytest.fixture
def devices(plant):
    with SimulatedDevices(plant, seed=7) as built:
        yield built


def accelerator(devices: SimulatedDevices, index: int = 0) -> NvmlDevice:
    pci_bus_id, uuid = devices.accelerator_identity(index)
    return NvmlDevice(library_path=devices.nvml_library_path, pci_bus_id=pci_bus_id, uuid=uuid)


POINTS = (
    PointSpec(
        name="accel0.core_temp_c", driver=0, device=0, channel=CORE_TEMP, period_ns=CYCLE_NS
    ),
    PointSpec(
        name="accel0.cap_w", driver=0, device=0, channel=CAP, period_ns=CYCLE_NS, writable=True,
        low=100.0, high=700.0, safe=200.0, lease_ns=15 * CYCLE_NS, tolerance=0.5,
    ),
)  # fmt: skip
REFLEX = ReflexSpec(
    point=0, threshold=85.0, persistence_ns=2 * CYCLE_NS, action_point=1, action_value=200.0
)


class Flight:
    """One accelerator, its driver, and a daemon that writes and beats."""

    def __init__(self, devices: SimulatedDevices) -> None:
        spec = DriverSpec(
            name="accel0", bus=None, devices=(accelerator(devices),), reflexes=(REFLEX,)
        )
        self.image = NodeImage(POINTS, (spec,))
        self.drivers = DriverSet(self.image)
        self.devices = devices
        self.now_ns = 0

    def cycle(self, cap_w: float | None) -> None:
        """Fly 100 ms; None: the daemon is silent."""
        self.now_ns += CYCLE_NS
        self.devices.advance(self.now_ns)
        self.drivers.poll(self.now_ns)
        if cap_w is not None:
            self.image.write_desired(np.array([cap_w]), 1)
            self.image.beat(1)
        self.drivers.reconcile(self.now_ns)


@pytest.fixture
def flight(devices):
    built = Flight(devices)
    yield built
    built.drivers.close()
    built.image.close()


def test_a_cap_reaches_the_accelerator_and_is_read_back(flight, plant):
    flight.cycle(450.0)
    assert plant.setpoint.accel_cap_w[0] == 450.0
    flight.cycle(450.0)
    values, time_ns, status, flags = flight.image.snapshot()
    assert values.tolist() == [60.0, 450.0]
    assert time_ns.tolist() == [2 * CYCLE_NS] * 2
    assert status.tolist() == [Status.OK] * 2
    assert flags.tolist() == [0, 0]
    assert flight.image.health("accel0").poll_count == 2
    assert flight.image.health("accel0").last_poll_ns == 2 * CYCLE_NS


def test_a_silent_daemon_leaves_the_safe_cap_within_its_lease(flight, plant):
    flight.cycle(450.0)
    for _ in range(14):
        flight.cycle(None)
        assert plant.setpoint.accel_cap_w[0] == 450.0
    flight.cycle(None)
    assert plant.setpoint.accel_cap_w[0] == 200.0
    flight.cycle(450.0)  # the same epoch: in vain
    assert plant.setpoint.accel_cap_w[0] == 200.0
    assert flight.image.snapshot()[3].tolist() == [0, 1]
    assert flight.image.health("accel0").lapse_count == 1


def test_a_hot_core_is_capped_and_released_on_request_only(flight, plant):
    for _ in range(3):
        flight.cycle(450.0)
    plant.truth.accel_core_temp_c[0] = 90.0
    for _ in range(3):
        flight.cycle(450.0)
    assert plant.setpoint.accel_cap_w[0] == 200.0
    plant.truth.accel_core_temp_c[0] = 60.0
    flight.cycle(450.0)
    assert plant.setpoint.accel_cap_w[0] == 200.0
    flight.image.request_rearm("accel0")
    flight.cycle(450.0)
    assert plant.setpoint.accel_cap_w[0] == 450.0
    assert flight.image.health("accel0").reflex_trip_count == 1


def test_a_cap_outside_the_limits_is_flagged_and_not_applied(flight, plant):
    flight.cycle(450.0)
    flight.cycle(701.0)
    flight.drivers.step(flight.now_ns)
    assert plant.setpoint.accel_cap_w[0] == 450.0
    assert flight.image.snapshot()[3].tolist() == [0, 4]
    assert flight.image.health("accel0").refused_count == 1


def test_time_never_goes_backwards(flight):
    flight.drivers.step(CYCLE_NS)
    for call in (flight.drivers.poll, flight.drivers.reconcile, flight.drivers.step):
        with pytest.raises(ValueError, match="backwards"):
            call(CYCLE_NS - 1)


def test_a_closed_set_serves_nobody(flight):
    flight.drivers.close()
    flight.drivers.close()
    with pytest.raises(ValueError, match="poll"):
        flight.drivers.poll(CYCLE_NS)


def opened_with(device, bus=None, reflexes=()) -> None:
    point = replace(POINTS[0], name="x", channel=0)
    spec = DriverSpec(name="accel0", bus=bus, devices=(device,), reflexes=reflexes)
    image = NodeImage((point,), (spec,))
    try:
        DriverSet(image).close()
    finally:
        image.close()


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"library_path": "libnvidia-ml.so.1"}, Status.ARG, "accel0.*absolute"),
        ({"library_path": "/nowhere/libnvidia-ml.so.1"}, Status.IO, "accel0.*nowhere"),
        ({"uuid": "GPU-of-somebody-else"}, Status.REFUSED, "accel0.*another UUID"),
        ({"pci_bus_id": "0" * 40}, Status.ARG, "accel0"),
    ],
)
def test_an_accelerator_that_cannot_be_opened_is_named(devices, changes, status, text):
    with pytest.raises(DeviceError, match=text) as error:
        opened_with(replace(accelerator(devices), **changes))
    assert error.value.status == status
    assert error.value.subject == "accel0"


def test_an_accelerator_that_is_off_opens_and_is_absent(plant, devices):
    plant.truth.accel_alive[0] = 0.0
    opened_with(accelerator(devices))


def test_a_device_without_its_bus_is_named():
    with pytest.raises(ValueError, match="accel0: a PmbusDevice needs a bus"):
        opened_with(PmbusDevice(address=0x10))
    nowhere = BusHandle(ops_address=0, ctx_address=0)
    with pytest.raises(ValueError, match=r"accel0: PMBus device \(generic\) at 0x10"):
        opened_with(PmbusDevice(address=0x10), bus=nowhere)
    with pytest.raises(ValueError, match="accel0: controller of 3 channels"):
        opened_with(ControllerDevice(channel_count=3), bus=nowhere)


def test_a_reflex_must_be_able_to_act(devices):
    with pytest.raises(ValueError, match="accel0: reflex 0: x is not writable"):
        opened_with(accelerator(devices), reflexes=(replace(REFLEX, action_point=0),))


def test_a_simulated_library_says_so(devices):
    assert nvml_driver_version(devices.nvml_library_path).startswith("SIM")
    with pytest.raises(ValueError, match="ARG"):
        nvml_driver_version("libnvidia-ml.so.1")
