"""The rules that flight.node ships, on the simulated hardware of REF-1, stepped each ms.

An auxiliary rail that latches up opens within 5 ms at 1 ms polls, for which its bus needs 1 MHz,
and within two polls at those of REF-1; lost coolant flow, a point of another driver, lowers the
caps. The test is the plant: it forces the truth and adds no noise. The daemon beats and wants
everything as it was.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from flight.bus_load import bus_loads, planned_bus_loads
from flight.config import NodeConfig, build_points
from flight.node import build_hal_specs
from hal import Cause, DriverSet, NodeImage, RequestKind, Status
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import make_sensors_ideal
from sim_hw.simulated_node import SimulatedHardware

MS = 1_000_000
AUX_CURRENT_A_MAX = 1.4  # nominal 0.8 A, a latch-up adds 1.2 A
AUX_PERSISTENCE_MS = 2
OPEN_MS_MAX = 5
FAST_OCCUPANCY_RATIO = 0.66  # docs/safety.md, S5
POLL_MS = 100  # of REF-1
FLOW_PERSISTENCE_MS = 300
CAP_W, CAP_W_MIN = 210.0, 200.0  # near, because a cap leaves its safe value on a slope
REF1: dict[str, Any] = {"reflex": {"flow_persistence_s": FLOW_PERSISTENCE_MS / 1000}}
FAST: dict[str, Any] = REF1 | {
    "buses": {"i2c_clock_hz": 1_000_000},
    "points": {
        "rail.accel*_aux.current_a": {"period_s": 0.001},
        "loop.flow_kg_per_s": {"period_s": 0.05},
    },
}


class Bench:
    """All drivers of a node with the rules of its configuration, over a quiet plant."""

    def __init__(
        self, image: PlantImage, devices: SimulatedDevices, settings: dict[str, Any]
    ) -> None:
        config = NodeConfig.model_validate(settings)
        table = build_points(config)
        specs = build_hal_specs(config, table, SimulatedHardware(devices))
        self.occupancy_ratio = {
            load.driver: load.occupancy_ratio for load in bus_loads(config, specs)
        }
        self.index = table.index
        self.image, self.devices = image, devices
        self.node_image = NodeImage(specs.points, specs.drivers)
        self.drivers = DriverSet(self.node_image)
        self.now_ns = 0
        names = [table.points[i].name for i in table.writable_indices]
        self.wanted = np.array([self._wanted(name) for name in names])
        image.truth.accel_alive[:] = 1.0
        image.truth.accel_core_temp_c[:] = 50.0
        image.truth.module_voltage_v[:] = image.truth.payload_voltage_v[:] = 54.0
        image.truth.aux_current_a[:] = 0.8
        image.truth.flow_kg_per_s[:] = 0.1
        self.fly(500)
        assert image.setpoint.aux_enabled.tolist() == [1.0] * 8
        assert image.setpoint.accel_cap_w[0] == CAP_W

    @staticmethod
    def _wanted(name: str) -> float:
        if name.endswith(".enable") and "rail." in name:
            return 1.0
        return CAP_W if name.endswith(".cap_w") else float("nan")

    def fly(self, duration_ms: int) -> None:
        """Let time pass; the daemon asks for the same all along."""
        for _ in range(duration_ms):
            self.now_ns += MS
            self.image.time_s[0] = self.now_ns / 1e9
            self.devices.advance(self.now_ns)
            self.node_image.write_desired(self.wanted, 1)
            self.node_image.beat(1)
            self.drivers.step(self.now_ns)

    def fly_until_open(self, index: int, limit_ms: int) -> int:
        """Return after how many ms the auxiliary rail opened; limit_ms if it did not."""
        for ms in range(limit_ms):
            if self.image.setpoint.aux_enabled[index] == 0.0:
                return ms
            self.fly(1)
        return limit_ms

    def close(self) -> None:
        self.drivers.close()
        self.node_image.close()


@pytest.fixture
def settings() -> dict[str, Any]:
    return FAST


@pytest.fixture
def bench(settings: dict[str, Any]) -> Iterator[Bench]:
    image = PlantImage()
    make_sensors_ideal(image)
    with SimulatedDevices(image, seed=7) as devices:
        built = Bench(image, devices, settings)
        yield built
        built.close()


def test_a_latched_up_auxiliary_rail_opens_within_5_ms_and_stays_open(bench: Bench) -> None:
    bench.image.truth.aux_current_a[0] = 2.0
    assert AUX_PERSISTENCE_MS < bench.fly_until_open(0, 50) <= OPEN_MS_MAX
    bench.image.truth.aux_current_a[0] = 0.0
    bench.fly(200)
    assert bench.image.setpoint.aux_enabled.tolist() == [0.0, *[1.0] * 7]
    (record,) = bench.node_image.evidence("rails_a")
    assert record.cause == Cause.REFLEX
    assert record.point == bench.index["rail.accel0_aux.current_a"]
    assert record.value == pytest.approx(2.0, abs=0.01)
    assert record.limit == AUX_CURRENT_A_MAX


@pytest.mark.parametrize("settings", [REF1], ids=["ref1"])
@pytest.mark.parametrize("onset_ms", [1, 50, 100])
def test_at_the_polls_of_ref1_it_opens_within_two_of_them(bench: Bench, onset_ms: int) -> None:
    bench.fly(onset_ms)
    bench.image.truth.aux_current_a[5] = 2.0
    assert POLL_MS <= bench.fly_until_open(5, 500) <= 2 * POLL_MS
    assert bench.image.setpoint.aux_enabled.tolist() == [*[1.0] * 5, 0.0, 1.0, 1.0]


def test_polls_of_1_ms_fit_on_a_bus_of_1_mhz_and_on_no_slower_one(bench: Bench) -> None:
    assert max(bench.occupancy_ratio.values()) <= NodeConfig().buses.occupancy_ratio_max
    assert bench.occupancy_ratio["rails_a"] == pytest.approx(FAST_OCCUPANCY_RATIO, abs=0.005)
    assert bench.occupancy_ratio["rails_a"] * 1_000_000 / 400_000 > 1.0
    one = {"points": {"rail.accel0_aux.current_a": {"period_s": 0.001}}}
    at_100_khz = planned_bus_loads(NodeConfig.model_validate(one))
    assert {load.driver: load.occupancy_ratio for load in at_100_khz}["rails_a"] > 1.0


@pytest.mark.parametrize("length_ms", [1, 2])
def test_a_shorter_step_never_opens_an_auxiliary_rail(bench: Bench, length_ms: int) -> None:
    for _ in range(20):
        bench.image.truth.aux_current_a[0] = 2.0
        bench.fly(length_ms)
        bench.image.truth.aux_current_a[0] = 0.8
        bench.fly(3)
    assert bench.image.setpoint.aux_enabled[0] == 1.0


def test_lost_flow_lowers_each_cap_until_it_is_back_and_asked_for(bench: Bench) -> None:
    cap = bench.image.setpoint.accel_cap_w
    bench.image.truth.flow_kg_per_s[:] = 0.0
    bench.fly(FLOW_PERSISTENCE_MS)
    assert cap.tolist() == [CAP_W] * 8
    bench.fly(110)  # two polls of the loop controller
    assert cap.tolist() == [CAP_W_MIN] * 8
    deadline_ns = bench.now_ns + 1000 * MS
    ticket = bench.node_image.send_request(
        "accel0", RequestKind.REARM, epoch=1, deadline_ns=deadline_ns
    )
    assert ticket is not None
    bench.fly(2)
    assert bench.node_image.request_status("accel0", ticket) == Status.REFUSED
    bench.image.truth.flow_kg_per_s[:] = 0.1
    bench.fly(100)
    bench.node_image.request_rearm("accel0")
    bench.fly(100)
    assert cap[0] > CAP_W_MIN
    assert cap[1:].tolist() == [CAP_W_MIN] * 7  # latched


def test_a_silent_loop_controller_is_no_lost_flow(bench: Bench) -> None:
    bench.image.truth.flow_kg_per_s[:] = 0.0
    bench.image.knobs.loop_silent[:] = 1.0
    bench.fly(1000)
    assert bench.image.setpoint.accel_cap_w.tolist() == [CAP_W] * 8
