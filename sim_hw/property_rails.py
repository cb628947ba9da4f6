"""S4 and S5: rails in order, off long enough, retried a bounded number of times; latch-ups opened
in time.
"""

from collections import deque

from flight.core.types import Mode
from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import accelerator_of
from sim_hw.property_limits import PropertyLimits
from sim_hw.property_truth import Ledger, Truth
from sim_hw.scenario_times import PlannedFault
from sim_hw.timeline import NS_PER_S

ACCELERATORS_PER_BUS = 4  # REF-1: one auxiliary part serves four rails
RAILS_ARE_UP = (Mode.NOMINAL, Mode.DEGRADED)


class RailCheck:
    """S4: no module rail is on while its auxiliary rail or the payload rail is off; off-times and
    the stagger between two switch-ons are kept; at most 3 retries in 10 min.
    S5, second half: in NOMINAL and DEGRADED no rail opens without cause.

    A cause is a command, a real fault (never a single-sample spike) of that accelerator, of its
    bus part or of the loop, a hot core or memory, lost flow, or a charge low enough to shed. A
    retry is a rail that closes within 2 min of an opening in those modes. After a latch-up the
    silicon of the auxiliary rail may trip first; the module rail then has the 250 ms of S5.
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
        self._opened_ns: dict[str, int] = {}
        self._opened_by_fault: set[str] = set()
        self._retries: dict[str, deque[int]] = {}
        self._module_closed_ns = -(2**62)
        self._latch_ns: dict[int, int] = {}
        self._ended: deque[tuple[int, PlannedFault]] = deque(maxlen=64)
        self._no_flow_ns = -(2**62)
        self._disordered = False

    def check(self, now_ns: int) -> None:
        """Look closer only when a switch moved or the order is broken."""
        truth = self._truth
        if truth.flow_kg_per_s.item() < self._limits.flow_kg_per_s_min:
            self._no_flow_ns = now_ns
        modules = truth.module_enabled.tobytes()
        auxiliaries = truth.aux_enabled.tobytes()
        state = modules + auxiliaries + truth.payload_enabled.tobytes()
        if state == self._state and not self._disordered:
            return
        is_first = not self._state
        self._state = state
        before = (self._modules, self._auxiliaries)
        self._modules, self._auxiliaries = truth.module_enabled.tolist(), truth.aux_enabled.tolist()
        if not is_first:
            self._check_changes(now_ns, *before)
        self._check_order(now_ns)

    def fault(self, edge: AppliedFault) -> None:
        """Remember latch-ups, and what a fault may still explain after its end."""
        accelerator = accelerator_of(edge.fault.target)
        if edge.fault.name == "latch_up" and edge.is_start and accelerator is not None:
            self._latch_ns[accelerator] = edge.time_ns
        if not edge.is_start:
            self._ended.append((edge.time_ns, edge.fault))

    def _check_order(self, now_ns: int) -> None:
        payload_on = self._truth.payload_enabled.item() > 0.0
        self._disordered = False
        for i in range(self._count):
            subject = f"accel{i}_54v"
            in_order = self._modules[i] == 0.0 or (payload_on and self._auxiliaries[i] > 0.0)
            if in_order:
                self._ledger.mend("S4", subject)
                continue
            self._disordered = True
            grace_ns = round(self._limits.latch_up_s_max * NS_PER_S)
            if payload_on and now_ns - self._latch_ns.get(i, -(2**62)) <= grace_ns:
                continue
            needed = f"accel{i}_aux" if payload_on else "payload_54v"
            self._ledger.violate("S4", now_ns, subject, 1.0, 0.0, "on", f"on while {needed} is off")

    def _check_changes(self, now_ns: int, modules: list[float], auxiliaries: list[float]) -> None:
        for i in range(self._count):
            for rail, was, now in (
                (f"accel{i}_aux", auxiliaries[i], self._auxiliaries[i]),
                (f"accel{i}_54v", modules[i], self._modules[i]),
            ):
                if was > 0.0 and now == 0.0:
                    self._rail_opened(now_ns, i, rail)
                elif was == 0.0 and now > 0.0:
                    self._rail_closed(now_ns, rail)

    def _rail_opened(self, now_ns: int, accelerator: int, rail: str) -> None:
        self._opened_ns[rail] = now_ns
        truth = self._truth
        modes_keep = truth.mode in RAILS_ARE_UP and truth.previous_mode in RAILS_ARE_UP
        command_is_fresh = now_ns - truth.command_ns < self._limits.cause_s * NS_PER_S
        if not modes_keep or command_is_fresh:
            return
        self._opened_by_fault.add(rail)
        if not self._has_cause(now_ns, accelerator):
            text = "opened without cause"
            self._ledger.violate("S5", now_ns, rail, 0.0, 1.0, "on", text)

    def _rail_closed(self, now_ns: int, rail: str) -> None:
        limits = self._limits
        if rail.endswith("_54v"):
            apart_s = (now_ns - self._module_closed_ns) / NS_PER_S
            self._module_closed_ns = now_ns
            if apart_s < limits.stagger_s_min - 1e-6:
                text = "switched on too soon after another module"
                self._ledger.violate("S4", now_ns, rail, apart_s, limits.stagger_s_min, "s", text)
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

    def _has_cause(self, now_ns: int, accelerator: int) -> bool:
        truth, limits = self._truth, self._limits
        cause_ns = limits.cause_s * NS_PER_S
        recent = [fault for ended_ns, fault in self._ended if now_ns - ended_ns < cause_ns]
        return (
            any(_explains(fault, accelerator) for fault in (*truth.active, *recent))
            or now_ns - self._no_flow_ns < cause_ns
            or float(truth.core_temp_c[accelerator]) > limits.hot_core_temp_c
            or float(truth.memory_temp_c[accelerator]) > limits.hot_memory_temp_c
            or truth.charge_ratio.item() < limits.shed_rungs[0][0]
        )


class LatchUpCheck:
    """S5, by the supervisor: after a latch-up the module rail and the auxiliary rail are open in
    250 ms.

    Claimed for latch-ups above the current of a micro-latch, on a rail that is on, while nothing
    hides that rail from the supervisor: not during a daemon stall, a NACK of its bus part or a
    sensor fault of its readings.
    """

    names = ("S5",)

    def __init__(self, truth: Truth, limits: PropertyLimits, ledger: Ledger) -> None:
        self._truth = truth
        self._limits = limits
        self._ledger = ledger
        self._open_by_ns: dict[int, tuple[int, int]] = {}
        self._aux_before = truth.aux_enabled.copy()  # as it was before the faults of this step

    def check(self, now_ns: int) -> None:
        """Wait for both rails of each latched accelerator."""
        self._aux_before[:] = self._truth.aux_enabled
        if not self._open_by_ns:
            return
        for i, (start_ns, due_ns) in tuple(self._open_by_ns.items()):
            truth, subject = self._truth, f"accel{i}_aux"
            is_closed = truth.module_enabled[i] > 0.0 or truth.aux_enabled[i] > 0.0
            if is_closed and now_ns <= due_ns and not _is_hidden(truth, i):
                continue
            del self._open_by_ns[i]
            if _is_hidden(truth, i):
                continue
            took_s, limit_s = (now_ns - start_ns) / NS_PER_S, self._limits.latch_up_s_max
            self._ledger.approach("S5", limit_s - took_s, took_s, limit_s, "s", now_ns, subject)
            if is_closed or now_ns > due_ns:
                text = "latch-up and its rails are not open"
                self._ledger.violate("S5", now_ns, subject, took_s, limit_s, "s", text)
                self._ledger.mend("S5", subject)

    def fault(self, edge: AppliedFault) -> None:
        """A latch-up starts the time."""
        fault, i = edge.fault, accelerator_of(edge.fault.target)
        if fault.name != "latch_up" or i is None or not edge.is_start:
            return
        is_claimed = float(fault.parameters["current_a"]) >= self._limits.latch_current_a_min
        if is_claimed and self._aux_before[i] > 0.0:
            due_ns = edge.time_ns + round(self._limits.latch_up_s_max * NS_PER_S)
            self._open_by_ns[i] = (edge.time_ns, due_ns)


def _explains(fault: PlannedFault, accelerator: int) -> bool:
    """Whether a fault is a reason to open a rail of this accelerator."""
    if fault.name in ("sensor_spike", "string_loss", "daemon_stall"):
        return False
    struck = accelerator_of(fault.target)
    if struck is None:
        return True
    if fault.name == "i2c_nack" and fault.target.endswith("_aux"):
        return struck // ACCELERATORS_PER_BUS == accelerator // ACCELERATORS_PER_BUS
    return struck == accelerator


def _is_hidden(truth: Truth, accelerator: int) -> bool:
    for fault in truth.active:
        if fault.name == "daemon_stall":
            return True
        if fault.name == "i2c_nack" and _explains(fault, accelerator):
            return True
        if fault.name.startswith("sensor_") and fault.target.startswith(
            f"rail.accel{accelerator}_aux"
        ):
            return True
    return False
