"""The safety properties, checked at every step on plant truth and enforced set-points, never on
readings.

S1 to S3 are in sim_hw/property_ranges.py, the rails' S4 and S5 in sim_hw/property_rails.py, the
power's S6, S12 and S13 in sim_hw/property_power.py; their limits in sim_hw/property_limits.py, the
budget of S6 in sim_hw/property_budget.py. S14 is witnessed in sim_hw/step_witness.py.
"""

from collections.abc import Sequence
from typing import Any

from flight.core.types import Decision, Inputs
from sim_hw.fault_injector import AppliedFault
from sim_hw.plant_native import ACCELERATORS_MAX
from sim_hw.property_budget import BudgetBook, NodeBudget
from sim_hw.property_limits import PropertyLimits
from sim_hw.property_power import BudgetCheck, LossCheck, SilenceCheck
from sim_hw.property_rails import LatchUpCheck, RailCheck
from sim_hw.property_ranges import RangeCheck, ShedCheck
from sim_hw.property_truth import Check, Heartbeats, Ledger, Loads, Truth, truth_of_image
from sim_hw.timeline import NS_PER_S


class PropertyChecker:
    """Checks S1 to S6, S12 and S13 at every step. A cycle sink: hang `record` behind the cycle.

    `check` costs about 10 us.

    Args:
        image: The plant image (sim_hw/devices.py): truth and setpoint as arrays by field.
        plant: Tells the load of the whole node.
        node_image: Tells the heartbeat, whatever the daemon says about itself.
        budget: What the configuration allows the node.
        applied: The list that the fault injector appends to.
        accelerator_count: Those that the node has; the truths of others mean nothing.
    """

    def __init__(
        self,
        image: Any,
        *,
        plant: Loads,
        node_image: Heartbeats,
        budget: NodeBudget,
        applied: Sequence[AppliedFault],
        limits: PropertyLimits | None = None,
        accelerator_count: int = ACCELERATORS_MAX,
    ) -> None:
        limits = limits or PropertyLimits()
        self.ledger = Ledger()
        book = BudgetBook(budget, settle_ns=round(limits.budget_s * NS_PER_S))
        self.truth = truth = truth_of_image(image, plant, book)
        self._node_image = node_image
        self._heartbeat = 0
        self._applied = applied
        self._seen = 0
        self._cap_w: tuple[float, ...] = ()
        self._checks: tuple[Check, ...] = (
            RangeCheck(image, truth, limits, self.ledger, accelerator_count),
            *([ShedCheck(truth, limits, self.ledger)] if _has_battery(truth) else []),
            RailCheck(truth, limits, self.ledger),
            LatchUpCheck(truth, limits, self.ledger),
            BudgetCheck(truth, limits, self.ledger),
            SilenceCheck(truth, limits, self.ledger),
            LossCheck(truth, limits, self.ledger),
        )
        self._run = [check.check for check in self._checks]

    @property
    def names(self) -> tuple[str, ...]:
        """The properties checked, in order."""
        found = {name for check in self._checks for name in check.names}
        return tuple(sorted(found, key=lambda name: int(name[1:])))

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle: what was granted, the mode, accepted commands, the budget."""
        truth = self.truth
        truth.mode, truth.previous_mode = decision.mode, truth.mode
        if decision.cap_w is not self._cap_w:
            self._cap_w = decision.cap_w
            truth.granted_w[: len(decision.cap_w)] = decision.cap_w
        truth.budget.take(inputs, decision)
        if inputs.commands:
            self._take_commands(inputs, decision)

    def check(self, now_ns: int) -> None:
        """Check everything after one step of the world."""
        heartbeat = self._node_image.heartbeat
        if heartbeat != self._heartbeat:
            self._heartbeat = heartbeat
            self.truth.beat_ns, self.truth.beat_epoch = now_ns, heartbeat >> 32
        while self._seen < len(self._applied):
            self._take_edge(self._applied[self._seen])
            self._seen += 1
        for check in self._run:
            check(now_ns)

    def _take_commands(self, inputs: Inputs, decision: Decision) -> None:
        accepted = {ack.command_id for ack in decision.acks if ack.ok}
        disabled_ns = self.truth.disabled_ns
        for command in inputs.commands:
            if command.name != "disable_accelerator" or command.command_id not in accepted:
                continue
            subject = dict(command.arguments)["subject"]
            for i in range(len(disabled_ns)):
                if subject in ("all", f"accel{i}"):
                    disabled_ns[i] = inputs.now_ns

    def _take_edge(self, edge: AppliedFault) -> None:
        if edge.is_start:
            self.truth.active.append(edge.fault)
        elif edge.fault in self.truth.active:
            self.truth.active.remove(edge.fault)
        for check in self._checks:
            check.fault(edge)


def _has_battery(truth: Truth) -> bool:
    """A node that its spacecraft feeds has no charge: NaN."""
    charge_ratio: float = truth.charge_ratio.item()
    return charge_ratio == charge_ratio
