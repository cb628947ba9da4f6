"""What the page's script draws, as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flight.core.types import Float64s
from flight.report.flight_data import DrawnPanel, FlightData
from flight.report.panels import labels_of, limits_of
from flight.report.words import DECIMALS, unit_word


def line_data(labels: Sequence[str], points: Float64s, unit: str) -> list[dict[str, Any]]:
    """Return the lines of a picture, rounded to what its unit is read to."""
    decimals = DECIMALS.get(unit, 3)
    return [
        {"label": label, "y": numbers(points[:, i], decimals)} for i, label in enumerate(labels)
    ]


def numbers(column: Float64s, decimals: int) -> list[float | int | None]:
    """Return a column for JSON: null for NaN, whole numbers short."""
    rounded = np.round(column, decimals).tolist()
    return [None if not math.isfinite(v) else int(v) if v == int(v) else v for v in rounded]


def panel_data(drawn: DrawnPanel, data: FlightData) -> dict[str, Any]:
    """Return one picture of the whole flight."""
    unit = unit_word(drawn.panel.unit)
    return {
        "key": drawn.panel.key,
        "title": drawn.panel.title_for(drawn.names),
        "unit": unit,
        "axis": None,
        "series": line_data(labels_of(drawn.names), drawn.points, unit),
        "limits": limits_of(drawn.panel, data.config),
        "note": drawn.panel.note if len(drawn.names) >= len(drawn.panel.patterns) else "",
    }


def reasons_data(data: FlightData) -> dict[str, Any]:
    """Return the strips that say which term won each cap."""
    words = list(dict.fromkeys(s.reason for line in data.reasons for s in line))
    order = sorted(words, key=lambda word: (word != "maximum", words.index(word)))
    return {
        "words": order,
        "lines": [
            [[s.begin_s, s.end_s, order.index(s.reason)] for s in line] for line in data.reasons
        ],
    }


def marks_data(data: FlightData) -> dict[str, Any]:
    """Return what is drawn behind every picture."""
    return {
        "eclipses": [[round(a, 1), round(b, 1)] for a, b in data.eclipses],
        "modes": [[round(a, 1), round(b, 1), mode] for a, b, mode in data.modes],
        "faults": [
            [fault["injected_s"], f"{fault['name']} {fault['target']}"] for fault in data.faults
        ],
    }


def script_json(document: Mapping[str, Any]) -> str:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
