"""What a check case is: a figure known from elsewhere, and how the plant is asked for the same."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCase:
    """One figure.

    Args:
        number: Of the case, with a letter where a case has several figures.
        what: The relation and its inputs.
        source: Where the expected figure comes from.
        expected, tolerance: In `unit`; the tolerance is part of the case.
        ours: Asks the simulation; the same figure each time.
        digits: After the decimal point, on the page.
    """

    number: str
    what: str
    source: str
    unit: str
    expected: float
    tolerance: float
    ours: Callable[[], float]
    digits: int = 2

    @property
    def name(self) -> str:
        """Unique among all cases."""
        return f"case {self.number}: {self.what}"

    def holds(self, ours: float) -> bool:
        """Tell whether a figure lies inside the tolerance; NaN never does."""
        return abs(ours - self.expected) <= self.tolerance
