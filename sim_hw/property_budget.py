"""The power budget in force, as S6 knows it: by configuration, command or the spacecraft's grant.

It is kept apart from the daemon: a daemon that forgets its budget must not take the check along.
"""

from typing import NamedTuple

from flight.core.types import Decision, Inputs


class NodeBudget(NamedTuple):
    """What the configuration allows the whole node, in W; fallback_w: once a grant has ended.

    is_allotted: it lives on grants from the start: before the first one, too, it has the fallback.
    """

    power_w_max: float
    fallback_w: float
    is_allotted: bool = False


class BudgetBook:
    """Follows every change of the budget of the whole node.

    Attributes:
        power_w: What the node may draw from now on.

    A grant ends when a cycle sees that it has: a daemon that hangs cannot know.
    """

    def __init__(self, node: NodeBudget, *, settle_ns: int) -> None:
        self.power_w = node.power_w_max
        self._node = node
        self._operator_w = node.power_w_max
        self._settle_ns = settle_ns
        self._is_granted = node.is_allotted
        self._before: list[tuple[int, float]] = []  # until when, how much

    def take(self, inputs: Inputs, decision: Decision) -> None:
        """Look for a change in one cycle: an accepted `node_budget`, a grant, its end."""
        if not inputs.commands and inputs.allotment is None and not self._is_granted:
            return
        accepted = {ack.command_id for ack in decision.acks if ack.ok}
        for command in inputs.commands:
            if command.name == "node_budget" and command.command_id in accepted:
                self._operator_w = float(dict(command.arguments)["power_w"])
        power_w = min(self._operator_w, self._node.power_w_max)
        grant = inputs.allotment
        self._is_granted = self._is_granted or grant is not None
        if self._is_granted:
            granted_w = self._node.fallback_w
            if grant is not None and inputs.now_ns < grant.valid_until_ns:
                granted_w = min(grant.power_w, grant.heat_w)
            power_w = min(power_w, granted_w)
        if power_w != self.power_w:
            self._before.append((inputs.now_ns + self._settle_ns, self.power_w))
            self.power_w = power_w

    def due_w(self, now_ns: int) -> float:
        """Return what the node may draw now: the largest budget of the last second."""
        if not self._before:
            return self.power_w
        self._before = [entry for entry in self._before if now_ns < entry[0]]
        return max(self.power_w, *(power_w for _, power_w in self._before), 0.0)
