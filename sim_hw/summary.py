"""The summary of a flight as data: what summary.json holds. Schema:
docs/reference/summary.schema.json.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim_hw.energy import EnergyVerdict
from sim_hw.expectations import ExpectationResult
from sim_hw.fault_story import FaultStory
from sim_hw.meter import FlightMeter
from sim_hw.plant import EnergyLedger
from sim_hw.properties import PropertyChecker
from sim_hw.property_truth import Approach, Violation
from sim_hw.scenario_times import FOREVER_NS, FlightPlan
from sim_hw.timeline import NS_PER_S
from sim_hw.workload_account import WorkLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbitFacts:
    """The orbit flown. source: `circular` or the name of an element set; eclipse_s: mean per
    orbit.
    """

    source: str
    period_s: float
    eclipse_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run was and what it cost. command: that flies it again."""

    simulated_s: float
    wall_s: float
    cpu_s: float
    config_hash: str
    trace_hash: str
    is_interrupted: bool = False
    command: tuple[str, ...] = ()


def build_summary(
    *,
    plan: FlightPlan,
    run: RunFacts,
    orbit: OrbitFacts,
    checker: PropertyChecker,
    expectations: Sequence[ExpectationResult],
    stories: Sequence[FaultStory],
    meter: FlightMeter,
    energy: EnergyLedger | None = None,
    radiation: Mapping[str, Any] | None = None,
    properties: Mapping[str, bool | None] | None = None,
    work: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the summary. `ok`: every expectation met, no property violated, energy closes.

    A property that nothing came near, nor could have broken, is ok and not `tested`.

    Args:
        energy: The plant's own ledger; None: there is none.
        radiation: What came of it (sim_hw/radiation.py); None: it was not flown.
        properties: Results of properties checked elsewhere, by name, e.g. S14; None: not tested.
        work: What the accelerators did; None: all that the meter saw was useful.
    """
    ledger = checker.ledger
    found = {name: _property(checker, name) for name in checker.names}
    for name, is_held in (properties or {}).items():
        tested = is_held is not None
        found[name] = {"ok": is_held is not False, "tested": tested, "closest": None}
    ok = all(result["ok"] for result in found.values()) and all(r.ok for r in expectations)
    told = None if energy is None else _energy(energy, is_interrupted=run.is_interrupted)
    ok = ok and (told is None or told["ok"])
    summary = {
        "title": plan.title,
        "shows": plan.shows,
        "ok": ok,
        "interrupted": run.is_interrupted,
        "simulated_s": run.simulated_s,
        "wall_s": run.wall_s,
        "cpu_s": run.cpu_s,
        "seed": plan.seed,
        "command": list(run.command) or None,
        "config_hash": run.config_hash,
        "trace_hash": run.trace_hash,
        "violations": [_violation(violation) for violation in ledger.violations],
        "violation_count": ledger.violation_count,
        "expectations": [_expectation(result) for result in expectations],
        "properties": dict(sorted(found.items(), key=lambda item: int(item[0][1:]))),
        "faults": [_fault(story) for story in stories],
        "peaks": meter.peaks(),
        "work": _plain_work(meter) if work is None else dict(work),
        "energy": told,
        "orbit": {
            "source": orbit.source,
            "period_s": orbit.period_s,
            "eclipse_s": orbit.eclipse_s,
        },
        "radiation": radiation,
    }
    return {key: _finite(value) for key, value in summary.items()}


def _plain_work(meter: FlightMeter) -> dict[str, float]:
    work = meter.work()
    return {**work, **WorkLedger().figures(work["utilisation_seconds"])}


def write_summary(summary: Mapping[str, Any], path: Path) -> None:
    """Write summary.json, readable for people too."""
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _property(checker: PropertyChecker, name: str) -> dict[str, Any]:
    ledger = checker.ledger
    is_held, closest = name not in ledger.broken, ledger.closest.get(name)
    tested = closest is not None or not is_held
    return {"ok": is_held, "tested": tested, "closest": _approach(closest)}


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "property": violation.property,
        "time_s": violation.time_s,
        "subject": violation.subject,
        "value": violation.value,
        "limit": violation.limit,
        "unit": violation.unit,
        "text": violation.text,
    }


def _expectation(result: ExpectationResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "ok": result.ok,
        "value": result.value,
        "unit": result.unit,
        "low": result.low,
        "high": result.high,
        "margin": result.margin,
        "text": result.text,
    }


def _approach(approach: Approach | None) -> dict[str, Any] | None:
    if approach is None:
        return None
    return {
        "value": approach.value,
        "limit": approach.limit,
        "unit": approach.unit,
        "time_s": approach.time_s,
        "subject": approach.subject,
    }


def _energy(ledger: EnergyLedger, *, is_interrupted: bool) -> dict[str, Any]:
    verdict = EnergyVerdict.of(ledger)
    return {
        "ok": verdict.ok or is_interrupted,  # Ctrl-C may come in the middle of a step of the plant
        "electrical_error_ratio": verdict.electrical_error_ratio,
        "thermal_error_ratio": verdict.thermal_error_ratio,
        "array_joules": ledger.generated_j,
        "load_joules": ledger.load_j,
        "battery_loss_joules": ledger.loss_j,
        "rejected_joules": ledger.rejected_j,
        "converter_loss_joules": ledger.converter_loss_j,
        "absorbed_joules": ledger.absorbed_j,
        "leaked_joules": ledger.leaked_j,
        "stored_change_joules": ledger.stored_j - ledger.stored_start_j,
        "heat_change_joules": ledger.heat_j - ledger.heat_start_j,
    }


def _fault(story: FaultStory) -> dict[str, Any]:
    fault = story.fault
    return {
        "id": fault.id,
        "name": fault.name,
        "target": fault.target,
        "injected_s": fault.start_ns / NS_PER_S,
        "ended_s": None if fault.end_ns >= FOREVER_NS else fault.end_ns / NS_PER_S,
        "detected_s": story.detected_s,
        "detected_by": story.detected_by,
        "done": [step._asdict() for step in story.steps],
        "response": story.is_disturbed,
        "safe_s": story.safe_s,
        "back_s": story.back_s,
    }


def _finite(value: Any) -> Any:
    """JSON has no infinities and no NaN: what was never measured is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
