"""The forecast of eclipses: fresh, in monotonic time, and empty whenever it could not be true."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flight.core.types import Event, OrbitForecast
from flight.plan.element_set import (
    DAY_S,
    ElementSet,
    circular_element_set,
    parse_element_set,
)
from flight.plan.ephemeris import Ephemeris
from flight.services.ephemeris_service import NS_PER_S, EphemerisSection, EphemerisService
from sim_hw.clock import SimLoop, run_simulated

EPOCH_S = datetime(2030, 3, 20, 12, tzinfo=UTC).timestamp()
ELEMENTS = circular_element_set(
    altitude_km=550.0, inclination_deg=97.6, raan_deg=0.0, argument_of_latitude_deg=0.0,
    epoch_utc=datetime(2030, 3, 20, 12, tzinfo=UTC),
)  # fmt: skip


class World:
    """What the service depends on; a test turns the knobs."""

    def __init__(self, **config: float | str) -> None:
        self.offset_ns: int | None = round(EPOCH_S * NS_PER_S)  # monotonic 0 is the epoch
        self.is_trusted = True
        self.elements: str | ElementSet = ELEMENTS
        self.events: list[Event] = []
        self.service = EphemerisService(
            config=EphemerisSection.model_validate(config),
            now_ns=self.now_ns,
            utc_offset_ns=lambda: self.offset_ns,
            is_time_trusted=lambda: self.is_trusted,
            element_set=lambda: self.elements,
            on_event=self.events.append,
        )

    def now_ns(self) -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        return loop.now_ns()

    @property
    def forecast(self) -> OrbitForecast:
        return self.service.forecast

    def event_ids(self) -> list[str]:
        return [event.event_id for event in self.events]

    def fly(self, *steps: tuple[float, Callable[[], object]]) -> None:
        """Run the service; at each time (s) call a function. Time stands still for the call."""

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.service.run(), name="ephemeris")
                for at_s, call in steps:
                    await asyncio.sleep(at_s - self.now_ns() / NS_PER_S)
                    call()
                self.service.request_end()

        run_simulated(main())


def expected_spans(from_s: float, offset_s: float = EPOCH_S) -> list[tuple[float, float]]:
    """Return eclipses of two orbits from monotonic from_s on, in monotonic seconds."""
    ephemeris = Ephemeris(ELEMENTS)
    spans = ephemeris.eclipses(offset_s + from_s, 2.0 * ephemeris.period_s)
    return [(entry_s - offset_s, exit_s - offset_s) for entry_s, exit_s in spans]


def assert_forecast(world: World, from_s: float, offset_s: float = EPOCH_S) -> None:
    expected = expected_spans(from_s, offset_s)
    spans = [(a / NS_PER_S, b / NS_PER_S) for a, b in world.forecast.spans_ns]
    for ours, theirs in zip(spans, expected, strict=False):
        assert ours == pytest.approx(theirs, abs=0.01)
    assert len(spans) >= len(expected) >= 2
    ahead_s = world.forecast.valid_until_ns / NS_PER_S - from_s
    assert ahead_s >= 2.0 * ELEMENTS.period_s


def test_two_orbits_are_always_known_ahead_and_what_is_over_is_dropped() -> None:
    world = World(refresh_s=600.0)
    refreshes: list[int] = []
    (entry_s, exit_s), *_ = expected_spans(0.0)

    def begun() -> None:
        assert world.forecast.spans_ns[0][0] / NS_PER_S == pytest.approx(entry_s, abs=0.01)

    def over() -> None:
        assert world.forecast.spans_ns[0][0] / NS_PER_S > exit_s

    world.fly(
        (0.5, lambda: assert_forecast(world, 0.5)),
        (599.0, lambda: assert_forecast(world, 599.0)),
        (entry_s + 5.0, begun),
        (exit_s + 1.5, over),
        (20_000.0, lambda: assert_forecast(world, 20_000.0)),
        (20_000.0, lambda: refreshes.append(world.service.health.refreshes)),
    )
    assert world.events == []
    assert 33 <= refreshes[0] <= 36
    assert world.service.progress >= 20_000


def test_the_same_object_stands_while_nothing_changed() -> None:
    world = World()
    seen: list[OrbitForecast] = []
    world.fly(*((t, lambda: seen.append(world.forecast)) for t in (1.5, 2.5, 500.0)))
    assert seen[0] is seen[1] is seen[2]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda world: setattr(world, "is_trusted", False), "UTC is not trusted"),
        (lambda world: setattr(world, "offset_ns", None), "UTC is not trusted"),
        (lambda world: setattr(world, "elements", ""), "no element set is given"),
        (lambda world: setattr(world, "elements", "1 junk"), "give an optional name line"),
        (
            lambda world: setattr(
                world, "offset_ns", round((EPOCH_S + 14.1 * DAY_S) * NS_PER_S)
            ),
            "more than 14 days from its epoch",
        ),
        (
            lambda world: setattr(
                world, "offset_ns", round((EPOCH_S - 14.1 * DAY_S) * NS_PER_S)
            ),
            "more than 14 days from its epoch",
        ),
    ],
)  # fmt: skip
def test_a_forecast_that_could_be_wrong_is_withdrawn_told_once_and_comes_back(
    spoil: Callable[[World], None], reason: str
) -> None:
    world = World()

    def mend() -> None:
        world.is_trusted, world.elements = True, ELEMENTS
        world.offset_ns = round(EPOCH_S * NS_PER_S)

    def is_empty() -> None:
        assert world.forecast == OrbitForecast()
        assert reason in world.service.health.problem

    world.fly(
        (10.0, lambda: spoil(world)),
        (12.0, is_empty),
        (100.0, is_empty),
        (100.0, mend),
        (102.0, lambda: assert_forecast(world, 102.0)),
    )
    assert world.event_ids() == ["ephemeris.stale", "ephemeris.stale.cleared"]
    assert reason in world.events[0].text


def test_an_orbit_that_has_decayed_is_told_and_the_service_lives() -> None:
    world = World(age_days_max=365.0)
    world.elements = (
        '{"EPOCH": "2030-03-20T12:00:00", "MEAN_MOTION": 16.4, "ECCENTRICITY": 0.001, '
        '"INCLINATION": 97.6, "RA_OF_ASC_NODE": 0, "ARG_OF_PERICENTER": 0, "MEAN_ANOMALY": 0, '
        '"BSTAR": 0.3}'
    )
    world.offset_ns = round((EPOCH_S + 60.0 * DAY_S) * NS_PER_S)
    world.fly((50.0, lambda: None))
    assert world.forecast == OrbitForecast()
    assert world.event_ids() == ["ephemeris.stale"]
    assert world.service.progress >= 50


def test_new_elements_and_a_step_of_utc_are_followed_within_a_second() -> None:
    world = World()
    first: list[OrbitForecast] = []

    def step() -> None:
        first.append(world.forecast)
        world.offset_ns = round((EPOCH_S + 1000.0) * NS_PER_S)

    def new_elements() -> None:
        first.append(world.forecast)
        world.elements = ELEMENTS._replace(text="other")

    world.fly(
        (5.0, step),
        (6.5, lambda: assert_forecast(world, 6.5, EPOCH_S + 1000.0)),
        (7.0, new_elements),
        (8.5, lambda: first.append(world.forecast)),
    )
    assert len({id(forecast) for forecast in first}) == 3
    assert world.events == []


def test_a_bad_element_set_in_the_config_is_refused_on_the_ground() -> None:
    with pytest.raises(ValueError, match="give an optional name line"):
        EphemerisSection(element_set="1 junk")


def test_the_element_set_of_the_config_is_used_when_no_other_is_given() -> None:
    text = (Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle").read_text()
    epoch_ns = round(parse_element_set(text).epoch_utc_s * NS_PER_S)

    async def main() -> EphemerisService:
        service = EphemerisService(
            config=EphemerisSection(element_set=text),
            now_ns=lambda: round(asyncio.get_running_loop().time() * NS_PER_S),
            utc_offset_ns=lambda: epoch_ns,
            is_time_trusted=lambda: True,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(service.run(), name="ephemeris")
            await asyncio.sleep(0.5)
            assert service.health.name == "CBERS 2"
            assert abs(service.health.beta_deg) < 90.0 and service.health.age_days < 0.001
            service.request_end()
        return service

    assert len(run_simulated(main()).forecast.spans_ns) >= 2


def test_a_small_step_of_utc_waits_for_the_next_refresh() -> None:
    world = World()
    seen: list[OrbitForecast] = []

    def drift() -> None:
        seen.append(world.forecast)
        assert world.offset_ns is not None
        world.offset_ns += 50_000_000

    world.fly((5.0, drift), (10.0, lambda: seen.append(world.forecast)))
    assert seen[0] is seen[1]


def test_other_tasks_run_between_the_slices_of_a_refresh() -> None:
    world = World()
    turns = 0

    async def main() -> None:
        nonlocal turns
        task = asyncio.create_task(world.service.run())
        while not world.forecast.spans_ns:
            turns += 1
            await asyncio.sleep(0)
        world.service.request_end()
        await task

    run_simulated(main())
    assert turns >= 10
