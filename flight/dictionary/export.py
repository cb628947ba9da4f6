"""The whole dictionary of a node as one JSON document: what the ground decodes and commands with.

Schema: docs/reference/dictionary.schema.json. The same data make the pages of docs/reference.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from flight.core.config import CoreConfig
from flight.core.points import PointTable
from flight.core.types import Mode, Severity
from flight.dictionary.describe import channel_entries, command_entries, event_entries
from flight.dictionary.packets import (
    PACKETS,
    SCHEMA_VERSION,
    Packet,
    decision_entries,
    dictionary_hash,
    packet_entries,
)


def dictionary(
    config: CoreConfig, table: PointTable, packets: Sequence[Packet] = PACKETS
) -> dict[str, Any]:
    """Return the dictionary of a node, ready for JSON.

    Args:
        config: Gives the limits of command arguments; they are no part of the hash.
    """
    return {
        "schema": SCHEMA_VERSION,
        "hash": dictionary_hash(table, packets),
        "modes": [mode.value for mode in Mode],
        "severities": {severity.name: int(severity) for severity in Severity},
        "channels": channel_entries(table),
        "packets": packet_entries(table, packets),
        "decision": decision_entries(),
        "commands": command_entries(config),
        "events": event_entries(table),
    }


def to_json(whole: Mapping[str, Any]) -> str:
    """Return the document as text, the same for the same dictionary."""
    return json.dumps(whole, indent=1, sort_keys=True, allow_nan=False) + "\n"


def only(
    whole: Mapping[str, Any], *, channel: str | None = None, event: str | None = None
) -> dict[str, Any]:
    """Return the document with those channels and events whose names match a shell pattern.

    What was not asked for is left out, once one of the two is.
    """
    if channel is None and event is None:
        return dict(whole)
    kept: dict[str, Any] = {"schema": whole["schema"], "hash": whole["hash"]}
    if channel is not None:
        kept["channels"] = [e for e in whole["channels"] if fnmatchcase(e["name"], channel)]
    if event is not None:
        kept["events"] = [e for e in whole["events"] if fnmatchcase(e["id"], event)]
    return kept
