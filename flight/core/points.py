"""Points: the named scalars of a node, and the table that gives each its index."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import inf, nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """What may be written to a point. `safe` is applied by the driver when the lease lapses.

    Args:
        low, high: Immutable limits, checked in the driver before each write.
        safe: Applied when the lease lapses; NaN: what is applied stays.
        lease_s: Lease length counted by the driver, 0 for none.
        ramp_per_s: Slope from the safe value after a lapse, 0 for a step.
        tolerance: A read-back within it counts as equal.
        repairs_down: The driver repairs only a read-back above the desired value: a switch that
            opened by itself is closed by whoever decides it, after its off-time.
        abandon_s: After so long without a daemon the driver applies `abandon_value`; 0: never.
    """

    low: float
    high: float
    safe: float = nan
    lease_s: float = 0.0
    ramp_per_s: float = 0.0
    tolerance: float = 0.0
    repairs_down: bool = False
    abandon_s: float = 0.0
    abandon_value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A named scalar on one device of one driver.

    Args:
        low, high: Range in which a reading can be true; outside it is invalid.
        period_s: Poll period.
        age_s_max: A sample older than this is stale.
        rate_max_per_s: A step faster than this is suspect for one sample; inf for no check.
        stuck_after_s: Unchanged for this long while `stuck_reference` moved by more than
            `stuck_reference_delta`: suspect. 0 for no check.
        stuck_lag_s: First-order lag with which the reference acts on the value; 0: at once.
    """

    name: str
    unit: str
    driver: str
    device: str
    channel: int
    low: float
    high: float
    period_s: float = 0.1
    age_s_max: float = 0.5
    rate_max_per_s: float = inf
    stuck_after_s: float = 0.0
    stuck_reference: str = ""
    stuck_reference_delta: float = inf
    stuck_lag_s: float = 0.0
    writable: Writable | None = None


@dataclass(frozen=True)
class PointTable:
    """All points of a node in image order: points of one driver are contiguous."""

    points: tuple[Point, ...]
    index: dict[str, int] = field(init=False, repr=False, compare=False)
    writable_indices: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {point.name: i for i, point in enumerate(self.points)}
        if len(index) != len(self.points):
            raise ValueError("two points have the same name")
        object.__setattr__(self, "index", index)
        writable = tuple(i for i, point in enumerate(self.points) if point.writable)
        object.__setattr__(self, "writable_indices", writable)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def match(self, pattern: str) -> tuple[int, ...]:
        """Return the indices of all points whose name matches a shell pattern, in table order."""
        return tuple(i for i, p in enumerate(self.points) if fnmatchcase(p.name, pattern))
