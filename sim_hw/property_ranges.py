"""S1, S2 and S3: cores, coolant, radiator and charge inside their ranges, and loads shed in
time.
"""

from typing import Any

import numpy as np

from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import HOLDS_ITS_CAP, accelerators_struck
from sim_hw.property_limits import PropertyLimits
from sim_hw.property_truth import Ledger, Truth
from sim_hw.scenario_times import FOREVER_NS
from sim_hw.timeline import NS_PER_S


class RangeCheck:
    """S1: no core above its maximum for more than 1 s, never at shutdown. S2: coolant and radiator
    in range, cold side included. S3, first half: charge above the hard floor.
    """

    names = ("S1", "S2", "S3")

    def __init__(
        self,
        image: Any,
        truth: Truth,
        limits: PropertyLimits,
        ledger: Ledger,
        accelerator_count: int,
    ) -> None:
        plates = image.truth.plate_outlet_temp_c[:accelerator_count]
        count = len(truth.core_temp_c)
        self._sources = (
            truth.core_temp_c,
            image.truth.supply_temp_c,
            image.truth.return_temp_c,
            plates,
            image.truth.radiator_out_temp_c,
            truth.charge_ratio,
        )
        self._subjects = (
            *(f"accel{i}" for i in range(count)),
            "loop.supply",
            "loop.return",
            *(f"plate{i}" for i in range(len(plates))),
            "loop.radiator",
            "eps.battery",
        )
        if limits.flow_kg_per_s_min == 0.0:  # no loop: supply and return are the radiator's too
            plate_names = self._subjects[count + 2 : -2]
            inner = ("radiator", "radiator", *plate_names, "radiator")
            self._subjects = (*self._subjects[:count], *inner, self._subjects[-1])
        coolants = 2 + len(plates)
        self._high = np.array(
            [limits.core_temp_c_max] * count
            + [limits.coolant_temp_c_max] * (coolants + 1)
            + [np.inf]
        )
        self._low = np.array(
            [-np.inf] * count
            + [limits.coolant_temp_c_min] * coolants
            + [limits.radiator_temp_c_min, limits.charge_ratio_min]
        )
        self._starts = np.array([0, count, len(self._high) - 1])
        self._values, self._margins, self._above = (np.empty(len(self._high)) for _ in range(3))
        self._least = np.empty(3)
        self._firsts = (0, count, len(self._high) - 1)
        plate_names, loop_names = self._subjects[count + 2 : -2], self._subjects[count : count + 2]
        self._coolants = (*plate_names, *loop_names, self._subjects[-2])
        # Views: cores, coolant, charge.
        self._parts = tuple(np.split(self._margins, self._firsts[1:]))
        self._closest = [np.inf] * 3
        self._is_crossed = False
        self._over_since: dict[int, int] = {}
        self._limits = limits
        self._ledger = ledger

    def check(self, now_ns: int) -> None:
        """Compare extremes; only a crossing costs more."""
        limits, closest = self._limits, self._closest
        cores, supply, back, plates, radiator, charge = self._sources
        cores_c, coolant_c = cores.tolist(), plates.tolist()
        coolant_c += (supply.item(), back.item())
        coldest_c, radiator_c = min(coolant_c), radiator.item()
        coolant_c.append(radiator_c)
        hottest_c, warmest_c, charge_ratio = max(cores_c), max(coolant_c), charge.item()

        core_k = limits.core_temp_c_max - hottest_c
        above_k = limits.coolant_temp_c_max - warmest_c
        below_k = coldest_c - limits.coolant_temp_c_min
        radiator_k = radiator_c - limits.radiator_temp_c_min
        coolant_k = min(above_k, below_k, radiator_k)
        floor = limits.charge_ratio_min
        if core_k < 0.0 or coolant_k < 0.0 or charge_ratio < floor or self._is_crossed:
            self._look_closely(now_ns)
            return
        if core_k < closest[0]:
            closest[0], limit = core_k, limits.core_temp_c_max
            subject = self._subjects[cores_c.index(hottest_c)]
            self._ledger.approach("S1", core_k, hottest_c, limit, "degC", now_ns, subject)
        if coolant_k < closest[1]:
            closest[1], value, limit = coolant_k, warmest_c, limits.coolant_temp_c_max
            if coolant_k == radiator_k:
                value, limit = radiator_c, limits.radiator_temp_c_min
            elif coolant_k == below_k:
                value, limit = coldest_c, limits.coolant_temp_c_min
            subject = self._coolants[coolant_c.index(value)]
            self._ledger.approach("S2", coolant_k, value, limit, "degC", now_ns, subject)
        if charge_ratio - floor < closest[2]:
            closest[2], subject = charge_ratio - floor, self._subjects[-1]
            self._ledger.approach("S3", closest[2], charge_ratio, floor, "ratio", now_ns, subject)

    def _look_closely(self, now_ns: int) -> None:
        values, margins = self._values, self._margins
        np.concatenate(self._sources, out=values)
        np.subtract(values, self._low, out=margins)
        np.subtract(self._high, values, out=self._above)
        np.minimum(margins, self._above, out=margins)
        np.minimum.reduceat(margins, self._starts, out=self._least)
        least = self._least.tolist()
        for which, margin in enumerate(least):
            if margin < self._closest[which]:
                self._come_closer(which, margin, now_ns)
        core, coolant, charge = least
        self._is_crossed = core < 0.0 or coolant < 0.0 or charge < 0.0 or bool(self._over_since)
        if core < 0.0 or self._over_since:
            self._check_cores(now_ns)
        if coolant < 0.0 or charge < 0.0:
            self._report_ranges(now_ns)

    def fault(self, edge: AppliedFault) -> None:
        """No fault excuses these."""

    def _come_closer(self, which: int, margin: float, now_ns: int) -> None:
        self._closest[which] = max(margin, 0.0)  # past the limit every step is looked at
        i = self._firsts[which] + int(self._parts[which].argmin())
        value = self._values.item(i)
        limit = self._limit(i, value)
        unit = "degC" if which < 2 else "ratio"
        self._ledger.approach(
            self.names[which], margin, value, limit, unit, now_ns, self._subjects[i]
        )

    def _limit(self, i: int, value: float) -> float:
        high, low = float(self._high[i]), float(self._low[i])
        return high if high - value < value - low else low

    def _check_cores(self, now_ns: int) -> None:
        limits = self._limits
        for i, temp_c in enumerate(self._values[: self._starts[1]].tolist()):
            subject = f"accel{i}"
            if temp_c >= limits.core_temp_c_shutdown:
                text = "core at shutdown temperature"
                shutdown_c = limits.core_temp_c_shutdown
                self._ledger.violate(
                    "S1", now_ns, f"{subject} core", temp_c, shutdown_c, "degC", text
                )
            if temp_c <= limits.core_temp_c_max:
                self._over_since.pop(i, None)
                self._ledger.mend("S1", subject)
                continue
            over_ns = now_ns - self._over_since.setdefault(i, now_ns)
            if over_ns > limits.core_temp_over_s_max * NS_PER_S:
                text = f"core above maximum operating temperature for {over_ns / NS_PER_S:.1f} s"
                maximum_c = limits.core_temp_c_max
                self._ledger.violate("S1", now_ns, subject, temp_c, maximum_c, "degC", text)

    def _report_ranges(self, now_ns: int) -> None:
        start = int(self._starts[1])
        for i in range(start, len(self._values)):
            if self._margins[i] >= 0.0:
                continue
            value, subject = float(self._values[i]), self._subjects[i]
            limit = self._limit(i, value)
            if i == len(self._values) - 1:
                text = "charge below the hard floor"
                self._ledger.violate("S3", now_ns, subject, value, limit, "ratio", text)
            else:
                text = "coolant or radiator out of range"
                self._ledger.violate("S2", now_ns, subject, value, limit, "degC", text)


class ShedCheck:
    """S3, second half: below each rung's charge for 10 s, the accelerators draw at most the rung's
    watts.

    Not claimed while a fault lies about the charge. An accelerator that cannot be told its cap or
    does not obey it counts with its share of the rung: S6 says how long it may exceed that.
    """

    names = ("S3",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._rungs = limits.shed_rungs
        self._highest = max(charge for charge, _ in limits.shed_rungs)
        self._below_since: dict[float, int] = {}
        self._excused_until: dict[int, int] = {}

    def check(self, now_ns: int) -> None:
        """Compare the draw with the rungs that have been due for longer than they may take."""
        charge = self._truth.charge_ratio.item()
        if charge >= self._highest:
            self._below_since.clear()
            return
        if any(fault.target == "eps.battery.charge_ratio" for fault in self._truth.active):
            self._below_since.clear()
            return
        for threshold, watts in self._rungs:
            if charge >= threshold - self._limits.charge_tolerance_ratio:
                self._below_since.pop(threshold, None)
                continue
            below_ns = now_ns - self._below_since.setdefault(threshold, now_ns)
            allowed_w = watts * (1.0 + self._limits.budget_tolerance_ratio)
            if below_ns <= self._limits.shed_s_max * NS_PER_S:
                continue
            draw_w = self._draw_w(now_ns, allowed_w)
            if draw_w > allowed_w:
                text = f"charge below {threshold:g} for {below_ns / NS_PER_S:.1f} s and not shed"
                self._ledger.violate("S3", now_ns, "node", draw_w, allowed_w, "W", text)

    def fault(self, edge: AppliedFault) -> None:
        """Who cannot be told or does not obey is excused, and for 1 s after."""
        fault = edge.fault
        if fault.name not in HOLDS_ITS_CAP:
            return
        grace_ns = round(self._limits.budget_s * NS_PER_S)
        for i in accelerators_struck(fault.name, fault.target):
            self._excused_until[i] = FOREVER_NS if edge.is_start else edge.time_ns + grace_ns

    def _draw_w(self, now_ns: int, allowed_w: float) -> float:
        """Return what all draw, those excused with at most their share of what is allowed."""
        powers_w: list[float] = self._truth.power_w.tolist()
        share_w = allowed_w / len(powers_w)
        return sum(
            min(power_w, share_w) if self._excused_until.get(i, 0) >= now_ns else power_w
            for i, power_w in enumerate(powers_w)
        )
