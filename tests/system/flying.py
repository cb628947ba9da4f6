"""Flights for tests: scenario tables in, the shipped code flown without an event loop."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flight import cli
from flight.config import NodeConfig
from flight.durations import parse_duration
from sim_hw.fault_injector import SimulationInjector
from sim_hw.flight import Flight, FlightSetup
from sim_hw.fly import surroundings_of
from sim_hw.orbit import Orbit
from sim_hw.plant_config import PlantConfig
from sim_hw.scenario import parse_scenario
from sim_hw.scenario_times import resolve
from sim_hw.timeline import OrbitEvents

REF1 = NodeConfig()
FULL_LOAD = {"at": "start", "do": "workload", "parameters": {"kind": "constant"}}


def scenario(title: str = "A test", **tables: Any) -> dict[str, Any]:
    """Return scenario tables with what every scenario must say."""
    return {"title": title, "shows": "What a test looks at.", **tables}


def setup_of(
    data: Mapping[str, Any], *, config: NodeConfig = REF1, duration_s: float | None = None
) -> FlightSetup:
    """Return the flight that `nightside sim --scenario` would fly for these tables."""
    plant_config = PlantConfig.model_validate(config.plant)
    checked = parse_scenario(data, injectors=(SimulationInjector(),))
    around = plant_config.orbit
    orbit = Orbit.circular(
        around.altitude_km,
        around.beta_deg,
        inclination_deg=around.inclination_deg,
        start_utc=around.start_utc,
        start_phase_ratio=checked.start.orbit_phase or 0.0,
        surroundings=surroundings_of(plant_config),
    )
    if duration_s is None:
        duration_s = parse_duration(
            checked.duration or "1orbit", what="duration", orbit_s=orbit.period_s
        )
    plan = resolve(
        checked,
        OrbitEvents.of(orbit.events(-0.5, duration_s)),
        duration_s=duration_s,
        seed=7 if checked.seed is None else checked.seed,
    )
    return FlightSetup(config=config, plant_config=plant_config, orbit=orbit, plan=plan)


def flight_of(
    data: Mapping[str, Any], *, config: NodeConfig = REF1, duration_s: float | None = None
) -> Flight:
    """Return a flight at its start; close it, or use it in a `with`."""
    return Flight(setup_of(data, config=config, duration_s=duration_s))


def config_with(**sections: Mapping[str, Any]) -> NodeConfig:
    """Return REF-1 with some keys of some sections changed."""
    data = REF1.model_dump()
    for section, keys in sections.items():
        data[section] = {**data[section], **keys}
    return NodeConfig.model_validate(data)


def read_scenario(path: Path) -> dict[str, Any]:
    """Return the tables of a scenario file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def sim(folder: Path, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Fly from the command line into a folder; return exit code and summary."""
    exit_code = cli.main(["sim", *map(str, arguments), "--out", str(folder)])
    return exit_code, json.loads((folder / "summary.json").read_text())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Run a command that must be refused and return its lines on stderr without the prefix."""
    exit_code = cli.main(arguments)
    captured = capsys.readouterr()
    assert exit_code == cli.EXIT_BAD_INPUT, captured.err
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert all(line.startswith("nightside: ") for line in lines)
    return [line.removeprefix("nightside: ") for line in lines]
