"""The computed load of each I2C bus is the time that polling takes on the simulated one."""

from contextlib import closing
from dataclasses import dataclass

import pytest

from flight.bus_load import planned_bus_loads
from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal import DriverSet, NodeImage
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import make_sensors_ideal
from sim_hw.simulated_node import SimulatedHardware

PERIOD_NS = 100_000_000
NS_PER_S = 1e9
CHECK_ROUNDS = 10  # a whole number of them, so that each limit and lock is read back once
SETTLE_ROUNDS = 2 * CHECK_ROUNDS  # formats learnt, switches as they were found
LOAD_TOLERANCE_RATIO = 0.001

# All points in each round, at the rate of the simulated buses (sim_hw/csrc/sim_devices.h).
CONFIG = NodeConfig.model_validate(
    {
        "buses": {"i2c_clock_hz": 400_000},
        "points": {"*": {"period_s": PERIOD_NS / NS_PER_S, "age_s_max": 5.0}},
    }
)


@dataclass(frozen=True)
class Occupied:
    """Time that one round of polling kept a bus busy, and transfers that failed meanwhile."""

    poll_s: float
    failed_count: int


def occupied_in_flight() -> dict[str, Occupied]:
    """Poll REF-1 for CHECK_ROUNDS rounds and return what each bus was occupied for."""
    image = PlantImage()
    with SimulatedDevices(image, seed=1) as devices:
        make_sensors_ideal(image)
        table = build_points(CONFIG)
        specs = build_hal_specs(CONFIG, table, SimulatedHardware(devices))
        image.truth.payload_voltage_v[:] = image.truth.module_voltage_v[:] = 54.0
        with (
            closing(NodeImage(specs.points, specs.drivers)) as node,
            closing(DriverSet(node)) as drivers,
        ):
            names = [load.driver for load in planned_bus_loads(CONFIG)]

            def fly(first: int, count: int) -> None:
                for number in range(first, first + count):
                    now_ns = (number + 1) * PERIOD_NS
                    devices.advance(now_ns)
                    drivers.poll(now_ns)

            fly(0, SETTLE_ROUNDS)
            before = {name: node.statistics(name) for name in names}
            fly(SETTLE_ROUNDS, CHECK_ROUNDS)
            after = {name: node.statistics(name) for name in names}
    return {
        name: Occupied(
            poll_s=(after[name].busy_ns - before[name].busy_ns) / NS_PER_S / CHECK_ROUNDS,
            failed_count=after[name].nack_count
            - before[name].nack_count
            + after[name].timeout_count
            - before[name].timeout_count,
        )
        for name in names
    }


@pytest.fixture(scope="module")
def occupied() -> dict[str, Occupied]:
    return occupied_in_flight()


@pytest.mark.parametrize("driver", ["rails_a", "rails_b", "rails_host"])
def test_a_round_takes_the_time_that_was_computed(
    occupied: dict[str, Occupied], driver: str
) -> None:
    planned = next(load for load in planned_bus_loads(CONFIG) if load.driver == driver)
    assert occupied[driver].failed_count == 0
    assert occupied[driver].poll_s == pytest.approx(planned.poll_s, rel=LOAD_TOLERANCE_RATIO)
