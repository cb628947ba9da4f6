"""What many runs came to, as data: what runs.json holds."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim_hw.runs.worker import Outcome, Run, Verdict

SCHEMA = 1
_FROM_SUMMARY = ("trace_hash", "config_hash", "simulated_s", "cpu_s", "wall_s", "violation_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsFacts:
    """What was flown. flight_s: length of each; wall_s: of all together."""

    title: str
    orbit: str
    flight_s: float
    first_seed: int
    jobs: int
    wall_s: float
    is_interrupted: bool


def build_runs(
    facts: RunsFacts, runs: Sequence[Run], outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Return the document: what was flown, a row for each run, the closest approach of all."""
    rows = [_row(run, outcome) for run, outcome in zip(runs, outcomes, strict=True)]
    verdicts = [outcome.verdict for outcome in outcomes]
    return {
        "schema": SCHEMA,
        "title": facts.title,
        "orbit": facts.orbit,
        "flight_s": facts.flight_s,
        "first_seed": facts.first_seed,
        "run_count": len(rows),
        "jobs": facts.jobs,
        "ok": all(row["ok"] for row in rows),
        "interrupted": facts.is_interrupted,
        "wall_s": facts.wall_s,
        "cpu_s": _sum(rows, "cpu_s"),
        "simulated_s": _sum(rows, "simulated_s"),
        "verdicts": {str(kind): verdicts.count(kind) for kind in Verdict},
        "properties": _properties(rows),
        "runs": rows,
    }


def write_runs(found: Mapping[str, Any], path: Path) -> None:
    """Write runs.json, readable for people too."""
    text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _row(run: Run, outcome: Outcome) -> dict[str, Any]:
    summary = outcome.summary
    return {
        "run": run.name,
        "seed": run.seed,
        "verdict": str(outcome.verdict),
        "ok": outcome.verdict is Verdict.GOOD,
        **{key: summary.get(key) for key in _FROM_SUMMARY},
        "unmet": [result["id"] for result in summary.get("expectations", ()) if not result["ok"]],
        "properties": summary.get("properties", {}),
        "peaks": summary.get("peaks", {}),
        "work": summary.get("work", {}),
        "energy": summary.get("energy"),
        "error": outcome.error,
    }


def _properties(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return each property over all runs: how often tested and violated, and the closest approach
    with the run that came so near.
    """
    names = {name: None for row in rows for name in row["properties"]}  # in order, each once
    return {name: _property([(row, row["properties"].get(name)) for row in rows]) for name in names}


def _property(
    found: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]],
) -> dict[str, Any]:
    known = [(row, result) for row, result in found if result is not None]
    near = [(result, row["run"]) for row, result in known if result["closest"] is not None]
    nearest, run = min(near, key=lambda item: _margin(item[0]), default=(None, None))
    return {
        "tested_count": sum(result["tested"] for _, result in known),
        "violated_count": sum(not result["ok"] for _, result in known),
        "closest": None if nearest is None else {**nearest["closest"], "run": run},
    }


def _margin(result: Mapping[str, Any]) -> float:
    """Return how far a value stayed from its limit, whichever side; negative past it."""
    value, limit = result["closest"]["value"], result["closest"]["limit"]
    if value is None or limit is None:
        return math.inf
    return abs(float(value) - float(limit)) * (1.0 if result["ok"] else -1.0)


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(sum(row[key] or 0.0 for row in rows))
