"""Exposure to particles: seconds of a flight, weighted by how many particles there are.

One second of exposure is one second at the mean rate of an orbit of REF-1. Outside the South
Atlantic Anomaly the weight is below 1, inside above; a solar particle event comes on top:

    1 + (peak - 1) (t - start) / rise            while it rises
    1 + (peak - 1) exp(-(t - start - rise) / decay)   then
"""

import math
import random
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim_hw.anomaly import AnomalyPasses, Pass
from sim_hw.config_radiation import RadiationConfig
from sim_hw.sun import DAY_S, Float64s

YEAR_S: Final = 365.25 * DAY_S
_EVENT_STEP_S: Final = 60.0
_DECAYS_MAX: Final = 12.0  # by then 1000 times the background have become 1.006 times


class ParticleEvent(NamedTuple):
    """A solar particle event: rate over the background by time."""

    start_s: float
    rise_s: float
    decay_s: float
    peak_ratio: float

    @property
    def end_s(self) -> float:
        """When nothing is left of it."""
        return self.start_s + self.rise_s + _DECAYS_MAX * self.decay_s

    def ratio(self, time_s: Float64s) -> Float64s:
        """Return how many times the background there is, >= 1."""
        since_s = time_s - self.start_s
        falls = np.exp(-np.maximum(since_s - self.rise_s, 0.0) / self.decay_s)
        shape = np.minimum(np.maximum(since_s / self.rise_s, 0.0), 1.0) * falls
        ratio: Float64s = 1.0 + (self.peak_ratio - 1.0) * shape
        return ratio


def draw_events(config: RadiationConfig, duration_s: float, seed: int) -> tuple[ParticleEvent, ...]:
    """Return the solar particle events of a flight: the one that is configured, or drawn ones."""
    shape = (
        config.particle_event_rise_s,
        config.particle_event_decay_s,
        config.particle_event_peak_ratio,
    )
    if config.particle_event_start_s >= 0.0:
        return (ParticleEvent(config.particle_event_start_s, *shape),)
    events, draw = [], random.Random(f"particle events {seed}")
    if config.particle_events_per_year > 0.0:
        start_s = draw.expovariate(config.particle_events_per_year / YEAR_S)
        while start_s < duration_s:
            events.append(ParticleEvent(start_s, *shape))
            start_s += draw.expovariate(config.particle_events_per_year / YEAR_S)
    return tuple(events)


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Exposure since the start as a row of straight lines.

    Attributes:
        time_s: Where the lines meet.
        exposed_s: What has been gathered there.
    """

    time_s: Float64s
    exposed_s: Float64s

    @classmethod
    def of(
        cls,
        config: RadiationConfig,
        passes: AnomalyPasses,
        events: tuple[ParticleEvent, ...],
        duration_s: float,
    ) -> "Exposure":
        """Gather the exposure of a flight."""
        edges = [0.0, duration_s, *(time_s for p in (*passes.outer, *passes.core) for time_s in p)]
        for event in events:
            steps = math.ceil((min(event.end_s, duration_s) - event.start_s) / _EVENT_STEP_S)
            edges += [event.start_s + _EVENT_STEP_S * i for i in range(max(steps, 0) + 1)]
        time_s = np.unique(np.clip(np.array(edges), 0.0, duration_s))
        middle_s = 0.5 * (time_s[1:] + time_s[:-1])
        weight = np.where(
            _is_inside(passes.core, middle_s),
            config.anomaly_core_rate_ratio,
            np.where(_is_inside(passes.outer, middle_s), config.anomaly_rate_ratio, 1.0),
        )
        for event in events:  # several at once add up
            weight = weight + (event.ratio(middle_s) - 1.0)
        gathered = np.cumsum(weight * np.diff(time_s)) / config.mean_ratio
        return cls(time_s, np.concatenate((np.zeros(1), gathered)))

    @property
    def total_s(self) -> float:
        """Of the whole flight."""
        return float(self.exposed_s[-1])

    def at(self, time_s: float) -> float:
        """Return what has been gathered by a time."""
        return float(np.interp(time_s, self.time_s, self.exposed_s))

    def time_of(self, exposed_s: float) -> float:
        """Return when so much has been gathered; infinity: not in this flight."""
        if exposed_s >= self.total_s:
            return math.inf
        return float(np.interp(exposed_s, self.exposed_s, self.time_s))


def _is_inside(passes: tuple[Pass, ...], time_s: Float64s) -> Float64s:
    """Return for each time whether one of the passes, in order, holds it."""
    if not passes:
        return np.zeros(time_s.shape, dtype=bool)
    bounds = np.array(passes)
    last = np.searchsorted(bounds[:, 0], time_s, side="right") - 1
    inside: Float64s = (last >= 0) & (time_s < bounds[np.maximum(last, 0), 1])
    return inside
