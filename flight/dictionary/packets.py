"""Telemetry packets as data: which points, how often, in which encoding.

On the wire a packet is one MessagePack map:
  seq   sequence number within its priority, from 0 in each session
  t     time of the cycle, ns, monotonic
  v     values of the packet's channels in dictionary order, little-endian floats of the packet's
  encoding
  bad   one bit per channel, first channel in the highest bit: set when the last sample failed,
  and then
        the value is an older one
and, in a packet with the decision: mode, cap_w and cap_reason (lists, by accelerator).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from flight.core.points import PointTable

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One telemetry packet.

    Args:
        name: Last level of its topic.
        patterns: Shell patterns of point names; a point that several match is in once.
        period_s: Time between two packets, > 0, in steps of the cycle.
        encoding: Of a value: 4 bytes for readings, 8 bytes where counters must stay exact.
        with_decision: Whether mode and caps with their reasons are in it.
    """

    name: str
    patterns: tuple[str, ...]
    period_s: float
    encoding: Literal["<f4", "<f8"] = "<f4"
    with_decision: bool = False

    def __post_init__(self) -> None:
        if not self.period_s > 0.0:
            raise ValueError(f"packet {self.name}: period_s must be positive: {self.period_s}")

    def channels(self, points: PointTable) -> tuple[int, ...]:
        """Return the indices of the packet's points, in table order.

        Raises: ValueError, when a pattern matches no point.
        """
        found: set[int] = set()
        for pattern in self.patterns:
            matched = points.match(pattern)
            if not matched:
                raise ValueError(f"packet {self.name}: no point matches {pattern!r}")
            found.update(matched)
        return tuple(sorted(found))


PACKETS = (
    Packet(
        name="fast",
        patterns=(
            "*.power_w",
            "*_temp_c",
            "*.utilisation_ratio",
            "*.cap_w",
            "*.current_a",
            "*_rpm",
        ),
        period_s=1.0,
        with_decision=True,
    ),
    Packet(name="slow", patterns=("*",), period_s=10.0, encoding="<f8"),
)


def dictionary_hash(points: PointTable, packets: Sequence[Packet] = PACKETS) -> str:
    """Return 32 hex digits, others when a receiver would misread the other's packets."""
    content = {
        "schema": SCHEMA_VERSION,
        "points": [(point.name, point.unit) for point in points],
        "packets": [
            (p.name, p.encoding, p.period_s, p.with_decision, p.channels(points)) for p in packets
        ],
    }
    canonical = json.dumps(content, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=16).hexdigest()
