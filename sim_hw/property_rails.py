"""S4 and S5: rails in order, off long enough, retried a bounded number of times; no rail opened
without cause, and latch-ups opened in time.
"""

from collections import deque
from dataclasses import dataclass

from flight.core.types import Mode
from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import SILENCES_PART, accelerator_of, accelerators_struck
from sim_hw.property_limits import PropertyLimits
from sim_hw.property_truth import LONG_AGO_NS, Ledger, Truth
from sim_hw.scenario_times import PlannedFault
from sim_hw.timeline import NS_PER_S

RAILS_ARE_UP = (Mode.NOMINAL, Mode.DEGRADED)
# The payload rail feeds all; a lie about flow, pumps or charge looks like the loss itself. A pump
# or a string that fails is not here: flow and charge tell.
CAUSES_FOR_PAYLOAD = ("payload_54v", "payload_outlet")
CAUSES_FOR_ALL = (*CAUSES_FOR_PAYLOAD, "loop.flow_", "loop.pump_", "eps.battery.")


class RailCheck:
    """S4: no module rail is on while its auxiliary rail or the payload rail is off; no auxiliary
    rail closes without coolant flow; off-times and the stagger between two switch-ons are kept; at
    most 3 retries in 10 min. Off-times and retries are those of the payload rail too.
    S5, second half: in NOMINAL and DEGRADED no rail opens without cause.

    A cause is a command for that accelerator, a budget too small for all, a real fault (never a
    single-sample spike) of that accelerator, of its bus part, of the payload rail or of what tells
    flow and charge, a hot core or memory, flow that is lost, a charge low enough to shed, or ten
    minutes without a daemon. A pump that fails is none, only the flow is; but it may break off a
    start. A retry is a rail that closes within 2 min of an opening in those modes. After a latch-up
    strong enough for the silicon of the auxiliary rail, or a brown-out of its part, that rail may
    open first; the module rail then has the 250 ms of S5. Flow at a switch-on is not claimed while
    a sensor of the loop lies.
    """

    names = ("S4", "S5")

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._count = len(truth.module_enabled)
        self._state = b""
        self._modules: list[float] = []
        self._auxiliaries: list[float] = []
        self._payload = 0.0
        self._opened_ns: dict[str, int] = {}
        self._opened_by_fault: set[str] = set()
        self._retries: dict[str, deque[int]] = {}
        self._module_closed_ns = LONG_AGO_NS
        self._silicon_ns: dict[int, int] = {}
        self._ended: deque[tuple[int, PlannedFault]] = deque(maxlen=64)
        self._no_flow_ns = self._flow_ns = LONG_AGO_NS
        self._disordered = False

    def check(self, now_ns: int) -> None:
        """Look closer only when a switch moved or the order is broken."""
        truth = self._truth
        if truth.flow_kg_per_s.item() < self._limits.flow_kg_per_s_min:
            self._no_flow_ns = now_ns
        else:
            self._flow_ns = now_ns
        modules = truth.module_enabled.tobytes()
        auxiliaries = truth.aux_enabled.tobytes()
        state = modules + auxiliaries + truth.payload_enabled.tobytes()
        if state == self._state and not self._disordered:
            return
        is_first = not self._state
        self._state = state
        before = (self._modules, self._auxiliaries, self._payload)
        self._modules, self._auxiliaries = truth.module_enabled.tolist(), truth.aux_enabled.tolist()
        self._payload = truth.payload_enabled.item()
        if not is_first:
            self._check_changes(now_ns, *before)
        self._check_order(now_ns)

    def fault(self, edge: AppliedFault) -> None:
        """Remember what trips silicon, and what a fault may still explain after its end."""
        fault, accelerator = edge.fault, accelerator_of(edge.fault.target)
        if not edge.is_start:
            self._ended.append((edge.time_ns, fault))
        elif fault.name == "part_brown_out" and fault.target.endswith("_aux"):
            struck = accelerators_struck(fault.name, fault.target)
            self._silicon_ns |= dict.fromkeys(struck, edge.time_ns)
        elif fault.name == "latch_up" and accelerator is not None:
            latch_a = float(fault.parameters["current_a"])
            if latch_a > self._limits.latch_current_a_silicon:
                self._silicon_ns[accelerator] = edge.time_ns

    def _check_order(self, now_ns: int) -> None:
        payload_on = self._payload > 0.0
        self._disordered = False
        for i in range(self._count):
            subject = f"accel{i}_54v"
            in_order = self._modules[i] == 0.0 or (payload_on and self._auxiliaries[i] > 0.0)
            if in_order:
                self._ledger.mend("S4", subject)
                continue
            self._disordered = True
            grace_ns = round(self._limits.latch_up_s_max * NS_PER_S)
            if payload_on and now_ns - self._silicon_ns.get(i, LONG_AGO_NS) <= grace_ns:
                continue
            needed = f"accel{i}_aux" if payload_on else "payload_54v"
            self._ledger.violate("S4", now_ns, subject, 1.0, 0.0, "on", f"on while {needed} is off")

    def _check_changes(
        self, now_ns: int, modules: list[float], auxiliaries: list[float], payload: float
    ) -> None:
        if payload > 0.0 and self._payload == 0.0:
            self._rail_opened(now_ns, None, "payload_54v")
        elif payload == 0.0 and self._payload > 0.0:
            self._rail_closed(now_ns, "payload_54v")
        for i in range(self._count):
            if auxiliaries[i] > 0.0 and self._auxiliaries[i] == 0.0:
                self._rail_opened(now_ns, i, f"accel{i}_aux", is_start=modules[i] == 0.0)
            elif auxiliaries[i] == 0.0 and self._auxiliaries[i] > 0.0:
                self._rail_closed(now_ns, f"accel{i}_aux")
                self._check_flow(now_ns, f"accel{i}_aux")
            if modules[i] > 0.0 and self._modules[i] == 0.0:
                self._rail_opened(now_ns, i, f"accel{i}_54v")
            elif modules[i] == 0.0 and self._modules[i] > 0.0:
                self._check_stagger(now_ns, f"accel{i}_54v")
                self._rail_closed(now_ns, f"accel{i}_54v")

    def _rail_opened(
        self, now_ns: int, accelerator: int | None, rail: str, *, is_start: bool = False
    ) -> None:
        """Take an opened rail; accelerator None: the payload rail; is_start: its module was off."""
        self._opened_ns[rail] = now_ns
        truth = self._truth
        modes_keep = truth.mode in RAILS_ARE_UP and truth.previous_mode in RAILS_ARE_UP
        if not modes_keep or self._is_ordered(now_ns, accelerator):
            return
        self._opened_by_fault.add(rail)
        if not (is_start and self._a_pump_failed(now_ns)) and not self._has_cause(
            now_ns, accelerator
        ):
            text = "opened without cause"
            self._ledger.violate("S5", now_ns, rail, 0.0, 1.0, "on", text)

    def _is_ordered(self, now_ns: int, accelerator: int | None) -> bool:
        """Whether a command, or a budget too small for all, switched it off."""
        truth, limits = self._truth, self._limits
        if accelerator is None:
            return False
        if now_ns - truth.disabled_ns[accelerator] < limits.brief_cause_s * NS_PER_S:
            return True
        others_w = truth.plant.load_w - sum(truth.power_w.tolist())
        left_w = truth.budget.power_w - others_w - limits.shed_w - self._waiting_heat_w()
        return bool(left_w < limits.cap_w_min * self._count)

    def _waiting_heat_w(self) -> float:
        """What both heaters will take: their watts are held back before they are switched on."""
        is_cold = self._truth.radiator_temp_c.item() < self._limits.cold_radiator_temp_c
        is_waiting = is_cold and not self._truth.heater_on.all()
        return self._limits.heaters_w if is_waiting else 0.0

    def _check_flow(self, now_ns: int, rail: str) -> None:
        truth, limits = self._truth, self._limits
        if now_ns - self._flow_ns <= limits.flow_good_s * NS_PER_S:
            return
        if not any(fault.target.startswith("loop.") for fault in truth.active):
            flow, least = truth.flow_kg_per_s.item(), limits.flow_kg_per_s_min
            text = "switched on without coolant flow"
            self._ledger.violate("S4", now_ns, rail, flow, least, "kg/s", text)

    def _check_stagger(self, now_ns: int, rail: str) -> None:
        apart_s = (now_ns - self._module_closed_ns) / NS_PER_S
        self._module_closed_ns = now_ns
        least_s = self._limits.stagger_s_min
        if apart_s < least_s - 1e-6:
            text = "switched on too soon after another module"
            self._ledger.violate("S4", now_ns, rail, apart_s, least_s, "s", text)

    def _rail_closed(self, now_ns: int, rail: str) -> None:
        limits = self._limits
        opened_ns = self._opened_ns.get(rail)
        if opened_ns is None:
            return
        off_s = (now_ns - opened_ns) / NS_PER_S
        self._ledger.approach(
            "S4", off_s - limits.off_s_min, off_s, limits.off_s_min, "s", now_ns, rail
        )
        if off_s < limits.off_s_min - 1e-6:
            self._ledger.violate(
                "S4", now_ns, rail, off_s, limits.off_s_min, "s", "switched on again too soon"
            )
        if rail in self._opened_by_fault and off_s < limits.retry_gap_s:
            self._count_retry(now_ns, rail)
        self._opened_by_fault.discard(rail)

    def _count_retry(self, now_ns: int, rail: str) -> None:
        retries = self._retries.setdefault(rail, deque())
        retries.append(now_ns)
        while retries[0] < now_ns - self._limits.retry_window_s * NS_PER_S:
            retries.popleft()
        if len(retries) > self._limits.retries_max:
            self._ledger.violate(
                "S4",
                now_ns,
                rail,
                float(len(retries)),
                float(self._limits.retries_max),
                "retries",
                f"retried too often in {self._limits.retry_window_s:g} s",
            )

    def _has_cause(self, now_ns: int, accelerator: int | None) -> bool:
        truth, limits = self._truth, self._limits
        if any(_explains(f, accelerator) for f in self._faults(now_ns, limits.cause_s)):
            return True
        if accelerator is None:
            return False
        return (
            now_ns - (truth.beat_ns or 0) >= limits.orphaned_s * NS_PER_S
            or now_ns - self._no_flow_ns < limits.brief_cause_s * NS_PER_S
            or float(truth.core_temp_c[accelerator]) > limits.hot_core_temp_c
            or float(truth.memory_temp_c[accelerator]) > limits.hot_memory_temp_c
            or truth.charge_ratio.item() < limits.shed_rungs[0][0]
        )

    def _a_pump_failed(self, now_ns: int) -> bool:
        faults = self._faults(now_ns, self._limits.brief_cause_s)
        return any(fault.name == "pump_stop" for fault in faults)

    def _faults(self, now_ns: int, recent_s: float) -> list[PlannedFault]:
        """Return the faults that are there, and those that ended shortly before."""
        recent_ns = recent_s * NS_PER_S
        ended = [fault for ended_ns, fault in self._ended if now_ns - ended_ns < recent_ns]
        return self._truth.active + ended


@dataclass(slots=True)
class _Latch:
    """A latch-up whose rails are not open yet; the time runs from `start_ns`."""

    start_ns: int
    is_hidden: bool = False


class LatchUpCheck:
    """S5, by the supervisor: after a latch-up the module rail and the auxiliary rail are open in
    250 ms.

    Claimed for latch-ups above the current of a micro-latch, on a rail that is on. While something
    hides that rail from the supervisor the time does not run: a NACK of its bus part, a bus that
    is stuck or stretched, a sensor fault of its readings, a daemon stall up to the first heartbeat
    after it. It starts anew when that ends.
    """

    names = ("S5",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._latches: dict[int, _Latch] = {}
        self._aux_before = truth.aux_enabled.copy()  # as it was before the faults of this step
        self._heard_ns = LONG_AGO_NS  # end of the last NACK or sensor fault
        self._stall_ended_ns: int | None = None

    def check(self, now_ns: int) -> None:
        """Wait for both rails of each latched accelerator."""
        truth = self._truth
        self._aux_before[:] = truth.aux_enabled
        stall_ns = self._stall_ended_ns
        if stall_ns is not None and truth.beat_ns is not None and truth.beat_ns >= stall_ns:
            self._heard_ns, self._stall_ended_ns = max(self._heard_ns, truth.beat_ns), None
        if not self._latches:
            return
        for i, latch in tuple(self._latches.items()):
            is_closed = truth.module_enabled[i] > 0.0 or truth.aux_enabled[i] > 0.0
            if self._stall_ended_ns is not None or _is_hidden(truth, i):
                latch.is_hidden = True
                if not is_closed:
                    del self._latches[i]
                continue
            if latch.is_hidden:
                latch.is_hidden, latch.start_ns = False, max(latch.start_ns, self._heard_ns)
            self._judge(now_ns, i, latch.start_ns, is_closed=is_closed)

    def fault(self, edge: AppliedFault) -> None:
        """A latch-up starts the time, the end of what hides it starts it anew."""
        fault, i = edge.fault, accelerator_of(edge.fault.target)
        if not edge.is_start:
            if fault.name == "daemon_stall":
                self._stall_ended_ns = edge.time_ns
            elif fault.name in SILENCES_PART or fault.name.startswith("sensor_"):
                self._heard_ns = edge.time_ns
        elif fault.name == "latch_up" and i is not None and self._aux_before[i] > 0.0:
            latch_a = float(fault.parameters["current_a"])
            if latch_a >= self._limits.latch_current_a_min:
                self._latches[i] = _Latch(edge.time_ns)

    def _judge(self, now_ns: int, i: int, start_ns: int, *, is_closed: bool) -> None:
        took_s, limit_s = (now_ns - start_ns) / NS_PER_S, self._limits.latch_up_s_max
        is_late = now_ns > start_ns + round(limit_s * NS_PER_S)
        if is_closed and not is_late:
            return
        del self._latches[i]
        subject = f"accel{i}_aux"
        self._ledger.approach("S5", limit_s - took_s, took_s, limit_s, "s", now_ns, subject)
        if is_late:
            text = "latch-up and its rails are not open"
            self._ledger.violate("S5", now_ns, subject, took_s, limit_s, "s", text)
            self._ledger.mend("S5", subject)


def _explains(fault: PlannedFault, accelerator: int | None) -> bool:
    """Whether a fault is a reason to open a rail of this accelerator, or (None) the payload
    rail.
    """
    if fault.name == "sensor_spike":
        return False
    target = fault.target.removeprefix("rail.")
    struck = accelerator_of(target)
    if struck is None and target != "nvml":
        return target.startswith(CAUSES_FOR_ALL if accelerator is not None else CAUSES_FOR_PAYLOAD)
    if accelerator is None:  # a module switch that seems to have failed closed
        return target.startswith(f"accel{struck}_54v")
    return accelerator in accelerators_struck(fault.name, fault.target)


def _is_hidden(truth: Truth, accelerator: int) -> bool:
    for fault in truth.active:
        if fault.name == "daemon_stall":
            return True
        if fault.name in SILENCES_PART and accelerator in accelerators_struck(
            fault.name, fault.target
        ):
            return True
        if fault.name.startswith("sensor_") and fault.target.startswith(
            f"rail.accel{accelerator}_aux"
        ):
            return True
    return False
