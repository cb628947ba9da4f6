"""The shipped drivers on the simulated devices: every point of REF-1, truth to reading and back."""

import numpy as np
import pytest

from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal import BusHandle, DriverSet, NodeImage, NvmlDevice, Status, nvml_driver_version
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import PLACES

CYCLE_NS = 100_000_000
# Reading minus truth: what NVML and the PMBus formats round away, by end of the point's name.
TOLERANCE = {"core_temp_c": 0.5, "memory_temp_c": 0.5, "clock_mhz": 0.5, "utilisation_ratio": 0.005}


class Hardware:
    def __init__(self, devices: SimulatedDevices) -> None:
        self.devices = devices

    def bus(self, driver: str) -> BusHandle:
        return self.devices.bus(driver)

    def accelerator(self, index: int) -> NvmlDevice:
        pci_bus_id, uuid = self.devices.accelerator_identity(index)
        path = self.devices.nvml_library_path
        return NvmlDevice(library_path=path, pci_bus_id=pci_bus_id, uuid=uuid)


class Bench:
    """Drivers and devices without a plant: the test writes the truths."""

    def __init__(self, image: PlantImage, devices: SimulatedDevices) -> None:
        config = NodeConfig()
        self.image, self.devices = image, devices
        self.table = build_points(config)
        specs = build_hal_specs(config, self.table, Hardware(devices))
        self.node_image = NodeImage(specs.points, specs.drivers)
        self.drivers = DriverSet(self.node_image)
        self.now_ns = 0

    def cycle(self, desired: dict[str, float] | None = None) -> dict[str, tuple[float, int]]:
        """Run one cycle and return value and status by point name."""
        self.now_ns += CYCLE_NS
        self.devices.advance(self.now_ns)
        self.drivers.poll(self.now_ns)
        values, _, status, _ = self.node_image.snapshot()
        names = [self.table.points[i].name for i in self.table.writable_indices]
        wanted = np.array([(desired or {}).get(name, np.nan) for name in names])
        self.node_image.write_desired(wanted, 1)
        self.node_image.beat(1)
        self.drivers.reconcile(self.now_ns)
        samples = zip(values.tolist(), status.tolist(), strict=True)
        return {point.name: sample for point, sample in zip(self.table, samples, strict=True)}


@pytest.fixture
def bench():
    image = PlantImage()
    image.truth.accel_alive[:] = 1.0
    image.truth.flow_kg_per_s[:] = 0.1  # lost flow would hold the caps down
    with SimulatedDevices(image, seed=7) as devices:
        built = Bench(image, devices)
        yield built
        built.drivers.close()
        built.node_image.close()


def test_every_point_is_read_and_follows_its_truth(bench):
    rng = np.random.default_rng(1)
    places = {name: place for name, place in PLACES.items() if name != "host.radiator_temp_c"}
    for field, element in places.values():  # all but what only a node without a loop has
        getattr(bench.image.truth, field)[element] = rng.uniform(1.0, 7.5)
    samples = bench.cycle()
    assert {name for name, (_, status) in samples.items() if status != Status.OK} == set()
    for name, (field, element) in places.items():
        truth = getattr(bench.image.truth, field)[element]
        tolerance = TOLERANCE.get(name.rpartition(".")[2], 0.006)
        assert samples[name][0] == pytest.approx(truth, abs=tolerance), name


def test_power_of_a_rail_is_voltage_times_current(bench):
    bench.image.truth.module_voltage_v[3] = 54.0
    bench.image.truth.module_current_a[3] = 10.0
    assert bench.cycle()["rail.accel3_54v.power_w"][0] == pytest.approx(540.0, abs=0.5)


def test_everything_that_is_written_reaches_the_set_points(bench):
    setpoint = bench.image.setpoint
    for _ in range(300):  # leased points ramp from their safe values
        bench.cycle({
            "accel2.cap_w": 345.0,
            "accel2.clock_max_mhz": 1500.0,
            "rail.accel5_aux.enable": 1.0,
            "rail.accel5_54v.enable": 1.0,
            "rail.payload_54v.enable": 1.0,
            "loop.pump_a.speed_target_rpm": 4000.0,
            "loop.pump_b.speed_target_rpm": 500.0,
            "loop.bypass_ratio": 0.25,
            "loop.heater_b.enable": 1.0,
            "eps.battery_heater.enable": 1.0,
        })  # fmt: skip
    assert setpoint.accel_cap_w[2] == 345.0
    assert setpoint.accel_clock_max_mhz[2] == 1500.0
    assert setpoint.aux_enabled.tolist() == [0.0] * 5 + [1.0, 0.0, 0.0]
    assert setpoint.module_enabled.tolist() == [0.0] * 5 + [1.0, 0.0, 0.0]
    assert setpoint.payload_enabled.item() == 1.0
    assert setpoint.pump_speed_target_rpm.tolist() == [4000.0, 500.0]
    assert setpoint.bypass_ratio.item() == 0.25
    assert setpoint.loop_heater_on.tolist() == [0.0, 1.0]
    assert setpoint.battery_heater_on.item() == 1.0


def test_each_silence_fails_its_own_points_only(bench):
    bench.image.truth.accel_alive[1] = 0.0
    bench.image.set_knob("module_nack", 1.0, 6)
    bench.image.set_knob("eps_silent", 1.0)
    samples = bench.cycle()
    failed = {name for name, (_, status) in samples.items() if status != Status.OK}
    assert failed == {
        name for name in samples if name.startswith(("accel1.", "rail.accel6_54v.", "eps."))
    }
    assert samples["accel1.power_w"][1] == Status.ABSENT
    assert samples["rail.accel6_54v.voltage_v"][1] == Status.NACK
    assert samples["eps.array_power_w"][1] == Status.TIMEOUT


def test_the_library_says_that_it_is_simulated(bench):
    assert nvml_driver_version(bench.devices.nvml_library_path).startswith("SIM")
