"""What else an orbit means for a node: passes of the anomaly, and how cold its sink is."""

from typing import Final, NamedTuple

import numpy as np

from sim_hw.anomaly import AnomalyPasses
from sim_hw.orbit import days_since_j2000
from sim_hw.propagators import CircularPropagator
from sim_hw.seasons import SecularOrbit
from sim_hw.sun import DAY_S, sun_direction
from sim_hw.surroundings import Surroundings

PASS_DAYS: Final = 30.0  # the Earth turns under the orbit thirty times
_SINK_POINTS: Final = 361


class OrbitSurroundings(NamedTuple):
    """Passes of the first days and sinks of the first orbit, with a radiator edge-on."""

    passes_per_day: float
    anomaly_ratio: float
    longest_pass_s: float
    sink_temp_k_min: float
    sink_temp_k_max: float


class _Path(NamedTuple):
    """What passes are found on: HasPath of sim_hw/anomaly.py."""

    propagator: CircularPropagator
    epoch_days: float


def surroundings_of_orbit(orbit: SecularOrbit) -> OrbitSurroundings:
    """Return the surroundings at the begin of the span."""
    path = _Path(
        CircularPropagator(
            orbit.radius_km, orbit.inclination_rad, orbit.node_rad, orbit.argument_rad
        ),
        days_since_j2000(orbit.epoch_utc),
    )
    span_s = PASS_DAYS * DAY_S
    lengths_s = [one.length_s for one in AnomalyPasses.of(path, span_s).outer]
    coldest_k, warmest_k = _sinks_k(path, orbit.period_s)
    return OrbitSurroundings(
        passes_per_day=len(lengths_s) / PASS_DAYS,
        anomaly_ratio=sum(lengths_s) / span_s,
        longest_pass_s=max(lengths_s, default=0.0),
        sink_temp_k_min=coldest_k,
        sink_temp_k_max=warmest_k,
    )


def _sinks_k(path: _Path, period_s: float) -> tuple[float, float]:
    time_s = np.linspace(0.0, period_s, _SINK_POINTS)
    position_km, normal = path.propagator.state(time_s)
    sun, distance_km = sun_direction(path.epoch_days + time_s / DAY_S)
    around = Surroundings()
    found = around.fluxes(time_s, position_km, normal, sun, distance_km)
    albedo, infrared = found.radiator_albedo_w_per_m2, found.radiator_infrared_w_per_m2
    sinks_k = [around.sink_temp_k(*pair) for pair in zip(albedo, infrared, strict=True)]
    return min(sinks_k), max(sinks_k)
