"""Check case 22: the published peak-power mask of a module, on the register model at 1 ms polls.

A draw of 1.1, 1.2, 1.5 and 1.6 times the nominal power is legal for 20, 10, 5 and 2 ms: the reflex
of the module rail must not open it. A longer one must open it within 25 ms (S5). The shipped driver
reads the simulated hot-swap; the test forces the truth and adds no noise.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from flight.config import NodeConfig, build_points
from flight.node import MODULE_NOMINAL_W, TRANSIENT_MASK, build_hal_specs
from hal import DriverSet, NodeImage
from sim_hw._native import lib
from sim_hw.devices import PlantImage, SimulatedDevices
from sim_hw.sensors import make_sensors_ideal
from sim_hw.simulated_node import SimulatedHardware
from tests.unit.accelerators_bench import AcceleratorBench

POLL_NS = 1_000_000
BUS_V = 54.0
LEGAL = [(1.1, 20.0), (1.2, 10.0), (1.5, 5.0), (1.6, 2.0)]  # times nominal, ms
PHASES_MS = [0.0, 0.05, 0.5, 0.95]  # start of the step after a poll
MODULES = [0, 6]  # one on each bus
SETTLED_MS = 50.0
TRIP_MS_MAX = 25.0

Draw = Callable[[float], float]  # ms after the start -> times nominal


class Bench:
    """The rail drivers on a bus that is fed, polled each ms; the test is the plant."""

    def __init__(self, image: PlantImage, devices: SimulatedDevices) -> None:
        fast = {"rail.accel*_54v.power_w": {"period_s": 0.001}}
        config = NodeConfig.model_validate({"points": fast})
        table = build_points(config)
        specs = build_hal_specs(config, table, SimulatedHardware(devices))
        self.image, self.devices = image, devices
        self.node_image = NodeImage(specs.points, specs.drivers)
        self.drivers = DriverSet(self.node_image)
        self.now_ns = 0
        names = [table.points[i].name for i in table.writable_indices]
        closed = [1.0 if name.endswith(".enable") and "rail." in name else np.nan for name in names]
        self.node_image.write_desired(np.array(closed), 1)
        image.truth.accel_alive[:] = 1.0
        image.truth.module_voltage_v[:] = image.truth.payload_voltage_v[:] = BUS_V
        for _ in range(3):
            self.poll(1.0)
        assert image.setpoint.module_enabled.tolist() == [1.0] * 8

    def poll(self, times_nominal: float, *, one: int | None = None) -> None:
        """Let 1 ms pass; at its end all modules draw this, or `one` does and the others nominal."""
        self.now_ns += POLL_NS
        self.image.time_s[0] = self.now_ns / 1e9
        nominal_a = MODULE_NOMINAL_W / BUS_V
        self.image.truth.module_current_a[:] = nominal_a * (times_nominal if one is None else 1.0)
        if one is not None:
            self.image.truth.module_current_a[one] = nominal_a * times_nominal
        self.devices.advance(self.now_ns)
        self.node_image.beat(1)
        self.drivers.step(self.now_ns)

    def draw(self, draw: Draw, *, phase_ms: float, for_ms: float) -> dict[int, float]:
        """Let all modules follow a course that starts phase_ms after a poll.

        Returns: When each module that opened did, in ms after the start of the course.
        """
        opened: dict[int, float] = {}
        for k in range(1, round(for_ms) + 1):
            since_ms = k - phase_ms
            self.poll(draw(since_ms) if since_ms >= 0.0 else 1.0)
            for i in np.flatnonzero(self.image.setpoint.module_enabled == 0.0).tolist():
                opened.setdefault(i, since_ms)
        return opened

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


def step(times_nominal: float, length_ms: float) -> Draw:
    return lambda since_ms: times_nominal if since_ms < length_ms else 1.0


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize(("times_nominal", "length_ms"), LEGAL)
def test_a_legal_transient_never_trips(
    bench: Bench, times_nominal: float, length_ms: float, phase_ms: float
) -> None:
    course = step(times_nominal, length_ms)
    assert bench.draw(course, phase_ms=phase_ms, for_ms=SETTLED_MS) == {}


@pytest.mark.parametrize("phase_ms", PHASES_MS)
def test_the_whole_mask_drawn_at_once_never_trips(bench: Bench, phase_ms: float) -> None:
    def envelope(since_ms: float) -> float:
        return next((times for times, end_ms in reversed(LEGAL) if since_ms < end_ms), 1.0)

    for _ in range(5):  # and again, after one poll at nominal power
        assert bench.draw(envelope, phase_ms=phase_ms, for_ms=22.0) == {}


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("times_nominal", [1.0, 1.02, 1.04])
def test_what_rounding_makes_of_nominal_power_never_trips(
    bench: Bench, times_nominal: float, phase_ms: float
) -> None:
    course = step(times_nominal, 1e9)
    assert bench.draw(course, phase_ms=phase_ms, for_ms=200.0) == {}


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize(("times_nominal", "length_ms"), LEGAL)
def test_a_longer_transient_opens_every_module_within_25_ms(
    bench: Bench, times_nominal: float, length_ms: float, phase_ms: float
) -> None:
    course = step(times_nominal, length_ms + 4.0)
    opened = bench.draw(course, phase_ms=phase_ms, for_ms=SETTLED_MS)
    assert sorted(opened) == list(range(8))
    assert all(length_ms < after_ms <= TRIP_MS_MAX for after_ms in opened.values()), opened


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("times_nominal", [1.1, 1.2, 1.5, 1.6, 1.8])
def test_a_transient_that_stays_opens_every_module_within_25_ms(
    bench: Bench, times_nominal: float, phase_ms: float
) -> None:
    opened = bench.draw(step(times_nominal, 1e9), phase_ms=phase_ms, for_ms=SETTLED_MS)
    assert sorted(opened) == list(range(8))
    assert max(opened.values()) <= TRIP_MS_MAX
    assert bench.image.setpoint.payload_enabled.item() == 1.0


@pytest.mark.parametrize("module", MODULES)
def test_only_the_module_that_draws_is_opened_and_stays_open(bench: Bench, module: int) -> None:
    for _ in range(100):
        bench.poll(1.3, one=module)
    wanted = [float(i != module) for i in range(8)]
    assert bench.image.setpoint.module_enabled.tolist() == wanted
    assert bench.image.setpoint.aux_enabled.tolist() == [1.0] * 8


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_load_step_of_the_plant_never_trips(bench: Bench, seed: int) -> None:
    plant = AcceleratorBench(seed=seed)
    plant.utilisation_target[:] = 1.0  # from idle: the greatest step there is
    plant.advance(0.1)
    peaks = plant.image.truth.module_peak_current_a.reshape(8, 4) * BUS_V / MODULE_NOMINAL_W
    ends_ms = sorted(end_ms for _, end_ms in LEGAL)
    assert peaks[:, 0].max() > 1.4
    for peak in peaks.tolist():

        def envelope(since_ms: float, peak: list[float] = peak) -> float:
            pairs = zip(peak, ends_ms, strict=True)
            return next((times for times, end_ms in pairs if since_ms < end_ms), 1.0)

        assert bench.draw(envelope, phase_ms=0.5, for_ms=SETTLED_MS) == {}


def test_the_plant_has_the_same_mask_as_the_reflexes() -> None:
    plant = [lib.sim_peak_mask_ratio(k) for k in range(4)]
    by_length = sorted(TRANSIENT_MASK, key=lambda pair: pair[1])
    assert plant == [times for times, _ in by_length]
    assert sorted(TRANSIENT_MASK) == sorted(LEGAL)
    amperes = [round(times * MODULE_NOMINAL_W / BUS_V, 2) for times in (1.0, *reversed(plant))]
    assert amperes == [12.96, 14.26, 15.56, 19.44, 20.74]


def test_one_wrong_sample_never_trips(bench: Bench) -> None:
    for times_nominal in (1.6, 3.0, 1.2, 1.05):
        assert bench.draw(step(times_nominal, 1.0), phase_ms=0.0, for_ms=30.0) == {}
