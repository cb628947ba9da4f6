"""S6, S12 and S13: budgets kept, silence answered by the drivers alone, losses that never raise
power.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import HOLDS_ITS_CAP, SILENCES_PART, accelerators_struck
from sim_hw.property_limits import PropertyLimits
from sim_hw.property_truth import Ledger, Truth
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.timeline import NS_PER_S

_STEP_NS = 100_000_000
# Library functions without which a temperature is missing; empty: all of them.
_TEMPERATURE_CALLS = ("", "nvmlDeviceGetTemperature", "nvmlDeviceGetFieldValues")


class BudgetCheck:
    """S6: from 1 s after a change the node draws at most its budget, and all accelerators together
    at most what the arbiter granted, both plus 2 %; and an accelerator that does not obey its cap
    is held back or switched off within 10 s.

    The budget (sim_hw/property_budget.py) counts against everything: accelerators, host, pumps,
    heaters. While the daemon is silent, and for 1 s after, no more is asked than S12: safe caps.

    What the arbiter granted is the largest of the last second per accelerator, and at least the
    minimum cap where the module draws power. An accelerator that booted in that second has its own
    maximum cap until its driver's next poll and counts with that. One that ignores its cap, or
    whose library answers nothing or refuses, cannot be throttled: its excess is left out of both
    sums for the 10 s in which it must be dealt with, and for 1 s after the fault. One whose module
    switch does not hear, and is granted nothing, is left out of the budget.
    """

    names = ("S6",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        count = len(truth.power_w)
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        rows, nothing = round(limits.budget_s * NS_PER_S / _STEP_NS) + 1, [0.0] * count
        self._granted: deque[list[float]] = deque([nothing] * rows, rows)  # the last second
        self._alive: deque[list[float]] = deque([nothing] * rows, rows)
        self._over_since: dict[int, int] = {}
        self._excused_until: dict[int, int] = {}
        self._factor = 1.0 + limits.budget_tolerance_ratio
        self._closest = self._budget_closest = np.inf
        self._is_over_budget = False
        self._lease_ns = round(limits.lease_s * NS_PER_S)
        self._settle_ns = round(limits.budget_s * NS_PER_S)
        self._silent_until_ns = 0

    def check(self, now_ns: int) -> None:
        """Compare sums; rows, booting and excess matter only when a simple sum is exceeded."""
        truth = self._truth
        granted: list[float] = truth.granted_w.tolist()
        self._granted.append(granted)
        self._alive.append(truth.alive.tolist())
        draw_w, granted_w = sum(truth.power_w.tolist()), sum(granted)
        load_w = truth.plant.load_w
        if now_ns - (truth.beat_ns or 0) >= self._lease_ns:
            self._silent_until_ns = now_ns + self._settle_ns
        limit_w, budget_w = granted_w * self._factor, truth.budget.due_w(now_ns) * self._factor
        if draw_w > limit_w or load_w > budget_w or self._over_since:
            limit_w, left_out_w = self._check_closely(now_ns)
            load_w -= left_out_w
        if load_w > budget_w:
            self._check_budget(now_ns, load_w, budget_w)
        elif self._is_over_budget:
            self._is_over_budget = False
            self._ledger.mend("S6", "node")
        if limit_w - draw_w < self._closest and granted_w > 0.0:
            self._closest = limit_w - draw_w
            subject = "modules"
            self._ledger.approach("S6", self._closest, draw_w, limit_w, "W", now_ns, subject)
        if 0.0 <= budget_w - load_w < self._budget_closest:
            self._budget_closest = budget_w - load_w
            self._ledger.approach("S6", self._budget_closest, load_w, budget_w, "W", now_ns, "node")

    def fault(self, edge: AppliedFault) -> None:
        """Who cannot be told or does not obey is excused, and for 1 s after it obeys again."""
        fault = edge.fault
        if fault.name not in HOLDS_ITS_CAP:
            return
        grace_ns = round(self._limits.budget_s * NS_PER_S)
        for i in accelerators_struck(fault.name, fault.target):
            self._excused_until[i] = FOREVER_NS if edge.is_start else edge.time_ns + grace_ns

    def _check_closely(self, now_ns: int) -> tuple[float, float]:
        """Judge each accelerator and their sum.

        Returns: The limit of the sum with all that is allowed for, and the power that the budget
        does not count.
        """
        truth, limits = self._truth, self._limits
        allowed_w = left_out_w = 0.0
        granted = [max(each) for each in zip(*self._granted, strict=True)]
        last = truth.granted_w.tolist()
        booted = [min(each) < each[-1] for each in zip(*self._alive, strict=True)]
        for i, power_w in enumerate(truth.power_w.tolist()):
            if granted[i] == 0.0 and self._is_deaf(i):
                left_out_w += power_w
            if power_w > 0.0:  # nothing smaller can be enforced while it is on
                granted[i] = max(granted[i], limits.cap_w_min)
                last[i] = max(last[i], limits.cap_w_min)
            own_w = granted[i] * self._factor
            excess_w = max(0.0, power_w - own_w)
            over_ns = self._over_ns(now_ns, i, power_w, last[i])
            is_due = over_ns > limits.cap_escalation_s_max * NS_PER_S
            if is_due:
                text = f"above its cap for {over_ns / NS_PER_S:.1f} s and nothing was done"
                self._ledger.violate("S6", now_ns, f"accel{i}", power_w, own_w, "W", text)
            if booted[i] or (not is_due and self._excused_until.get(i, 0) >= now_ns):
                own_w += excess_w
                left_out_w += excess_w
            allowed_w += own_w
        draw_w = sum(truth.power_w.tolist())
        if draw_w > allowed_w + 1e-6:
            text = "accelerators draw more than was granted 1 s ago"
            self._ledger.violate("S6", now_ns, "modules", draw_w, allowed_w, "W", text)
        else:
            self._ledger.mend("S6", "modules")
        return allowed_w, left_out_w

    def _check_budget(self, now_ns: int, load_w: float, budget_w: float) -> None:
        truth, limits = self._truth, self._limits
        if now_ns < self._silent_until_ns:
            others_w = truth.plant.load_w - sum(truth.power_w.tolist())
            safe_w = limits.cap_w_safe * sum(truth.module_enabled.tolist())
            budget_w = max(budget_w, others_w + safe_w * self._factor)
        if load_w > budget_w:
            self._is_over_budget = True
            text = "the node draws more than the budget of 1 s ago"
            self._ledger.approach("S6", budget_w - load_w, load_w, budget_w, "W", now_ns, "node")
            self._ledger.violate("S6", now_ns, "node", load_w, budget_w, "W", text)

    def _is_deaf(self, i: int) -> bool:
        return any(
            f.name in SILENCES_PART
            and not f.target.endswith("_aux")
            and i in accelerators_struck(f.name, f.target)
            for f in self._truth.active
        )

    def _over_ns(self, now_ns: int, i: int, power_w: float, granted_w: float) -> int:
        if power_w <= granted_w * (1.0 + self._limits.cap_excess_ratio):
            self._over_since.pop(i, None)
            self._ledger.mend("S6", f"accel{i}")
            return 0
        return now_ns - self._over_since.setdefault(i, now_ns)


class SilenceCheck:
    """S12: 1.6 s after the last heartbeat every powered accelerator is at its safe cap or below,
    its clock no higher than before, and both pumps are told to run at their safe speed; all stay
    there until the daemon beats with a newer epoch. The drivers do this alone.

    Beat and epoch are those of the heartbeat word in the node image, whatever the daemon reports. A
    just booted accelerator has 0.3 s: until its driver's poll it has its own cap and clock.
    """

    names = ("S12",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._lapsed_epoch: int | None = None
        self._lease_ns = round(limits.lease_s * NS_PER_S)
        self._silence_ns = round(limits.silence_s_max * NS_PER_S)
        self._alive_since: dict[int, int] = {}
        self._clock_mhz = truth.clock_max_mhz.copy()  # as the lease left it

    def check(self, now_ns: int) -> None:
        """Costs next to nothing while the daemon beats."""
        truth = self._truth
        if truth.beat_ns is None:
            return
        silent_ns = now_ns - truth.beat_ns
        if self._lapsed_epoch is None:
            if silent_ns < self._lease_ns:
                self._clock_mhz[:] = truth.clock_max_mhz
            if silent_ns <= self._silence_ns:
                return
            self._lapsed_epoch = truth.beat_epoch
        elif truth.beat_epoch > self._lapsed_epoch and silent_ns < self._silence_ns:
            self._lapsed_epoch = None
            self._alive_since.clear()
            for subject in self._subjects():
                self._ledger.mend("S12", subject)
            return
        self._check_accelerators(now_ns)
        self._check_pumps(now_ns)

    def fault(self, edge: AppliedFault) -> None:
        """Silence counts, whatever its cause."""

    def _subjects(self) -> Iterator[str]:
        for i in range(len(self._clock_mhz)):
            yield from (f"accel{i}", f"accel{i} clock")
        yield from ("pump_a", "pump_b")

    def _check_accelerators(self, now_ns: int) -> None:
        truth, limits = self._truth, self._limits
        limit_w = limits.cap_w_safe + limits.cap_tolerance_w
        for i, cap_w in enumerate(truth.cap_w.tolist()):
            if truth.alive[i] == 0.0 or truth.module_enabled[i] == 0.0:
                self._alive_since[i] = now_ns
                continue
            if now_ns - self._alive_since.get(i, 0) < limits.power_up_s * NS_PER_S:
                continue
            subject = f"accel{i}"
            self._ledger.approach("S12", limit_w - cap_w, cap_w, limit_w, "W", now_ns, subject)
            if cap_w > limit_w:
                text = "cap above its safe value while no newer epoch is in force"
                self._ledger.violate("S12", now_ns, subject, cap_w, limit_w, "W", text)
            clock_mhz, limit_mhz = float(truth.clock_max_mhz[i]), float(self._clock_mhz[i])
            if clock_mhz > limit_mhz + limits.clock_tolerance_mhz:
                text, subject = "clock rose while no newer epoch is in force", f"{subject} clock"
                self._ledger.violate("S12", now_ns, subject, clock_mhz, limit_mhz, "MHz", text)

    def _check_pumps(self, now_ns: int) -> None:
        safe_rpm = self._limits.pump_speed_rpm_safe
        for name, target_rpm in zip("ab", self._truth.pump_target_rpm.tolist(), strict=True):
            if target_rpm < safe_rpm - self._limits.pump_tolerance_rpm:
                text = "pump not told its safe speed while no newer epoch is in force"
                self._ledger.violate(
                    "S12", now_ns, f"pump_{name}", target_rpm, safe_rpm, "rpm", text
                )


@dataclass(slots=True)
class _Loss:
    """A sensor loss in force on one accelerator."""

    fault_id: str
    accelerator: int
    ceiling_w: float
    allowed_ns: int
    from_ns: int
    until_ns: int
    over_since_ns: int | None = None


class LossCheck:
    """S13: losing an accelerator's sensors never raises its power.

    The ceiling is the larger of its power and of its enforced cap in the second before the loss,
    plus 2 %: the cap is what the node permits, and load below it is the workload's affair. Then,
    from 0.2 s after the loss:
    - library calls for temperatures that fail, a memory or core temperature that is forced: power
      stays below the ceiling as long as the loss lasts;
    - a NACK of one of its rails, its bus stuck or stretched, any other of its sensors stuck,
      biased or forced: for 10 s after the loss, since a later rise is decided on the core
      temperature, which is still good;
    - a core temperature that repeats its last sample looks good until the power has moved by 150
      W: the ceiling is that much higher, and may be exceeded for 25 s, as long as the loss lasts.
    Not claimed: while its cap was rising before the loss (a ramp goes on to its end), after its
    rail was opened (a start after that is a new beginning), for a bias of the core temperature
    within the truth of the sensor, and for sensors of the loop and of the power system: S1 and S2
    hold there.
    """

    names = ("S13",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._rows = 11
        self._cap_w = np.zeros((self._rows, len(truth.cap_w)))
        self._power_w = np.zeros((self._rows, len(truth.cap_w)))
        self._row = 0
        self._steps = 0
        self._losses: list[_Loss] = []

    def check(self, now_ns: int) -> None:
        """Keep the last second, and compare only while a loss is in force."""
        if self._losses:
            self._losses = [loss for loss in self._losses if self._goes_on(loss, now_ns)]
        self._row = (self._row + 1) % self._rows
        self._cap_w[self._row] = self._truth.cap_w
        self._power_w[self._row] = self._truth.power_w
        self._steps += 1

    def fault(self, edge: AppliedFault) -> None:
        """A loss begins or ends."""
        fault = edge.fault
        if not edge.is_start:
            self._losses = [loss for loss in self._losses if loss.fault_id != fault.id]
            return
        kind = _loss_kind(fault)
        if kind is None:
            return
        for i in accelerators_struck(fault.name, fault.target):
            if self._steps >= self._rows and self._truth.module_enabled[i] > 0.0:
                self._lose(edge, i, kind)

    def _lose(self, edge: AppliedFault, i: int, kind: str) -> None:
        newest_w = float(self._cap_w[self._row, i])
        oldest_w = float(self._cap_w[(self._row + 1) % self._rows, i])
        if newest_w > oldest_w + 0.5:
            return
        limits = self._limits
        before_w = max(float(self._cap_w[:, i].max()), float(self._power_w[:, i].max()))
        ceiling_w = before_w * (1.0 + limits.loss_tolerance_ratio)
        lasts_s = limits.loss_window_s if kind == "partial" else float("inf")
        self._losses.append(
            _Loss(
                fault_id=edge.fault.id,
                accelerator=i,
                ceiling_w=ceiling_w + (limits.stuck_power_w if kind == "silent" else 0.0),
                allowed_ns=round((limits.stuck_s_max if kind == "silent" else 0.0) * NS_PER_S),
                from_ns=edge.time_ns + round(limits.loss_settle_s * NS_PER_S),
                until_ns=2**62
                if lasts_s == float("inf")
                else edge.time_ns + round(lasts_s * NS_PER_S),
            )
        )

    def _goes_on(self, loss: _Loss, now_ns: int) -> bool:
        i, truth = loss.accelerator, self._truth
        if now_ns > loss.until_ns or truth.module_enabled[i] == 0.0:
            return False
        if now_ns < loss.from_ns:
            return True
        power_w, subject = float(truth.power_w[i]), f"accel{i}"
        margin_w = loss.ceiling_w - power_w
        self._ledger.approach("S13", margin_w, power_w, loss.ceiling_w, "W", now_ns, subject)
        if margin_w >= 0.0:
            loss.over_since_ns = None
            self._ledger.mend("S13", subject)
            return True
        loss.over_since_ns = loss.over_since_ns or now_ns
        if now_ns - loss.over_since_ns >= loss.allowed_ns:
            text = f"power rose during the sensor loss {loss.fault_id}"
            self._ledger.violate("S13", now_ns, subject, power_w, loss.ceiling_w, "W", text)
        return True


def _loss_kind(fault: PlannedFault) -> str | None:
    """Return how a fault blinds its accelerator: `whole`, `partial`, `silent`, or None for no
    loss.
    """
    name, is_core = fault.name, fault.target.endswith(".core_temp_c")
    if name in ("nvml_call_fails", "nvml_hang", "accel_lost"):
        return "whole" if fault.parameters.get("function", "") in _TEMPERATURE_CALLS else None
    if name in SILENCES_PART:
        return "partial"
    if name == "sensor_stuck":
        return "silent" if is_core else "partial"
    if name == "sensor_bias" and not is_core:
        return "partial"
    return None
