"""Comparing two decisions field by field: to the bit, or at the resolution of the wire."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from flight.core.types import Decision

CAP_RESOLUTION_W = 0.1  # docs/reference/recording.md: what a cap is worth outside the node

Picker = Callable[[Decision], Any]


class Differing(NamedTuple):
    """A field that came out differently. field: `desired.POINT`, `accelN.cap_w`, `mode`, ..."""

    field: str
    recorded: Any
    replayed: Any


class Comparison:
    """Compares decisions of one recording.

    Args:
        writables: Names of the writable points.
        is_exact: To the bit.
    """

    def __init__(self, writables: Sequence[str], *, is_exact: bool) -> None:
        self._writables = writables
        self._is_exact = is_exact

    def __call__(
        self, recorded: Decision, replayed: Decision, *, with_events: bool
    ) -> list[Differing]:
        """Return the fields that differ, those that name their cause best first."""
        found = [*self._grants(recorded, replayed), *self._desired(recorded, replayed)]
        names = ("mode", "events", "acks", "requests", "rearm", "notices")
        for name in names:
            if name == "events" and not with_events:
                continue
            pick = self.picker(name)
            if (one := pick(recorded)) != (other := pick(replayed)):
                found.append(Differing(name, one, other))
        return found

    def picker(self, field: str) -> Picker:
        """Return what takes the value of a field out of a decision."""
        if field.startswith("desired."):
            slot = self._writables.index(field.removeprefix("desired."))
            return lambda decision: float(decision.desired[slot])
        head, _, name = field.rpartition(".")
        if head:
            unit = int(head.removeprefix("accel"))
            if name == "cap_w":
                return lambda decision: _item(decision.cap_w, unit)
            return lambda decision: str(_item(decision.cap_reason, unit))
        if self._is_exact or name not in _COARSE:
            return attrgetter(name)
        return _COARSE[name]

    def _grants(self, recorded: Decision, replayed: Decision) -> Iterator[Differing]:
        for name in ("cap_w", "cap_reason"):
            ones, others = getattr(recorded, name), getattr(replayed, name)
            for unit in range(max(len(ones), len(others))):
                one, other = _item(ones, unit), _item(others, unit)
                if one != other and not (
                    name == "cap_w" and not self._is_exact and abs(one - other) <= CAP_RESOLUTION_W
                ):
                    yield Differing(f"accel{unit}.{name}", _plain(one), _plain(other))

    def _desired(self, recorded: Decision, replayed: Decision) -> Iterator[Differing]:
        ones, others = recorded.desired, replayed.desired
        if ones.tobytes() == others.tobytes():
            return
        if self._is_exact:
            same = ones.view(np.int64) == others.view(np.int64)
        else:
            one_32, other_32 = ones.astype(np.float32), others.astype(np.float32)
            same = (one_32 == other_32) | (np.isnan(ones) & np.isnan(others))
            same |= np.abs(ones - others) <= CAP_RESOLUTION_W * _is_cap(self._writables)
        for slot in np.flatnonzero(~same).tolist():
            yield Differing(
                f"desired.{self._writables[slot]}", float(ones[slot]), float(others[slot])
            )


def _is_cap(names: Sequence[str]) -> Any:
    return np.array([name.endswith(".cap_w") for name in names])


def _item(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else float("nan")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


_COARSE: dict[str, Picker] = {
    "events": lambda decision: tuple([(e.event_id, e.subject) for e in decision.events]),
    "acks": lambda decision: tuple([(a.command_id, a.ok) for a in decision.acks]),
    "notices": lambda decision: tuple([(n.scope, n.level) for n in decision.notices]),
}
