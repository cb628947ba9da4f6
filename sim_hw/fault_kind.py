"""What a kind of fault is, as data; the kinds are in sim_hw/faults*.py."""

import math
from dataclasses import dataclass

Value = float | bool | str  # of a parameter

ACCELERATORS = "accel[0-7]"
HOST_RAILS = ("host_12v", "host_5v", "host_3v3", "host_1v8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a fault.

    Args:
        low, high: Range of a number, both ends allowed.
        default: None when the parameter must be given; NaN or an empty text for «as the fault says
            without it».
        is_flag: It is true or false instead of a number.
        choices: It is one of these texts instead of a number.
    """

    name: str
    unit: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    default: Value | None = None
    is_flag: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Args:
        targets: Shell patterns of what it can strike.
        example: One target, for messages and documents.
        level: Where it happens, for a reader: the part and the quantity.
        is_loud: The part itself reports it; a silent fault must be noticed by its effect.
        place: Two faults of one place on one target exclude each other; the name without it.
        repeats_point: The target is the name of a point that has a sensor.
    """

    name: str
    meaning: str
    targets: tuple[str, ...]
    example: str
    level: str
    is_loud: bool
    parameters: tuple[Parameter, ...] = ()
    repeats_point: bool = False
    place: str = ""

    @property
    def is_instant(self) -> bool:
        """It happens once and has no end of its own to wait for."""
        return self.parameter("duration_s") is None

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((p for p in self.parameters if p.name == name), None)


FOREVER = Parameter(
    name="duration_s",
    unit="s",
    meaning="how long it lasts; without it, until the end of the run",
    low=0.001,
    high=864_000.0,
    default=math.inf,
)
"""Of a fault that ends by itself."""
