"""The meter looks at many steps together and says what one step after the other would."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sim_hw.meter import ROWS, FlightMeter

STEP_NS = 100_000_000
EIGHT = ("accel_core_temp_c", "accel_memory_temp_c", "accel_power_w", "accel_utilisation_ratio")
ONE = ("supply_temp_c", "return_temp_c", "charge_ratio", "battery_temp_c", "array_power_w")


@pytest.mark.parametrize("steps", [1, ROWS - 1, ROWS, 3 * ROWS + 5])
def test_peaks_and_work_are_those_of_single_steps_to_the_last_bit(steps: int) -> None:
    rng = np.random.default_rng(steps)
    fields = {name: np.zeros(8) for name in EIGHT} | {name: np.zeros(1) for name in ONE}
    meter = FlightMeter(SimpleNamespace(truth=SimpleNamespace(**fields)))
    power_w, hottest_c, coldest_c, draw_w = np.zeros(8), -math.inf, math.inf, 0.0
    for step in range(1, steps + 1):
        for field in fields.values():
            field[:] = rng.normal(50.0, 20.0, len(field))
        meter.sample(step * STEP_NS)
        power_w += fields["accel_power_w"]
        hottest_c = max(hottest_c, float(fields["accel_core_temp_c"].max()))
        coldest_c = min(coldest_c, float(fields["supply_temp_c"][0]))
        draw_w = max(draw_w, sum(fields["accel_power_w"].tolist()))
    peaks = meter.peaks()
    assert peaks["core_temp_c_max"] == hottest_c
    assert peaks["supply_temp_c_min"] == coldest_c
    assert peaks["accelerators_w_max"] == draw_w
    assert peaks["charge_ratio_end"] == float(fields["charge_ratio"][0])
    assert peaks == meter.peaks(), "asking changes nothing"
    assert meter.work()["accelerator_joules"] == math.fsum(power_w.tolist()) * 0.1


def test_steps_of_other_lengths_count_with_their_own() -> None:
    fields = {name: np.full(8, 2.0) for name in EIGHT} | {name: np.zeros(1) for name in ONE}
    meter = FlightMeter(SimpleNamespace(truth=SimpleNamespace(**fields)))
    for now_ns in (STEP_NS, 2 * STEP_NS, 5 * STEP_NS):
        meter.sample(now_ns)
    assert meter.work()["accelerator_joules"] == pytest.approx(8 * 2.0 * 0.5)
