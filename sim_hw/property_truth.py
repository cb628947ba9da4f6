"""What the checks of the safety properties share: views of plant truth, and the ledger of what
they found.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from flight.core.types import Float64s, Mode
from sim_hw.fault_injector import AppliedFault
from sim_hw.property_budget import BudgetBook
from sim_hw.scenario_times import PlannedFault
from sim_hw.timeline import NS_PER_S

VIOLATIONS_MAX = 200  # kept; more are counted
LONG_AGO_NS = -(2**62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A property that did not hold: when, of what, which value against which limit."""

    property: str
    time_s: float
    subject: str
    value: float
    limit: float
    unit: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """How close a property came to its limit, and when."""

    value: float
    limit: float
    unit: str
    time_s: float
    subject: str


class Loads(Protocol):
    """What the checks need of the plant besides its image."""

    @property
    def load_w(self) -> float:
        """Accelerators, host, pumps and heaters together, in W."""


class Heartbeats(Protocol):
    """What the checks need of the node image."""

    @property
    def heartbeat(self) -> int:
        """The heartbeat word: epoch << 32 | counter; 0 before the first beat."""


@dataclass(slots=True)
class Truth:
    """Views into the plant image and what the daemon last did; shared by all checks.

    plant: tells the load of the whole node. granted_w: what the arbiter granted in its last
    decision, per accelerator. beat_ns: the last step in which the heartbeat word had changed, None
    before the first; beat_epoch: the epoch in it. disabled_ns: when each accelerator was disabled
    by command, long ago for never.
    """

    core_temp_c: Float64s
    memory_temp_c: Float64s
    power_w: Float64s
    alive: Float64s
    flow_kg_per_s: Float64s
    radiator_temp_c: Float64s
    heater_on: Float64s
    charge_ratio: Float64s
    cap_w: Float64s
    module_enabled: Float64s
    aux_enabled: Float64s
    payload_enabled: Float64s
    clock_max_mhz: Float64s
    pump_target_rpm: Float64s
    granted_w: Float64s
    plant: Loads
    budget: BudgetBook
    disabled_ns: list[int]
    mode: Mode = Mode.BOOT
    previous_mode: Mode = Mode.BOOT
    beat_ns: int | None = None
    beat_epoch: int = 0
    active: list[PlannedFault] = field(default_factory=list)


class Ledger:
    """Violations and closest approaches of all properties."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.violation_count = 0
        self.broken: set[str] = set()
        self._margins: dict[str, float] = {}
        self._nearest: dict[str, tuple[float, float, str, int, str]] = {}
        self._reported: set[tuple[str, str]] = set()

    @property
    def closest(self) -> dict[str, Approach]:
        """The closest approach of each property that came near its limit."""
        return {
            name: Approach(
                value=value, limit=limit, unit=unit, time_s=now_ns / NS_PER_S, subject=subject
            )
            for name, (value, limit, unit, now_ns, subject) in self._nearest.items()
        }

    def approach(
        self,
        name: str,
        margin: float,
        value: float,
        limit: float,
        unit: str,
        now_ns: int,
        subject: str,
    ) -> None:
        """Keep the closest approach of a property; `margin` is negative past the limit."""
        if margin < self._margins.get(name, np.inf):
            self._margins[name] = margin
            self._nearest[name] = (value, limit, unit, now_ns, subject)

    def violate(
        self, name: str, now_ns: int, subject: str, value: float, limit: float, unit: str, text: str
    ) -> None:
        """Note a violation; the same one of the same subject is reported once until it is
        `mended`.
        """
        self.broken.add(name)
        if (name, subject) in self._reported:
            return
        self._reported.add((name, subject))
        self.violation_count += 1
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(
                Violation(
                    property=name,
                    time_s=now_ns / NS_PER_S,
                    subject=subject,
                    value=value,
                    limit=limit,
                    unit=unit,
                    text=text,
                )
            )

    def mend(self, name: str, subject: str) -> None:
        """Say that a violation is over, so that the next one counts anew."""
        self._reported.discard((name, subject))


class Check(Protocol):
    """One or more properties that are checked together."""

    @property
    def names(self) -> tuple[str, ...]:
        """The properties."""

    def check(self, now_ns: int) -> None:
        """Compare truth with the limits; everything before the first call is the past."""

    def fault(self, edge: AppliedFault) -> None:
        """A fault was injected or ended since the last check."""


def truth_of_image(image: Any, plant: Loads, budget: BudgetBook) -> Truth:
    """Return the views that the checks read."""
    truth, setpoint = image.truth, image.setpoint
    count = len(truth.accel_power_w)
    return Truth(
        core_temp_c=truth.accel_core_temp_c,
        memory_temp_c=truth.accel_memory_temp_c,
        power_w=truth.accel_power_w,
        alive=truth.accel_alive,
        flow_kg_per_s=truth.flow_kg_per_s,
        radiator_temp_c=truth.radiator_out_temp_c,
        heater_on=setpoint.loop_heater_on,
        charge_ratio=truth.charge_ratio,
        cap_w=setpoint.accel_cap_w,
        module_enabled=setpoint.module_enabled,
        aux_enabled=setpoint.aux_enabled,
        payload_enabled=setpoint.payload_enabled,
        clock_max_mhz=setpoint.accel_clock_max_mhz,
        pump_target_rpm=setpoint.pump_speed_target_rpm,
        granted_w=np.zeros(count),
        plant=plant,
        budget=budget,
        disabled_ns=[LONG_AGO_NS] * count,
    )
