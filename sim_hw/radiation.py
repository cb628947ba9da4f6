"""Radiation of a flight: which particles strike what and when, drawn by seed before it begins.

Each class of sim_hw/radiation_classes.py is a Poisson process of its own in exposure, not in time:
inside the South Atlantic Anomaly and in solar particle events its strikes come closer together.
What the node must answer becomes a planned fault; upsets that are only counted are counted.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sim_hw.anomaly import AnomalyPasses
from sim_hw.config_radiation import RadiationConfig
from sim_hw.exposure import YEAR_S, Exposure, ParticleEvent, draw_events
from sim_hw.faults import FAULTS, with_defaults
from sim_hw.orbit import Orbit
from sim_hw.radiation_classes import CLASSES, RadiationClass
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.sun import DAY_S
from sim_hw.timeline import NS_PER_S

Level = Literal["nominal", "accelerated"]

# Of accelerated flights alone. So many strikes would never come in one orbit; a few of them at once
# would tell about the acceleration, not about the node: docs/safety.md has the fault budget.
SPACING_S: Final = 120.0
_AFTER_S: Final = 300.0  # kept free behind a planned fault that does not end


class Strikes(NamedTuple):
    """What was drawn of one class; of what is only counted, the rate alone.

    factor: By which the rate was raised. per_s: That rate, of all units together, in exposure.
    """

    kind: RadiationClass
    factor: float
    per_s: float
    expected: float
    time_s: tuple[float, ...] = ()


class Upsets:
    """Upsets of one class that are counted in a truth, each at its instant.

    Attributes:
        count: So far.
        next_ns: Of the next one; FOREVER_NS: none comes any more.
    """

    def __init__(
        self,
        kind: RadiationClass,
        per_s: float,
        exposure: Exposure,
        *,
        seed: int,
        accelerator_count: int,
    ) -> None:
        """Draw the first; per_s: as in Strikes."""
        self.kind = kind
        self._counter_count = 1 if kind.is_of_node else accelerator_count
        self.count = 0
        self._per_s = per_s
        self._exposure = exposure
        self._draw = random.Random(f"upsets {kind.id} {seed}")
        self._exposed_s = 0.0
        self.next_ns = self._next()

    def apply_due(self, now_ns: int, truth: Any) -> None:
        """Count what is due, each upset with an accelerator that is drawn, or with the node."""
        counter = getattr(truth, self.kind.counter)
        while self.next_ns <= now_ns:
            counter[self._draw.randrange(self._counter_count)] += 1.0
            self.count += 1
            self.next_ns = self._next()

    def _next(self) -> int:
        if self._per_s <= 0.0:
            return FOREVER_NS
        self._exposed_s += self._draw.expovariate(self._per_s)
        time_s = self._exposure.time_of(self._exposed_s)
        return FOREVER_NS if math.isinf(time_s) else round(time_s * NS_PER_S)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radiation:
    """What was drawn for one flight; immutable, so that it can be flown again.

    Args:
        strikes: Of each class. faults: What they do, in order.
    """

    level: Level
    seed: int
    accelerator_count: int
    config: RadiationConfig
    passes: AnomalyPasses
    events: tuple[ParticleEvent, ...]
    exposure: Exposure
    strikes: tuple[Strikes, ...]
    faults: tuple[PlannedFault, ...]

    def new_upsets(self) -> tuple[Upsets, ...]:
        """Return the upsets that are only counted, none of them counted yet."""
        return tuple(
            Upsets(
                one.kind,
                one.per_s,
                self.exposure,
                seed=self.seed,
                accelerator_count=self.accelerator_count,
            )
            for one in self.strikes
            if one.kind.counter
        )

    def dose_rad(self, time_s: float) -> float:
        """Return the dose of silicon since the start of the flight, in rad."""
        return self.config.dose_rad_per_year * self.exposure.at(time_s) / YEAR_S

    def facts(self, flown_s: float, upsets: Sequence[Upsets] = ()) -> dict[str, Any]:
        """Return what came of it by a time, for the summary. upsets: As they were counted."""
        counted = {one.kind.id: one.count for one in upsets}
        outer = [p for p in self.passes.outer if p.entry_s < flown_s]
        events = [e.start_s for e in self.events if e.start_s < flown_s]
        return {
            "level": self.level,
            "dose_rad": self.dose_rad(flown_s),
            "anomaly_pass_count": len(outer),
            "anomaly_s": math.fsum(min(p.exit_s, flown_s) - p.entry_s for p in outer),
            "particle_events_s": events,
            "classes": [
                {
                    "id": kind.id,
                    "what": kind.what,
                    "factor": round(factor, 3),
                    "expected": round(expected, 6),
                    "count": counted.get(kind.id, sum(at_s < flown_s for at_s in time_s)),
                }
                for kind, factor, _, expected, time_s in self.strikes
            ],
        }


def draw_radiation(
    config: RadiationConfig,
    orbit: Orbit,
    *,
    level: Level,
    duration_s: float,
    seed: int,
    accelerator_count: int,
    planned: Sequence[PlannedFault] = (),
) -> Radiation:
    """Draw the radiation of a flight.

    Args:
        level: `nominal`: the rates as they are. `accelerated`: each class by a factor of its own,
            at least 1, so that one strike of it is expected in an orbit; strikes that become faults
            keep SPACING_S from each other and from planned faults, so the later one waits.
        planned: Faults of the scenario.
    """
    passes = AnomalyPasses.of(orbit, duration_s)
    events = draw_events(config, duration_s, seed)
    exposure = Exposure.of(config, passes, events, duration_s)
    orbits = duration_s / orbit.period_s if level == "accelerated" else 0.0
    strikes = []
    for kind in CLASSES:
        per_s = kind.per_day * _units(kind, config, accelerator_count) / DAY_S
        expected = per_s * exposure.total_s
        factor = max(1.0, orbits / expected) if expected > 0.0 else 1.0
        draw = random.Random(f"radiation {kind.id} {seed}")
        time_s = () if kind.counter else poisson_times(factor * per_s, exposure, draw)
        strikes.append(Strikes(kind, factor, factor * per_s, factor * expected, time_s))
    if level == "accelerated":
        strikes = _spaced(strikes, planned, duration_s)
    return Radiation(
        level=level,
        seed=seed,
        accelerator_count=accelerator_count,
        config=config,
        passes=passes,
        events=events,
        exposure=exposure,
        strikes=tuple(strikes),
        faults=planned_faults(strikes, seed, accelerator_count),
    )


def poisson_times(per_s: float, exposure: Exposure, draw: random.Random) -> tuple[float, ...]:
    """Return the instants of a Poisson process of a rate in exposure."""
    times: list[float] = []
    exposed_s = 0.0
    while per_s > 0.0:
        exposed_s += draw.expovariate(per_s)
        time_s = exposure.time_of(exposed_s)
        if math.isinf(time_s):
            break
        times.append(time_s)
    return tuple(times)


def _units(kind: RadiationClass, config: RadiationConfig, accelerator_count: int) -> float:
    if kind.counter == "edac_corrected_count":
        return config.edac_memory_mib
    return 1.0 if kind.is_of_node else float(accelerator_count)


def _spaced(
    strikes: Sequence[Strikes], planned: Sequence[PlannedFault], duration_s: float
) -> list[Strikes]:
    """Move strikes back until none is near another fault; what moves past the end is left out."""
    windows = sorted(_window(fault) for fault in planned)
    kept: dict[str, list[float]] = {one.kind.id: [] for one in strikes}
    free_s = SPACING_S  # the node boots before
    for time_s, name in sorted((t, one.kind.id) for one in strikes for t in one.time_s):
        part_s = time_s % 1.0  # where in a cycle it strikes stays as it was drawn
        at_s = time_s if time_s >= free_s else math.ceil(free_s) + part_s
        for low_s, high_s in windows:
            if low_s <= at_s < high_s:
                at_s = math.ceil(high_s) + part_s
        if at_s < duration_s:
            kept[name].append(at_s)
        free_s = at_s + SPACING_S
    return [one._replace(time_s=tuple(kept[one.kind.id])) for one in strikes]


def _window(fault: PlannedFault) -> tuple[float, float]:
    start_s = fault.start_ns / NS_PER_S
    end_s = start_s + _AFTER_S if fault.end_ns >= FOREVER_NS else fault.end_ns / NS_PER_S
    return start_s - SPACING_S, end_s + SPACING_S


def planned_faults(
    strikes: Sequence[Strikes], seed: int, accelerator_count: int
) -> tuple[PlannedFault, ...]:
    """Return the faults of all strikes, in order; what each one hits is drawn."""
    found = []
    for kind, _, _, _, time_s in strikes:
        draw = random.Random(f"struck {kind.id} {seed}")
        for number, at_s in enumerate(time_s, 1):
            accelerator = draw.randrange(accelerator_count)
            for effect in kind.effects:
                given = {name: draw.choice(values) for name, values in effect.parameters.items()}
                target = draw.choice(effect.targets)
                name = f"radiation_{kind.id}_{number}_{effect.fault}".lower()
                found.append(_planned(name, effect.fault, target.format(accelerator), given, at_s))
    return tuple(sorted(found, key=lambda fault: fault.start_ns))


def _planned(
    name: str, fault: str, target: str, given: Mapping[str, float | bool | str], at_s: float
) -> PlannedFault:
    parameters = with_defaults(FAULTS[fault], given)
    duration_s = float(parameters.pop("duration_s", math.inf))
    start_ns = round(at_s * NS_PER_S)
    end_ns = FOREVER_NS if math.isinf(duration_s) else start_ns + round(duration_s * NS_PER_S)
    return PlannedFault(
        id=name,
        name=fault,
        target=target,
        parameters=parameters,
        start_ns=start_ns,
        end_ns=end_ns,
    )
