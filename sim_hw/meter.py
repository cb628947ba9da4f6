"""What a flight did in numbers: work, peaks. Measured on plant truth at every step."""

import math
from typing import Any

import numpy as np

from sim_hw.timeline import NS_PER_S

ROWS = 64  # samples looked at together


class FlightMeter:
    """Adds up work and keeps peaks; `sample` costs about 1.5 us.

    Samples are kept in rows and looked at many at a time, in their order: the sums are the same to
    the last bit as one step after the other.

    Args:
        image: The plant image (sim_hw/devices.py).
        has_loop: False: the coolant of a node that has none is no peak, its radiator is.
    """

    def __init__(self, image: Any, *, has_loop: bool = True) -> None:
        truth = image.truth
        self._has_loop = has_loop
        self._sources = (
            truth.accel_core_temp_c,
            truth.accel_memory_temp_c,
            truth.supply_temp_c,
            truth.return_temp_c,
            truth.charge_ratio,
            truth.battery_temp_c,
            truth.array_power_w,
            truth.accel_power_w,
            truth.accel_utilisation_ratio,
        )
        self._count = len(truth.accel_power_w)
        size = sum(len(source) for source in self._sources)
        self._rows = np.zeros((1 + ROWS, size))  # [0]: sums of the rows before
        self._places = list(self._rows[1:])
        self._filled = 0
        self._highest, self._lowest = np.full(size, -np.inf), np.full(size, np.inf)
        self._step_ns = 0  # sums are over steps of this length, not yet scaled by it
        self._joules = self._busy_s = 0.0
        self._draw_w_max = 0.0
        self._last_ns = 0
        self.charge_ratio_start = self._charge_ratio_end = float(truth.charge_ratio[0])

    def sample(self, now_ns: int) -> None:
        """Take the step that ends now; truth counts as constant within it."""
        step_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if step_ns != self._step_ns:
            self._scale_sums()
            self._step_ns = step_ns
        np.concatenate(self._sources, out=self._places[self._filled])
        self._filled += 1
        if self._filled == ROWS:
            self._fold()

    def _fold(self) -> None:
        """Take what the rows hold into peaks and sums."""
        if not self._filled:
            return
        whole = self._rows[: 1 + self._filled]
        rows, count = whole[1:], self._count
        np.maximum(self._highest, rows.max(axis=0), out=self._highest)
        np.minimum(self._lowest, rows.min(axis=0), out=self._lowest)
        power_w = rows[:, -2 * count : -count]
        draw_w = power_w[:, 0].copy()
        for i in range(1, count):
            draw_w += power_w[:, i]
        self._draw_w_max = max(self._draw_w_max, float(draw_w.max()))
        self._charge_ratio_end = float(rows[-1, 2 * count + 2])
        whole[0] = np.add.reduce(whole, axis=0)
        self._filled = 0

    def peaks(self) -> dict[str, float]:
        """Return extremes over the flight; names carry the units."""
        self._fold()
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
            "charge_ratio_end": self._charge_ratio_end,
            "battery_temp_c_max": float(high[battery]),
        }

    def work(self) -> dict[str, float]:
        """Return energy into the accelerators and the time they were busy, both summed over all."""
        self._scale_sums()
        return {"accelerator_joules": self._joules, "utilisation_seconds": self._busy_s}

    def _scale_sums(self) -> None:
        self._fold()
        step_s, count, sums = self._step_ns / NS_PER_S, self._count, self._rows[0]
        self._joules += math.fsum(sums[-2 * count : -count].tolist()) * step_s
        self._busy_s += math.fsum(sums[-count:].tolist()) * step_s
        sums.fill(0.0)
