"""Flights with one fault that tell what an operator sees: events, rails, readings."""

from collections.abc import Callable
from typing import Any, Self

from flight.core.types import Decision, Event, Inputs, Mode
from hal import Cause, Evidence
from sim_hw.flight import Flight
from tests.system.flying import FULL_LOAD, scenario, setup_of

LOADED_S = 100  # jobs run since 68 s, and every ramp is at its end
WARM = {"orbit_phase": 0.5, "temp_c": 30.0, "mode": "NOMINAL"}


def fault(name: str, target: str, at_s: float = LOADED_S, **parameters: Any) -> dict[str, Any]:
    return {
        "id": f"{name}_{target.replace('.', '_')}",
        "at": f"{at_s * 1000:.0f} ms",
        "name": name,
        "target": target,
        "parameters": parameters,
    }


class Watched:
    """A loaded node with faults, flown step by step; keeps events and how far rails moved."""

    def __init__(self, *faults: dict[str, Any], duration_s: float, **tables: Any) -> None:
        data = scenario(start=WARM, action=[FULL_LOAD], fault=list(faults)) | tables
        self.events: list[Event] = []
        self.inputs: Inputs | None = None
        self.flight = Flight(setup_of(data, duration_s=duration_s), sinks=(self,))
        self.image = self.flight.node.image
        self.moved: set[str] = set()  # rails that opened or closed since the first of the faults
        self._rails: list[float] = []
        self._first_ns = min(planned.start_ns for planned in self.flight.setup.plan.faults)

    def record(self, inputs: Inputs, decision: Decision) -> None:
        self.inputs = inputs
        self.events += decision.events

    def fly_to(self, time_s: float, each: Callable[["Watched"], None] | None = None) -> None:
        """Fly on, and let no property be violated on the way."""
        node = self.flight.node
        while node.now_ns < round(time_s * 1e9):
            self.flight.fly(0.1)
            self._watch_rails()
            if each is not None:
                each(self)
        violations = self.flight.properties.ledger.violations
        assert not violations, violations[0]
        assert node.witness.differed == 0

    def _watch_rails(self) -> None:
        setpoint = self.image.setpoint
        rails = [*setpoint.module_enabled, *setpoint.aux_enabled, *setpoint.payload_enabled]
        if self.flight.node.now_ns > self._first_ns:
            names = [*(f"accel{i}_54v" for i in range(8)), *(f"accel{i}_aux" for i in range(8))]
            pairs = zip([*names, "payload_54v"], rails, self._rails, strict=True)
            self.moved |= {name for name, now, before in pairs if now != before}
        self._rails = rails

    def reading(self, point: str) -> float:
        """Return what the driver last sampled."""
        assert self.inputs is not None
        return float(self.inputs.snapshot.values[self.flight.node.table.index[point]])

    def told(self, event_id: str) -> list[str]:
        """Return the subjects of all events of an id, in order."""
        return [event.subject for event in self.events if event.event_id == event_id]

    def times_s(self, event_id: str) -> list[float]:
        return [event.time_ns / 1e9 for event in self.events if event.event_id == event_id]

    @property
    def mode(self) -> Mode:
        decision = self.flight.node.cycle.last_decision
        assert decision is not None
        return decision.mode

    def alarms(self, driver: str) -> list[Evidence]:
        """Return the evidence of what the driver's device complained of."""
        records = self.flight.node.node_image.evidence(driver)
        return [record for record in records if record.cause is Cause.DEVICE_FAULT]

    def power_w(self, accelerator: int) -> float:
        return float(self.image.truth.accel_power_w[accelerator])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.flight.close()
