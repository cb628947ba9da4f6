"""Telemetry packets as data: which points, how often in which mode, in which encoding.

On the wire a packet is one MessagePack map:
  seq   sequence number within its priority, from 0 in each session
  t     time of the cycle, ns, monotonic
  v     values of the packet's channels in dictionary order, little-endian floats of the packet's
  encoding
  bad   one bit per channel, first channel in the highest bit: set when the last sample failed,
  and then
        the value is an older one
and, in a packet with the mode, mode; in a packet with the decision: mode, cap_w, cap_reason and
phase (lists, by accelerator; words: `decision_entries`). `flight/dictionary/decode.py` reads it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Literal

from flight.core.accelerators import AccelPhase
from flight.core.arbiter import CapReason
from flight.core.points import PointTable
from flight.core.types import Mode
from flight.dictionary.describe import channel_entries, command_entries, event_entries
from flight.dictionary.rates import SILENT, Rate, RateLogic, every, on_change

SCHEMA_VERSION = 3
SLOW_PERIOD_S = 5.0  # packets at this period and above go before the faster ones

# A change that is worth a packet, by unit of the channel; what is not here: any change of the value
# on the wire. About three times the noise of the sensors (docs/reference/sensors.md); assumed.
DEADBANDS: Mapping[str, float] = MappingProxyType(
    {"W": 5.0, "degC": 0.5, "ratio": 0.005, "V": 0.2, "A": 0.3, "kg/s": 0.005, "kPa": 3.0}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One telemetry packet.

    Args:
        name: Last level of its topic.
        patterns: Shell patterns of point names; a point that several match is in once.
        period_s: Longest time between two packets, > 0, in modes that `rates` does not name.
        interval_s_min: Above 0: also when a channel changed, so long after the last at the
            earliest.
        rates: Other rates, by mode.
        encoding: Of a value: 4 bytes for readings, 8 bytes where counters must stay exact.
        with_mode: Whether the mode is in it.
        with_decision: Whether mode, caps with their reasons, and phases are in it; a new phase is
            a change.
        priority: "slow" packets go before "fast" ones; None: by the period.
    """

    name: str
    patterns: tuple[str, ...]
    period_s: float
    interval_s_min: float = 0.0
    rates: Mapping[Mode, Rate] = field(default_factory=dict)
    encoding: Literal["<f4", "<f8"] = "<f4"
    with_mode: bool = False
    with_decision: bool = False
    priority: Literal["slow", "fast"] | None = None

    def __post_init__(self) -> None:
        try:
            self.rate(None)
        except ValueError as error:
            raise ValueError(f"packet {self.name}: {error}") from None

    def rate(self, mode: Mode | None) -> Rate:
        """Return the packet's rate in a mode; None: in those that `rates` does not name."""
        if mode is not None and mode in self.rates:
            return self.rates[mode]
        if self.interval_s_min > 0.0:
            return on_change(self.interval_s_min, self.period_s)
        return every(self.period_s)

    @property
    def is_slow(self) -> bool:
        """Whether the packet goes before the fast ones."""
        if self.priority is None:
            return self.period_s >= SLOW_PERIOD_S
        return self.priority == "slow"

    def channels(self, points: PointTable) -> tuple[int, ...]:
        """Return the indices of the packet's points, in table order.

        A pattern may match none: a node without a coolant loop has no `loop`.

        Raises: ValueError, when no pattern matches a point.
        """
        found = {index for pattern in self.patterns for index in points.match(pattern)}
        if not found:
            wanted = ", ".join(map(repr, self.patterns))
            raise ValueError(f"packet {self.name}: no point matches {wanted}")
        return tuple(sorted(found))


# SAFE: commands, events, slow telemetry. SURVIVAL: beacon, commands (docs/design/modes.md).
_QUIET: Mapping[Mode, Rate] = MappingProxyType({Mode.SAFE: SILENT, Mode.SURVIVAL: SILENT})
_NOT_IN_SURVIVAL: Mapping[Mode, Rate] = MappingProxyType({Mode.SURVIVAL: SILENT})
_ONLY_IN_SAFE: Mapping[Mode, Rate] = MappingProxyType(
    {mode: on_change(10.0, 60.0) if mode is Mode.SAFE else SILENT for mode in Mode}
)
_CHANGES = 1.0  # s; a flapping switch costs one small packet a second; assumed

PACKETS = (
    Packet(
        name="beacon",
        patterns=(
            "eps.battery.charge_ratio",
            "eps.battery.temp_c",
            "eps.bus54.voltage_v",
            "eps.bus28.voltage_v",
            "loop.flow_kg_per_s",
            "loop.supply_temp_c",
            "host.radiator_temp_c",
            "host.cpu_temp_c",
            "rail.payload_54v.enable",
        ),
        period_s=60.0,
        with_mode=True,
    ),
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
        rates=_QUIET,
        with_decision=True,
    ),
    Packet(
        name="slow",
        patterns=("*",),
        period_s=10.0,
        rates={Mode.SAFE: every(30.0), Mode.SURVIVAL: SILENT},
        encoding="<f8",
        with_mode=True,
    ),
    Packet(
        name="rails",
        patterns=("rail.*.enable", "rail.*.status"),
        period_s=300.0,
        interval_s_min=_CHANGES,
        rates=_NOT_IN_SURVIVAL,
    ),
    Packet(
        name="accel",
        patterns=(
            "accel*.event_reasons",
            "accel*.ecc_*_count",
            "accel*.xid",
            "accel*.recovery_action",
            "accel*.pcie_replay_count",
        ),
        period_s=300.0,
        interval_s_min=_CHANGES,
        rates=_NOT_IN_SURVIVAL,
        encoding="<f8",
        with_decision=True,
    ),
    # In SAFE, where no fast packet comes, these tell what changes.
    Packet(
        name="power",
        patterns=("eps.*", "rail.payload_54v.*"),
        period_s=60.0,
        rates=_ONLY_IN_SAFE,
    ),
    Packet(
        name="thermal",
        patterns=(
            "loop.*",
            "plate*.outlet_temp_c",
            "host.radiator_temp_c",
            "*.core_temp_c",
            "eps.battery.temp_c",
        ),
        period_s=60.0,
        rates=_ONLY_IN_SAFE,
    ),
)


def present(packets: Sequence[Packet], points: PointTable) -> tuple[Packet, ...]:
    """Return the packets that have a channel on this node; it knows no others."""
    return tuple(
        packet for packet in packets if any(points.match(pattern) for pattern in packet.patterns)
    )


def packet_entries(points: PointTable, packets: Sequence[Packet] = PACKETS) -> list[dict[str, Any]]:
    """Return what a receiver must know of each packet of a node, ready for JSON."""
    names = [point.name for point in points]
    return [
        {
            "name": packet.name,
            "priority": "slow" if packet.is_slow else "fast",
            "encoding": packet.encoding,
            "with_mode": packet.with_mode or packet.with_decision,
            "with_decision": packet.with_decision,
            "rates": {mode.value: _rate_entry(packet.rate(mode)) for mode in Mode},
            "channels": [names[i] for i in packet.channels(points)],
        }
        for packet in present(packets, points)
    ]


def decision_entries() -> list[dict[str, Any]]:
    """Return what a packet with the decision says of each accelerator, beside its channels."""
    return [
        {
            "name": "cap_w",
            "unit": "W",
            "description": "Granted by the arbiter; 0: not in service.",
            "words": [],
        },
        {
            "name": "cap_reason",
            "unit": "",
            "description": "The term that won.",
            "words": [reason.value for reason in CapReason],
        },
        {
            "name": "phase",
            "unit": "",
            "description": "What the accelerator is to its users.",
            "words": [phase.value for phase in AccelPhase],
        },
    ]


def _rate_entry(rate: Rate) -> dict[str, Any]:
    entry: dict[str, Any] = {"logic": rate.logic.value}
    if rate.logic is not RateLogic.SILENT:
        entry["period_s"] = rate.period_s if rate.period_s < float("inf") else None
    if rate.logic is RateLogic.ON_CHANGE:
        entry["interval_s_min"] = rate.interval_s_min
    return entry


PROSE = frozenset({"description", "cause", "action"})


def dictionary_hash(points: PointTable, packets: Sequence[Packet] = PACKETS) -> str:
    """Return 32 hex digits of the whole dictionary: channels, packets, commands, events.

    Others whenever a receiver would misread the node or the node its commands; not for a better
    sentence in a description, and not for a limit that the configuration may change.
    """
    content = {
        "schema": SCHEMA_VERSION,
        "channels": channel_entries(points),
        "packets": packet_entries(points, packets),
        "decision": decision_entries(),
        "commands": command_entries(None),
        "events": event_entries(points),
    }
    canonical = json.dumps(_without_prose(content), separators=(",", ":"), sort_keys=True)
    return blake2b(canonical.encode(), digest_size=16).hexdigest()


def _without_prose(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _without_prose(value) for key, value in content.items() if key not in PROSE}
    if isinstance(content, list):
        return [_without_prose(item) for item in content]
    return content
