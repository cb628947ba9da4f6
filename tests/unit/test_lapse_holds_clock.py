"""A clock lock holds back an accelerator that ignores its cap: a lapse must not lift it."""

import numpy as np

from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal import DriverSet, NodeImage
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import configure_sensors
from sim_hw.simulated_node import SimulatedHardware

CYCLE_NS = 100_000_000


def test_a_lapse_lowers_the_cap_and_leaves_the_clock_lock() -> None:
    config = NodeConfig()
    table = build_points(config)
    image = PlantImage()
    configure_sensors(image)
    image.setpoint.module_enabled[:] = 1.0
    image.truth.accel_alive[:] = 1.0
    image.truth.flow_kg_per_s[:] = 0.1  # lost flow would hold the caps down
    with SimulatedDevices(image, seed=1) as devices:
        specs = build_hal_specs(config, table, SimulatedHardware(devices))
        node_image = NodeImage(specs.points, specs.drivers)
        drivers = DriverSet(node_image)
        desired = np.full(len(table.writable_indices), np.nan)
        place = [table.points[i].name for i in table.writable_indices].index
        desired[place("accel1.cap_w")] = 300.0
        desired[place("accel1.clock_max_mhz")] = 345.0
        for k in range(1, 100):  # the cap ramps up from its safe value at 25 W/s
            drivers.poll(k * CYCLE_NS)
            node_image.write_desired(desired, 1)
            node_image.beat(1)
            drivers.reconcile(k * CYCLE_NS)
        assert image.setpoint.accel_cap_w[1] == 300.0
        assert image.setpoint.accel_clock_max_mhz[1] == 345.0
        for k in range(100, 130):
            drivers.step(k * CYCLE_NS)
        assert image.setpoint.accel_cap_w[1] == 200.0
        assert image.setpoint.accel_clock_max_mhz[1] == 345.0
        drivers.close()
        node_image.close()
