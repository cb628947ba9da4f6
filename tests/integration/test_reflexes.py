"""Reflexes of the shipped drivers on the simulated hardware of REF-1, at 1 ms polls.

An auxiliary rail that latches up opens within 5 ms; lost coolant flow, a point of another driver,
lowers a cap. The test is the plant: it forces the truth and adds no noise. The daemon beats and
wants everything as it was.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from flight.config import NodeConfig, build_points
from flight.node import HalSpecs, build_hal_specs
from hal import Cause, DriverSet, NodeImage, ReflexSpec, RequestKind, Status
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import make_sensors_ideal
from sim_hw.simulated_node import SimulatedHardware

MS = 1_000_000
AUX_CURRENT_A_MAX = 1.4  # nominal 0.8 A, a latch-up adds 1.2 A
AUX_PERSISTENCE_MS = 2
OPEN_MS_MAX = 5
FLOW_KG_PER_S_MIN = 0.02
FLOW_PERSISTENCE_MS = 300
CAP_W, CAP_W_MIN = 210.0, 200.0  # near, because a cap leaves its safe value on a slope
POINTS = {
    "rail.accel*_aux.current_a": {"period_s": 0.001},
    "loop.flow_kg_per_s": {"period_s": 0.05},
}


class Bench:
    """All drivers of REF-1 with two more rules, stepped each ms over a quiet plant."""

    def __init__(self, image: PlantImage, devices: SimulatedDevices) -> None:
        config = NodeConfig.model_validate({"points": POINTS})
        table = build_points(config)
        specs = build_hal_specs(config, table, SimulatedHardware(devices))
        self.index = table.index
        self.image, self.devices = image, devices
        self.node_image = NodeImage(specs.points, self._with_rules(specs).drivers)
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

    def _with_rules(self, specs: HalSpecs) -> HalSpecs:
        aux = ReflexSpec(
            point=self.index["rail.accel0_aux.current_a"],
            threshold=AUX_CURRENT_A_MAX,
            persistence_ns=AUX_PERSISTENCE_MS * MS,
            action_point=self.index["rail.accel0_aux.enable"],
            action_value=0.0,
        )
        flow = ReflexSpec(
            point=self.index["loop.flow_kg_per_s"],
            comparison="below",
            threshold=FLOW_KG_PER_S_MIN,
            persistence_ns=FLOW_PERSISTENCE_MS * MS,
            max_age_ns=500 * MS,
            action_point=self.index["accel0.cap_w"],
            action_value=CAP_W_MIN,
        )
        more = {"rails_a": (aux,), "accel0": (flow,)}
        drivers = tuple(
            replace(spec, reflexes=(*spec.reflexes, *more.get(spec.name, ())))
            for spec in specs.drivers
        )
        return replace(specs, drivers=drivers)

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
def bench() -> Iterator[Bench]:
    image = PlantImage()
    make_sensors_ideal(image)
    with SimulatedDevices(image, seed=7) as devices:
        built = Bench(image, devices)
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


@pytest.mark.parametrize("length_ms", [1, 2])
def test_a_shorter_step_never_opens_an_auxiliary_rail(bench: Bench, length_ms: int) -> None:
    for _ in range(20):
        bench.image.truth.aux_current_a[0] = 2.0
        bench.fly(length_ms)
        bench.image.truth.aux_current_a[0] = 0.8
        bench.fly(3)
    assert bench.image.setpoint.aux_enabled[0] == 1.0


def test_lost_flow_lowers_the_cap_until_it_is_back_and_asked_for(bench: Bench) -> None:
    cap = bench.image.setpoint.accel_cap_w
    bench.image.truth.flow_kg_per_s[:] = 0.0
    bench.fly(FLOW_PERSISTENCE_MS)
    assert cap[0] == CAP_W
    bench.fly(110)  # two polls of the loop controller
    assert cap[0] == CAP_W_MIN
    assert cap[1] == CAP_W  # no rule: the others are the supervisor's
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


def test_a_silent_loop_controller_is_no_lost_flow(bench: Bench) -> None:
    bench.image.truth.flow_kg_per_s[:] = 0.0
    bench.image.knobs.loop_silent[:] = 1.0
    bench.fly(1000)
    assert bench.image.setpoint.accel_cap_w[0] == CAP_W
