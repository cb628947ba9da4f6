"""A node that nobody commands for ten minutes: its drivers take the accelerators down, in order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal import DriverSet, NodeImage
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import configure_sensors
from sim_hw.simulated_node import SimulatedHardware

SECOND_NS = 1_000_000_000


@dataclass
class Bench:
    """The shipped drivers over simulated devices, and a daemon that is told what to write."""

    image: PlantImage
    node_image: NodeImage
    drivers: DriverSet
    enables: list[int]
    count: int
    now_ns: int = 0

    def daemon(self, enable: float, epoch: int) -> None:
        """One cycle of a daemon that wants all rails on, off (0) or as they are (NaN)."""
        self.now_ns += SECOND_NS
        self.drivers.poll(self.now_ns)
        desired = np.full(self.count, np.nan)
        desired[self.enables] = enable
        self.node_image.write_desired(desired, epoch)
        self.node_image.beat(epoch)
        self.drivers.reconcile(self.now_ns)

    def alone(self, seconds: int) -> None:
        """Drivers without a daemon."""
        for _ in range(seconds):
            self.now_ns += SECOND_NS
            self.drivers.step(self.now_ns)

    @property
    def rails_on(self) -> tuple[float, float, float]:
        """How many modules, auxiliaries and payload switches are closed."""
        setpoint = self.image.setpoint
        parts = (setpoint.module_enabled, setpoint.aux_enabled, setpoint.payload_enabled)
        modules, auxiliaries, payload = (float(part.sum()) for part in parts)
        return modules, auxiliaries, payload


@pytest.fixture
def bench() -> Iterator[Bench]:
    config = NodeConfig()
    table = build_points(config)
    image = PlantImage()
    configure_sensors(image)
    names = [table.points[i].name for i in table.writable_indices]
    with SimulatedDevices(image, seed=1) as devices:
        specs = build_hal_specs(config, table, SimulatedHardware(devices))
        node_image = NodeImage(specs.points, specs.drivers)
        drivers = DriverSet(node_image)
        enables = [i for i, name in enumerate(names) if name.startswith("rail.")]
        yield Bench(image, node_image, drivers, enables, len(names))
        drivers.close()
        node_image.close()


def test_the_accelerator_rails_go_off_after_ten_minutes_and_not_before(bench: Bench) -> None:
    for _ in range(3):
        bench.daemon(1.0, epoch=1)
    assert bench.rails_on == (8.0, 8.0, 1.0)
    bench.alone(599)
    assert bench.rails_on == (8.0, 8.0, 1.0)
    bench.alone(2)
    assert bench.rails_on == (0.0, 0.0, 1.0)


def test_a_daemon_that_comes_back_must_ask_for_off_before_it_is_given_on(bench: Bench) -> None:
    for _ in range(3):
        bench.daemon(1.0, epoch=1)
    bench.alone(610)
    for enable in (np.nan, 1.0, 1.0, np.nan):
        bench.daemon(enable, epoch=2)
        assert bench.rails_on == (0.0, 0.0, 1.0)
    bench.daemon(0.0, epoch=2)
    bench.daemon(1.0, epoch=2)
    assert bench.rails_on == (8.0, 8.0, 1.0)
