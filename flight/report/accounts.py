"""What went where, in joules, as telemetry told it, and what the caps withheld.

Sums over cycles: a sample counts until the next one. A gap longer than a second, as when the
daemon was away, counts as a second.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Self

import numpy as np

from flight.core.arbiter import CapReason
from flight.core.types import Float64s, Int64s
from flight.report.buckets import NS_PER_S

GAP_S_MAX = 1.0
BINDING_RATIO = 0.95  # an accelerator that draws so much of its cap is held back by it; assumed
CODES = 256


class AccountChannels(NamedTuple):
    """Places of channels in a row of values; empty where there are none."""

    accelerators: tuple[int, ...]
    array: tuple[int, ...]
    payload: tuple[int, ...]
    battery: tuple[int, ...]  # voltage, current
    pumps: tuple[int, ...]  # currents
    bus28: tuple[int, ...]
    heaters: tuple[int, ...]

    @classmethod
    def of(cls, known: Sequence[str]) -> Self:
        """Return the places in the channels of a recording."""

        def places(*patterns: str) -> tuple[int, ...]:
            return tuple(
                i for p in patterns for i, name in enumerate(known) if fnmatchcase(name, p)
            )

        return cls(
            accelerators=places("accel*.power_w"),
            array=places("eps.array_power_w"),
            payload=places("rail.payload_54v.power_w"),
            battery=places("eps.battery.voltage_v", "eps.battery.current_a"),
            pumps=places("loop.pump_?.current_a"),
            bus28=places("eps.bus28.voltage_v"),
            heaters=places("loop.heater_?.enable"),
        )


class Withheld(NamedTuple):
    """What one reason took from one accelerator. joules: highest cap less the cap, over time;
    bound_joules: of it while the accelerator drew all it was given; held_s: how long.
    """

    accelerator: int
    reason: str
    joules: float
    bound_joules: float
    held_s: float


class Accounts:
    """Energies of a flight. All in J.

    Attributes:
        accelerator_j, array_j, payload_j, pumps_j, heaters_j: As read.
        charged_j, discharged_j: Into and out of the battery's terminals, both positive.
    """

    def __init__(
        self, channels: AccountChannels, config: Mapping[str, Any], accelerators: int
    ) -> None:
        self.accelerator_j = self.array_j = self.payload_j = self.pumps_j = self.heaters_j = 0.0
        self.charged_j = self.discharged_j = 0.0
        self._channels = channels
        self._count = accelerators
        self.cap_w_max = float(config.get("arbiter", {}).get("cap_w_max", 0.0))
        loop = config.get("loop", {})
        self._heaters_w = [float(loop.get(f"heater_{name}_w", 0.0)) for name in "ab"]
        self._last_ns: int | None = None
        size = accelerators * CODES
        self._joules, self._bound, self._held = np.zeros(size), np.zeros(size), np.zeros(size)
        self._names: dict[int, str] = {}

    @property
    def knows_supply(self) -> bool:
        """Whether the node measures what comes in: array or battery are its own."""
        return bool(self._channels.array) or len(self._channels.battery) == 2

    @property
    def knows_payload(self) -> bool:
        """Whether the rail of the accelerators is measured."""
        return bool(self._channels.payload)

    def add(self, times_ns: Int64s, values: Float64s, caps: Float64s, codes: Any) -> None:
        """Take some cycles; values that failed to be read are those before."""
        first = times_ns[0] if self._last_ns is None else self._last_ns
        spans_s = np.minimum(np.diff(times_ns, prepend=first) / NS_PER_S, GAP_S_MAX)
        self._last_ns = int(times_ns[-1])
        values = np.nan_to_num(values)
        self._add_energies(spans_s, values)
        self._add_withheld(spans_s, values, caps, codes)

    def name_reasons(self, names: dict[int, str]) -> None:
        """Give the words behind the codes."""
        self._names = names

    def withheld(self) -> list[Withheld]:
        """Return what each reason took from each accelerator, the most first."""
        found = []
        for place in np.flatnonzero(self._joules > 0.0).tolist():
            accelerator, code = divmod(place, CODES)
            reason = self._names.get(code, "?")
            if reason == CapReason.MAXIMUM:
                continue
            found.append(
                Withheld(
                    accelerator, reason, float(self._joules[place]),
                    float(self._bound[place]), float(self._held[place]),
                )
            )  # fmt: skip
        return sorted(found, key=lambda item: (-item.joules, item.accelerator))

    def _add_energies(self, spans_s: Float64s, values: Float64s) -> None:
        channels = self._channels

        def joules(columns: Sequence[int]) -> float:
            return float((values[:, columns].sum(axis=1) * spans_s).sum())

        self.accelerator_j += joules(channels.accelerators)
        self.array_j += joules(channels.array)
        self.payload_j += joules(channels.payload)
        for heater_w, column in zip(self._heaters_w, channels.heaters, strict=False):
            self.heaters_j += heater_w * joules([column])
        if len(channels.battery) == 2:
            power_w = values[:, channels.battery[0]] * values[:, channels.battery[1]]
            self.charged_j += float((np.maximum(power_w, 0.0) * spans_s).sum())
            self.discharged_j += float((np.maximum(-power_w, 0.0) * spans_s).sum())
        if len(channels.bus28) == 1:
            amperes = values[:, channels.pumps].sum(axis=1)
            self.pumps_j += float((amperes * values[:, channels.bus28[0]] * spans_s).sum())

    def _add_withheld(
        self, spans_s: Float64s, values: Float64s, caps: Float64s, codes: Any
    ) -> None:
        columns = self._channels.accelerators
        if len(columns) != self._count or caps.shape[1] != self._count:
            return
        missing_j = np.maximum(self.cap_w_max - caps, 0.0) * spans_s[:, None]
        is_bound = values[:, columns] >= BINDING_RATIO * caps
        place = (codes.astype(np.int64) + CODES * np.arange(self._count)).ravel()
        size = len(self._joules)
        self._joules += np.bincount(place, missing_j.ravel(), size)
        self._bound += np.bincount(place, (missing_j * is_bound).ravel(), size)
        self._held += np.bincount(place, np.repeat(spans_s, self._count), size)
