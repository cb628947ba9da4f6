"""Eclipse and battery over three orbits against Basilisk (https://avslab.github.io/basilisk).

Both fly a polar circular orbit in the field of a point, so that J2 moves no node, behind a sphere
of 6378.137 km and a Sun with a disc. Basilisk's battery knows neither losses nor resistance: ours
has none here; the losses have check cases 13 and 14. Basilisk lives in an environment of its own,
because it pins packages that we do not pin.
"""

import json
import math
import os
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_hw.config_power import BatteryConfig
from sim_hw.orbit import Orbit, days_since_j2000
from sim_hw.propagators import MU_KM3_PER_S2, CircularPropagator
from sim_hw.sun import DAY_S, EARTH_RADIUS_KM, sun_direction
from tests.check_cases.power_system import PowerSystem, paper_array, paper_config
from tests.verify.figures import keep_figure

pytestmark = pytest.mark.verify
ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("NIGHTSIDE_BASILISK", ROOT / "build" / "basilisk" / "bin" / "python"))
START = datetime(2030, 3, 20, 12, tzinfo=UTC)
RADIUS_KM = EARTH_RADIUS_KM + 550.0
CAPACITY_J = 12_500.0 * 3600.0
START_RATIO, LOAD_W, ARRAY_W = 0.5, 6000.0, 10_000.0
SAMPLE_S = 1.0
ORBITS = 3


def path_at_beta(beta_deg: float) -> tuple[CircularPropagator, float]:
    """Return a polar orbit of about that beta that starts over the day side, and its period."""
    sun = sun_direction(np.array([days_since_j2000(START)]))[0][0]
    node_rad = math.atan2(sun[1], sun[0]) + math.radians(beta_deg)
    path = CircularPropagator(RADIUS_KM, math.pi / 2.0, node_rad, 0.0)
    return path, math.tau / path.rate_rad_per_s


def sun_km(seconds: float) -> list[list[float]]:
    """Return the Sun every SAMPLE_S."""
    times_s = np.arange(0.0, seconds + SAMPLE_S, SAMPLE_S)
    direction, distance_km = sun_direction(days_since_j2000(START) + times_s / DAY_S)
    return (direction * distance_km[:, None]).tolist()


@cache
def basilisk(beta_deg: float) -> dict[str, Any]:
    """Return Basilisk's flight, or fail with NOT RUN where Basilisk is not installed."""
    if not PYTHON.is_file():
        pytest.fail(
            f"NOT RUN: Basilisk is not installed ({PYTHON}); run make verify", pytrace=False
        )
    path, period_s = path_at_beta(beta_deg)
    position, normal = path.state(np.array([0.0]))
    speed_m_per_s = 1000.0 * math.sqrt(MU_KM3_PER_S2 / RADIUS_KM)
    velocity = np.cross(normal[0], position[0] / RADIUS_KM) * speed_m_per_s
    suns = sun_km(ORBITS * period_s)
    case = {
        "mu_m3_per_s2": MU_KM3_PER_S2 * 1e9,
        "earth_radius_m": EARTH_RADIUS_KM * 1000.0,
        "position_m": (1000.0 * position[0]).tolist(),
        "velocity_m_per_s": velocity.tolist(),
        "sun_km": suns,
        "panel_normal": (np.array(suns[0]) / np.linalg.norm(suns[0])).tolist(),
        "sample_s": SAMPLE_S,
        "load_w": LOAD_W,
        "array_w": ARRAY_W,
        "capacity_j": CAPACITY_J,
        "stored_j": START_RATIO * CAPACITY_J,
    }
    flown = subprocess.run(
        [PYTHON, ROOT / "tests" / "verify" / "basilisk_flight.py"],
        input=json.dumps(case), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert flown.returncode == 0, flown.stderr[-2000:]
    return dict(json.loads(flown.stdout))


def half_lit_s(time_s: list[float], ratio: list[float]) -> list[float]:
    """Return when the visible part of the Sun passes one half."""
    found = []
    for i in range(1, len(ratio)):
        before, after = ratio[i - 1] - 0.5, ratio[i] - 0.5
        if (before > 0.0) != (after > 0.0):
            part = before / (before - after)
            found.append(time_s[i - 1] + part * (time_s[i] - time_s[i - 1]))
    return found


def our_orbit(beta_deg: float) -> Orbit:
    path, period_s = path_at_beta(beta_deg)
    return Orbit(path, source="polar", period_s=period_s, epoch_utc=START)


@pytest.mark.parametrize("beta_deg", [0.0, 55.0])
def test_eclipse_edges_agree_within_2_s(beta_deg: float) -> None:
    flown = basilisk(beta_deg)
    expected = half_lit_s(flown["time_s"], flown["sunlight_ratio"])
    ours = [event.time_s for event in our_orbit(beta_deg).events(0.0, flown["time_s"][-1])]
    assert len(ours) == len(expected) == 2 * ORBITS
    worst_s = max(abs(a - b) for a, b in zip(ours, expected, strict=True))
    keep_figure(
        f"edges of eclipses, three orbits, beta {beta_deg:g} deg",
        against="Basilisk", value=worst_s, limit=2.0, unit="s",
    )  # fmt: skip


@pytest.mark.parametrize("beta_deg", [0.0, 55.0])
def test_charge_agrees_within_half_a_per_cent(beta_deg: float) -> None:
    flown, orbit = basilisk(beta_deg), our_orbit(beta_deg)
    battery = BatteryConfig(
        capacity_wh=CAPACITY_J / 3600.0,
        charge_efficiency_ratio=1.0,
        discharge_efficiency_ratio=1.0,
        charge_power_max_w=1e7,
        charge_current_a_max=1e5,
        charge_taper_ratio=0.001,
        resistance_ohm=0.0,
        imbalance_ratio=0.0,
    )
    eps = PowerSystem(paper_config(battery, paper_array(ARRAY_W)), charge_ratio=START_RATIO)
    worst_percent, dt_s = 0.0, 0.2
    for n, stored_j in enumerate(flown["stored_j"][1:]):
        for k in range(round(SAMPLE_S / dt_s)):
            at_s = n * SAMPLE_S + (k + 0.5) * dt_s
            eps.advance(dt_s, orbit.sunlight_ratio(at_s), LOAD_W, 0.0)
        worst_percent = max(worst_percent, 100.0 * abs(eps.stored_j - stored_j) / CAPACITY_J)
    keep_figure(
        f"charge, three orbits, beta {beta_deg:g} deg",
        against="Basilisk", value=worst_percent, limit=0.5, unit="% of capacity",
    )  # fmt: skip
