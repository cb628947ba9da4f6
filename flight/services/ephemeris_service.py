"""The service that keeps the forecast of eclipses fresh, in monotonic time.

It believes its own element set, and only while UTC is trusted and the set is young; otherwise the
forecast is empty and an event says why. The work is taken in slices of a fraction of a
millisecond, so the cycle never waits for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from pydantic import Field, field_validator

from flight.core.section import Section
from flight.core.types import Event, OrbitForecast, Severity
from flight.plan.element_set import DAY_S, ElementSet, parse_element_set
from flight.plan.ephemeris import CannotPropagate, Ephemeris, Span
from flight.services.nap import Nap

NS_PER_S: Final = 1_000_000_000
WAKE_S: Final = 1.0
ORBITS_AHEAD: Final = 2.0
OFFSET_CHANGE_NS: Final = 100_000_000  # a smaller step of UTC waits for the next refresh
NOTHING_KNOWN: Final = OrbitForecast()


class EphemerisSection(Section):
    """What the node knows of its own orbit."""

    element_set: str = Field(
        default="",
        description="Two lines, or a JSON object with OMM keys; empty: no orbit is known.",
    )
    refresh_s: float = Field(
        default=600.0, ge=10.0, le=3600.0, description="A forecast is made this often; assumed."
    )
    age_days_max: float = Field(
        default=14.0,
        gt=0.0,
        le=365.0,
        description="An element set further from its epoch is not believed; assumed.",
    )

    @field_validator("element_set")
    @classmethod
    def _can_be_flown(cls, element_set: str) -> str:
        if element_set.strip():
            parse_element_set(element_set)
        return element_set


class EphemerisHealth(NamedTuple):
    """What the service knows of itself. problem: why the forecast is empty, "" when it is not."""

    name: str
    problem: str
    refreshes: int
    age_days: float
    beta_deg: float
    period_s: float


class EphemerisService:
    """Makes OrbitForecasts.

    Args:
        config: The section [ephemeris].
        now_ns: Monotonic clock.
        utc_offset_ns: UTC in ns since 1970 minus monotonic time; None: unknown.
        is_time_trusted: Whether that offset may be believed.
        element_set: The present elements: the text of a parameter, "" for none, or a ready set.
            None: that of the config.
        on_event: Takes ephemeris.stale and its end; must not raise.

    Attributes:
        forecast: The newest; the same object while nothing changed. The cycle reads it.
        progress: Grows with every wake-up, at least once a second.
    """

    def __init__(
        self,
        *,
        config: EphemerisSection,
        now_ns: Callable[[], int],
        utc_offset_ns: Callable[[], int | None],
        is_time_trusted: Callable[[], bool],
        element_set: Callable[[], str | ElementSet] | None = None,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.forecast = NOTHING_KNOWN
        self.progress = 0
        self._config = config
        self._now_ns = now_ns
        self._utc_offset_ns = utc_offset_ns
        self._is_time_trusted = is_time_trusted
        self._element_set = element_set or (lambda: config.element_set)
        self._on_event = on_event
        self._nap = Nap()
        self._is_ending = False
        self._source: str | ElementSet | None = None
        self._ephemeris: Ephemeris | None = None
        self._bad_elements = ""  # why the source gives no ephemeris
        self._problem = ""
        self._due_ns = 0
        self._offset_ns = 0  # that the forecast was made with
        self._refreshes = 0
        self._beta_deg = 0.0

    @property
    def health(self) -> EphemerisHealth:
        """The state of the service now."""
        ephemeris = self._ephemeris
        offset_ns = self._utc_offset_ns()
        if ephemeris is None:
            return EphemerisHealth("", self._problem, self._refreshes, 0.0, 0.0, 0.0)
        age_days = 0.0 if offset_ns is None else self._age_days(ephemeris, offset_ns)
        return EphemerisHealth(
            ephemeris.element_set.name,
            self._problem,
            self._refreshes,
            age_days,
            self._beta_deg,
            ephemeris.period_s,
        )

    def request_end(self) -> None:
        """Ask `run` to return."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Keep `forecast` fresh until `request_end`."""
        while not self._is_ending:
            await self._look()
            self.progress += 1
            await self._nap.sleep(WAKE_S)

    async def _look(self) -> None:
        """Refresh when it is due, or when the elements or UTC changed."""
        self._take_elements()
        offset_ns = self._utc_offset_ns()
        if offset_ns is None or not self._is_time_trusted():
            self._withdraw("UTC is not trusted")
            return
        ephemeris = self._ephemeris
        if ephemeris is None:
            self._withdraw(self._bad_elements or "no element set is given")
            return
        if abs(self._age_days(ephemeris, offset_ns)) > self._config.age_days_max:
            self._withdraw(
                f"{ephemeris.element_set.name}: more than {self._config.age_days_max:g} days from "
                "its epoch"
            )
            return
        has_stepped = abs(offset_ns - self._offset_ns) > OFFSET_CHANGE_NS
        if has_stepped or self._now_ns() >= self._due_ns:
            await self._refresh(ephemeris, offset_ns)
        else:
            self._drop_what_is_over()

    def _take_elements(self) -> None:
        """Parse the elements again when they changed; a bad set leaves no ephemeris."""
        source = self._element_set()
        if source is self._source or source == self._source:
            return
        self._source, self._ephemeris, self._bad_elements = source, None, ""
        self._due_ns = 0
        try:
            if isinstance(source, ElementSet):
                self._ephemeris = Ephemeris(source)
            elif source.strip():
                self._ephemeris = Ephemeris(parse_element_set(source))
        except ValueError as error:
            self._bad_elements = str(error)

    async def _refresh(self, ephemeris: Ephemeris, offset_ns: int) -> None:
        """Compute two orbits and the time to the next refresh ahead, in slices."""
        now_ns = self._now_ns()
        utc_s = (now_ns + offset_ns) / NS_PER_S
        ahead_s = ORBITS_AHEAD * ephemeris.period_s + self._config.refresh_s
        try:
            spans = await _in_slices(ephemeris, utc_s, ahead_s)
            self._beta_deg = ephemeris.beta_deg(utc_s)
        except CannotPropagate as error:
            self._withdraw(str(error))
            return
        self.forecast = OrbitForecast(
            tuple(
                (_monotonic_ns(entry_s, offset_ns), _monotonic_ns(exit_s, offset_ns))
                for entry_s, exit_s in spans
            ),
            now_ns + round(ahead_s * NS_PER_S),
        )
        self._offset_ns = offset_ns
        self._due_ns = now_ns + round(self._config.refresh_s * NS_PER_S)
        self._refreshes += 1
        if self._problem:
            self._problem = ""
            self._tell("ephemeris.stale.cleared", Severity.INFO, "eclipses are known again")

    def _drop_what_is_over(self) -> None:
        spans = self.forecast.spans_ns
        if spans and spans[0][1] <= self._now_ns():
            self.forecast = self.forecast._replace(spans_ns=spans[1:])

    def _withdraw(self, problem: str) -> None:
        """Forget the forecast, and say so once for each reason."""
        self.forecast = NOTHING_KNOWN
        self._due_ns = 0
        if problem != self._problem:
            self._problem = problem
            self._tell("ephemeris.stale", Severity.WARNING, f"no eclipse is known: {problem}")

    def _tell(self, event_id: str, severity: Severity, text: str) -> None:
        self._on_event(Event(self._now_ns(), event_id, severity, "ephemeris", text))

    def _age_days(self, ephemeris: Ephemeris, offset_ns: int) -> float:
        utc_s = (self._now_ns() + offset_ns) / NS_PER_S
        return (utc_s - ephemeris.element_set.epoch_utc_s) / DAY_S


async def _in_slices(ephemeris: Ephemeris, utc_s: float, span_s: float) -> tuple[Span, ...]:
    search = ephemeris.search(utc_s, span_s)
    while True:
        try:
            next(search)
        except StopIteration as end:
            found: tuple[Span, ...] = end.value
            return found
        await asyncio.sleep(0)


def _monotonic_ns(utc_s: float, offset_ns: int) -> int:
    return round(utc_s * NS_PER_S) - offset_ns
