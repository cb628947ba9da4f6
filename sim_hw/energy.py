"""Whether the energy of a flight closes: what came in went out or is still held.

A flight whose energy does not close proves nothing about the node, since the world it was flown in
made or lost some.
"""

from dataclasses import dataclass
from typing import Self

from sim_hw.plant import EnergyLedger

ERROR_RATIO_MAX = 1e-3  # of the throughput: check case 27


class EnergyError(AssertionError):
    """The energy of a flight does not close: a bug of the plant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyVerdict:
    """How far both sides of the ledger are from closing, over their throughput."""

    electrical_error_ratio: float
    thermal_error_ratio: float

    @classmethod
    def of(cls, ledger: EnergyLedger) -> Self:
        """Return the verdict on a ledger as it is now."""
        return cls(
            electrical_error_ratio=ledger.electrical_error_ratio,
            thermal_error_ratio=ledger.thermal_error_ratio,
        )

    @property
    def ok(self) -> bool:
        """Whether both sides close; what is no number does not."""
        return (
            self.electrical_error_ratio <= ERROR_RATIO_MAX
            and self.thermal_error_ratio <= ERROR_RATIO_MAX
        )

    @property
    def text(self) -> str:
        """The verdict in words."""
        return energy_text(self.electrical_error_ratio, self.thermal_error_ratio)


def energy_text(electrical_error_ratio: float | None, thermal_error_ratio: float | None) -> str:
    """Return how far the two sides are apart, in words; None: what was no number."""
    sides = (("electrical", electrical_error_ratio), ("heat", thermal_error_ratio))
    told = ", ".join(
        f"{name} {'no number' if ratio is None else f'{100.0 * ratio:.3f} %'}"
        for name, ratio in sides
    )
    return f"energy does not close: {told} apart (at most {100.0 * ERROR_RATIO_MAX:g} %)"
