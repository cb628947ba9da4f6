"""The second stage of a scenario: every time in it as integer nanoseconds of one particular run."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flight.operator_error import OperatorError
from sim_hw.faults import FAULTS, with_defaults
from sim_hw.scenario import ActionEntry, ExpectEntry, FaultEntry, Scenario, StartTable, Stat
from sim_hw.timeline import (
    NS_PER_S,
    RESERVED_ANCHORS,
    Anchors,
    OrbitEvents,
    TimeError,
    TimeExpression,
    resolve_time,
)

CYCLE_NS = 100_000_000  # 10 Hz, docs/design
LATE_LINES_MAX = 3
FOREVER_NS = 2**62  # later than any run ends


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """A fault with its instants in ns; `end_ns` is FOREVER_NS when it never ends."""

    id: str
    name: str
    target: str
    parameters: Mapping[str, float | bool | str]
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAction:
    """An action with its instant in ns."""

    time_ns: int
    do: str
    parameters: Mapping[str, float | bool | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExpectation:
    """An expectation with its window in ns.

    Args:
        point: A point name or pattern, else empty.
        event, subject: An event id and its subject, patterns both, else empty.
        stat: How the points of a pattern become one value.
        low, high: Bounds of the value, or of the count of events; infinite for none.
        when: `at` holds at `from_ns` (and for `hold_ns` after it); `within` becomes true between
            `from_ns` and `until_ns` and then holds for `hold_ns`; `always` from `from_ns` to
            `until_ns`.
        back_to: A mode instead of point and event: in force, and no response is at work any more.
    """

    id: str
    point: str
    event: str
    subject: str
    stat: Stat
    low: float
    high: float
    when: Literal["at", "within", "always"]
    from_ns: int
    until_ns: int
    hold_ns: int
    back_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightPlan:
    """A scenario resolved for one run: nothing in it is relative any more."""

    title: str
    shows: str
    seed: int
    duration_ns: int
    start: StartTable
    faults: tuple[PlannedFault, ...] = ()
    actions: tuple[PlannedAction, ...] = ()
    expectations: tuple[PlannedExpectation, ...] = ()
    left_out: tuple[str, ...] = ()


def resolve(
    scenario: Scenario,
    orbit: OrbitEvents,
    *,
    duration_s: float,
    seed: int,
    path: str = "scenario",
    leave_out_late: bool = False,
) -> FlightPlan:
    """Return the scenario with all times known.

    A fault whose time is not written to the millisecond is moved inside its 100 ms cycle by a
    seeded 1 to 99 ms, so that nothing depends on faults that are aligned with the cycle. A time
    that leans on another fault keeps its exact distance from it.

    Args:
        orbit: Eclipses within the run.
        duration_s: Length of the run, > 0.
        path: Named in messages.
        leave_out_late: What reaches past the end of the run is left out and named in the plan's
            `left_out`; without it, it is refused.

    Raises:
        OperatorError: A time does not exist in this run; one line each.
    """
    resolver = _Resolver(scenario, orbit, round(duration_s * NS_PER_S), seed, path)
    return resolver.plan(leave_out_late=leave_out_late)


class _Resolver:
    def __init__(
        self, scenario: Scenario, orbit: OrbitEvents, end_ns: int, seed: int, path: str
    ) -> None:
        self._scenario = scenario
        self._orbit = orbit
        self._end_ns = end_ns
        self._seed = seed
        self._path = path
        self._instants_ns: dict[str, int] = {}
        self._lines: list[str] = []
        self._late: dict[str, str] = {}

    def plan(self, *, leave_out_late: bool) -> FlightPlan:
        scenario = self._scenario
        for fault in scenario.fault:
            self._fault_instant(fault)
        faults = [self._fault(i, fault) for i, fault in enumerate(scenario.fault)]
        actions = [self._action(i, action) for i, action in enumerate(scenario.action)]
        expectations = [self._expectation(i, expect) for i, expect in enumerate(scenario.expect)]
        if not leave_out_late:
            self._lines += _shortened(list(self._late.values()), self._path)
        if self._lines:
            raise OperatorError(self._lines)
        late, end_ns = self._late, self._end_ns
        if late:  # the end that was meant is not the end of this run
            late |= {e.id: "" for e in expectations if e.when == "at" and e.from_ns == end_ns}
        return FlightPlan(
            title=scenario.title,
            shows=scenario.shows,
            seed=self._seed,
            duration_ns=self._end_ns,
            start=scenario.start,
            faults=tuple(
                sorted((f for f in faults if f.id not in late), key=lambda fault: fault.start_ns)
            ),
            actions=tuple(
                sorted((a for a in actions if a.time_ns < end_ns), key=lambda a: a.time_ns)
            ),
            expectations=tuple(e for e in expectations if e.id not in late),
            left_out=tuple(late),
        )

    def _fault_instant(self, fault: FaultEntry) -> int:
        """Resolve a fault's instant, and first that of the fault it leans on (never a circle:
        checked).
        """
        if fault.id in self._instants_ns:
            return self._instants_ns[fault.id]
        leans_on = next((f for f in self._scenario.fault if f.id == fault.at.anchor), None)
        if leans_on is not None:
            self._fault_instant(leans_on)
        index = self._scenario.fault.index(fault)
        time_ns = self._time(f"fault[{index}] ({fault.id}).at", fault.at)
        if not fault.at.is_fine and fault.at.anchor in RESERVED_ANCHORS:
            offset_ms = random.Random(f"{self._seed}:{fault.id}").uniform(1.0, 99.0)
            time_ns = time_ns - time_ns % CYCLE_NS + round(offset_ms * 1e6)
        self._instants_ns[fault.id] = time_ns
        return time_ns

    def _fault(self, index: int, fault: FaultEntry) -> PlannedFault:
        start_ns = self._instants_ns[fault.id]
        if start_ns >= self._end_ns:
            self._too_late(fault.id, f"fault[{index}] ({fault.id}).at", fault.at, start_ns)
        parameters = with_defaults(FAULTS[fault.name], fault.parameters)
        duration_s = float(parameters.pop("duration_s", math.inf))
        end_ns = FOREVER_NS if math.isinf(duration_s) else start_ns + round(duration_s * NS_PER_S)
        return PlannedFault(
            id=fault.id,
            name=fault.name,
            target=fault.target,
            parameters=parameters,
            start_ns=start_ns,
            end_ns=end_ns,
        )

    def _action(self, index: int, action: ActionEntry) -> PlannedAction:
        place = f"action[{index}] ({action.do}).at"
        time_ns = self._time(place, action.at)
        if time_ns >= self._end_ns:
            self._too_late(f"action[{index}]", place, action.at, time_ns)
        return PlannedAction(time_ns=time_ns, do=action.do, parameters=dict(action.parameters))

    def _expectation(self, index: int, expect: ExpectEntry) -> PlannedExpectation:
        place = f"expect[{index}] ({expect.id})"
        hold_ns = round(expect.hold_s * NS_PER_S)
        when: Literal["at", "within", "always"]
        last: TimeExpression | None
        if expect.at is not None:
            when, last = "at", expect.at
            from_ns = until_ns = self._time(f"{place}.at", expect.at)
        elif expect.after is not None:
            when, last = "within", expect.after
            from_ns = self._time(f"{place}.after", expect.after)
            until_ns = from_ns + round((expect.within_s or 0.0) * NS_PER_S)
        else:
            when, last = "always", expect.until
            from_ns = self._time(f"{place}.from", expect.from_) if expect.from_ else 0
            until_ns = self._time(f"{place}.until", last) if last else self._end_ns
        if last is not None and until_ns + hold_ns > self._end_ns:
            self._too_late(expect.id, place, last, until_ns + hold_ns)
        elif expect.from_ is not None and from_ns >= self._end_ns:
            self._too_late(expect.id, place, expect.from_, from_ns)
        elif from_ns > until_ns:
            self._lines.append(f"{self._path}: {place}: from is later than until")
        return PlannedExpectation(
            id=expect.id,
            point=expect.point or "",
            event=expect.event or "",
            subject=expect.subject or "*",
            stat=expect.stat,
            low=expect.low,
            high=expect.high,
            when=when,
            from_ns=from_ns,
            until_ns=until_ns,
            hold_ns=hold_ns,
            back_to=expect.back_to or "",
        )

    def _time(self, place: str, time: TimeExpression) -> int:
        anchors = Anchors(end_ns=self._end_ns, orbit=self._orbit, instants_ns=self._instants_ns)
        try:
            return resolve_time(time, anchors)
        except TimeError as error:
            self._lines.append(f"{self._path}: {place}: {error}")
            return 0

    def _too_late(self, entry: str, place: str, time: TimeExpression, time_ns: int) -> None:
        self._late[entry] = (
            f"{self._path}: {place} = {time.text!r}: reaches to {time_ns / NS_PER_S:g} s, "
            f"but the run ends at {self._end_ns / NS_PER_S:g} s; fly longer"
        )


def _shortened(lines: list[str], path: str) -> list[str]:
    """Return a few lines at most: one mistake of the duration is not twenty of the scenario."""
    if len(lines) <= LATE_LINES_MAX:
        return lines
    more = len(lines) - LATE_LINES_MAX
    return [*lines[:LATE_LINES_MAX], f"{path}: and {more} more entries reach past the end"]
