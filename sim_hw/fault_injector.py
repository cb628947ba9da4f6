"""Injects the faults of sim_hw/faults.py into the simulation at their instants, and undoes each at
its end. What each one does is in sim_hw/fault_effects.py.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sim_hw.fault_effects import EFFECTS, TICKS, CycleGate, FaultImage, FaultPlant, World
from sim_hw.faults import FAULTS
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.sensors import truth_of

TICK_NS = 100_000_000  # how often a fault that changes with time is looked at: a cycle


class AppliedFault(NamedTuple):
    """A fault that was injected or ended, at its exact instant."""

    time_ns: int
    fault: PlannedFault
    is_start: bool


class SimulationInjector:
    """Says which faults the simulation can inject: all, where the target has what the fault
    needs.
    """

    def can_inject(self, name: str, target: str) -> str | None:
        """Return None, or why not."""
        kind = FAULTS.get(name)
        if kind is None:
            return "the simulation knows no such fault"
        if kind.repeats_point and truth_of(target) is None:
            return f"{target} has no sensor of its own in the simulation"
        return None


class FaultInjector:
    """Applies and undoes a fault plan at exact instants.

    Two faults may strike the same thing at once: the later one counts, and when it ends the
    earlier one counts again. Deterministic: depends on nothing but the plan and, for a fault that
    a power-cycle ends, on the rails.

    Args:
        plan: In any order.
        function_number: Number of a function of the simulated library.
    """

    def __init__(
        self,
        plan: Sequence[PlannedFault],
        *,
        plant: FaultPlant,
        image: FaultImage,
        cycle_gate: CycleGate,
        function_number: Callable[[str], int],
    ) -> None:
        self._world = World(plant, image, cycle_gate, function_number)
        self.applied: list[AppliedFault] = []
        self._active: list[PlannedFault] = []
        self._ticked_ns: dict[str, int] = {}  # by fault id: it acted up to then
        edges = [AppliedFault(fault.start_ns, fault, is_start=True) for fault in plan]
        edges += [
            AppliedFault(fault.end_ns, fault, is_start=False)
            for fault in plan
            if fault.end_ns < FOREVER_NS
        ]
        self._edges = sorted(edges, key=lambda edge: (edge.time_ns, edge.is_start))
        self._next = 0

    @property
    def active(self) -> tuple[PlannedFault, ...]:
        """Faults in force now, in the order of their start."""
        return tuple(self._active)

    def next_time_ns(self) -> int:
        """Return the instant of the next change; FOREVER_NS when there is none."""
        edge_ns = self._edges[self._next].time_ns if self._next < len(self._edges) else FOREVER_NS
        return min(edge_ns, self._tick_ns())

    def apply_due(self, now_ns: int) -> None:
        """Apply and undo everything due at or before now_ns."""
        while self._next < len(self._edges) and self._edges[self._next].time_ns <= now_ns:
            edge = self._edges[self._next]
            self._next += 1
            if edge.is_start:
                self._start(edge)
            elif edge.fault in self._active:
                self._tick(edge.fault, edge.time_ns)
                self._end(edge)
        if self._tick_ns() <= now_ns:
            for fault in tuple(self._active):
                if fault.id in self._ticked_ns and self._tick(fault, now_ns):
                    self._end(AppliedFault(now_ns, fault, is_start=False))

    def _tick_ns(self) -> int:
        """The next multiple of TICK_NS, so that it falls on a step of the plant."""
        if not self._ticked_ns:
            return FOREVER_NS
        return (min(self._ticked_ns.values()) // TICK_NS + 1) * TICK_NS

    def _tick(self, fault: PlannedFault, now_ns: int) -> bool:
        if fault.id not in self._ticked_ns:
            return False
        from_ns, self._ticked_ns[fault.id] = self._ticked_ns[fault.id], now_ns
        return TICKS[fault.name](self._world, fault, from_ns, now_ns)

    def _start(self, edge: AppliedFault) -> None:
        self.applied.append(edge)
        self._active.append(edge.fault)
        if edge.fault.name in TICKS:
            self._ticked_ns[edge.fault.id] = edge.time_ns
        EFFECTS[edge.fault.name](self._world, edge.fault, True)

    def _end(self, edge: AppliedFault) -> None:
        fault = edge.fault
        self.applied.append(edge)
        self._active.remove(fault)
        self._ticked_ns.pop(fault.id, None)
        EFFECTS[fault.name](self._world, fault, False)
        for other in self._active:
            if _place(other) == _place(fault) and not FAULTS[other.name].is_instant:
                EFFECTS[other.name](self._world, other, True)


def _place(fault: PlannedFault) -> tuple[str, str]:
    """What a fault changes: two faults with the same place exclude each other."""
    kind = FAULTS[fault.name]
    return ("sensor" if kind.repeats_point else kind.place or kind.name, fault.target)
