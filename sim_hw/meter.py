"""What a flight did in numbers: work, peaks. Measured on plant truth at every step."""

import math
from typing import Any

import numpy as np

from sim_hw.timeline import NS_PER_S


class FlightMeter:
    """Adds up work and keeps peaks; `sample` costs about 4 us.

    Args:
        image: The plant image (sim_hw/devices.py).
        has_loop: False: the coolant of a node that has none is no peak, its radiator is.
    """

    def __init__(self, image: Any, *, has_loop: bool = True) -> None:
        truth = image.truth
        self._has_loop = has_loop
        self._power_w = truth.accel_power_w
        self._utilisation = truth.accel_utilisation_ratio
        self._sources = (
            truth.accel_core_temp_c,
            truth.accel_memory_temp_c,
            truth.supply_temp_c,
            truth.return_temp_c,
            truth.charge_ratio,
            truth.battery_temp_c,
            truth.array_power_w,
        )
        self._count = len(self._power_w)
        size = sum(len(source) for source in self._sources)
        self._values = np.empty(size)
        self._highest, self._lowest = np.full(size, -np.inf), np.full(size, np.inf)
        self._step_ns = 0  # sums below are over steps of this length, not yet scaled by it
        self._power_sum, self._busy_sum = np.zeros(self._count), np.zeros(self._count)
        self._joules = self._busy_s = 0.0
        self._draw_w_max = 0.0
        self._last_ns = 0
        self.charge_ratio_start = float(truth.charge_ratio[0])

    def sample(self, now_ns: int) -> None:
        """Take the step that ends now; truth counts as constant within it."""
        step_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if step_ns != self._step_ns:
            self._scale_sums()
            self._step_ns = step_ns
        values = self._values
        np.concatenate(self._sources, out=values)
        np.maximum(self._highest, values, out=self._highest)
        np.minimum(self._lowest, values, out=self._lowest)
        np.add(self._power_sum, self._power_w, out=self._power_sum)
        np.add(self._busy_sum, self._utilisation, out=self._busy_sum)
        draw_w = sum(self._power_w.tolist())
        if draw_w > self._draw_w_max:
            self._draw_w_max = draw_w

    def peaks(self) -> dict[str, float]:
        """Return extremes over the flight; names carry the units."""
        high, low, count = self._highest, self._lowest, self._count
        supply, back, charge, battery, array = range(2 * count, 2 * count + 5)
        cooling = {
            "supply_temp_c_min": float(low[supply]),
            "supply_temp_c_max": float(high[supply]),
            "return_temp_c_max": float(high[back]),
        }
        if not self._has_loop:  # both are those of the radiator
            cooling = {
                "radiator_temp_c_min": float(low[supply]),
                "radiator_temp_c_max": float(high[supply]),
            }
        return {
            "core_temp_c_max": float(high[:count].max()),
            "memory_temp_c_max": float(high[count : 2 * count].max()),
            **cooling,
            "accelerators_w_max": self._draw_w_max,
            "array_w_max": float(high[array]),
            "charge_ratio_start": self.charge_ratio_start,
            "charge_ratio_min": float(low[charge]),
            "charge_ratio_end": float(self._values[charge]),
            "battery_temp_c_max": float(high[battery]),
        }

    def work(self) -> dict[str, float]:
        """Return energy into the accelerators and the time they were busy, both summed over all."""
        self._scale_sums()
        return {"accelerator_joules": self._joules, "utilisation_seconds": self._busy_s}

    def _scale_sums(self) -> None:
        step_s = self._step_ns / NS_PER_S
        self._joules += math.fsum(self._power_sum.tolist()) * step_s
        self._busy_s += math.fsum(self._busy_sum.tolist()) * step_s
        self._power_sum[:] = 0.0
        self._busy_sum[:] = 0.0
