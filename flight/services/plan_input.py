"""The plan as a file: read when it changes, checked whole, turned into monotonic time.

A file that cannot be used is told with its reason, and the plan in force stays until its own
validity ends. Files are looked at by a thread of their own, so a sick disk holds nobody up.
"""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from flight.core.section import Section
from flight.core.types import CapPlan, Event, Severity
from flight.operator_error import OperatorError, explain_validation
from flight.services.file_watch import FileWatch, Sighting
from flight.services.nap import Nap

NS_PER_S: Final = 1_000_000_000
WAKE_S: Final = 1.0
PLAN_BYTES_MAX: Final = 500_000
STEPS_MAX: Final = 2_000
SECONDS_MAX: Final = 1.0e8
WATTS_MAX: Final = 100_000.0
OFFSET_CHANGE_NS: Final = 100_000_000  # a smaller step of UTC leaves the plan where it is
TEXT_LENGTH_MAX: Final = 400  # of the reason in an event


class PlanInputSection(Section):
    """A plan of caps from a file."""

    path: str = Field(
        default="", description="A .json or .toml file, read when it changes; empty: no plan."
    )


class PlanInputHealth(NamedTuple):
    """What the service knows of itself. problem: why the newest file is not in force, or ""."""

    accepted: int
    rejected: int
    problem: str


def _utc_time(value: Any) -> datetime:
    """Return a time as UTC; without a zone it is taken for UTC. A number is never a date here."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        when = None
    if not isinstance(when, datetime) or not 2000 <= when.year <= 2100:  # fits in 64 bits of ns
        raise ValueError("write a time such as 2030-03-20T12:00:00Z")
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _step_time(value: Any) -> datetime | float:
    if not _is_number(value):
        return _utc_time(value)
    if not abs(value) <= SECONDS_MAX:
        raise ValueError(f"write seconds up to {SECONDS_MAX:g}, or a time in UTC")
    return float(value)


def _watts(value: Any) -> float | tuple[float, ...]:
    caps = value if isinstance(value, list) else [value]
    if not all(_is_number(cap) and 0.0 <= cap <= WATTS_MAX for cap in caps):
        raise ValueError(f"write watts, 0 to {WATTS_MAX:g}, or a list of them")
    return tuple(map(float, caps)) if isinstance(value, list) else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


UtcTime = Annotated[datetime, PlainValidator(_utc_time)]
StepTime = Annotated[datetime | float, PlainValidator(_step_time)]
StepCaps = Annotated[float | tuple[float, ...], PlainValidator(_watts)]


class PlanFile(BaseModel):
    """What a plan file says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    valid_until_utc: UtcTime = Field(description="From here on the plan binds nothing.")
    start_utc: UtcTime | None = Field(
        default=None, description="Where the seconds of steps count from."
    )
    steps: tuple[tuple[StepTime, StepCaps], ...] = Field(
        description="When, in UTC or seconds, and the cap of all or of each accelerator.",
    )


def parse_plan(name: str, text: str, accelerator_count: int) -> "UtcPlan":
    """Return the plan that a file holds.

    Args:
        name: Of the file; its suffix says what it is.

    Raises:
        OperatorError: It cannot be used; one line per mistake.
    """
    data = _load(name, text)
    try:
        plan = PlanFile.model_validate(data)
    except ValidationError as error:
        raise OperatorError(explain_validation(name, error, PlanFile, data)) from None
    times_s = [_step_time_s(name, i, step[0], plan) for i, step in enumerate(plan.steps)]
    for i, (first_s, second_s) in enumerate(pairwise(times_s)):
        if second_s <= first_s:
            raise OperatorError(f"{name}: steps[{i + 1}]: is not later than the step before it")
    caps = [_caps(name, i, step[1], accelerator_count) for i, step in enumerate(plan.steps)]
    return UtcPlan(tuple(times_s), tuple(caps), plan.valid_until_utc.timestamp())


class UtcPlan(NamedTuple):
    """A cap trajectory in UTC seconds."""

    from_s: tuple[float, ...]
    caps_w: tuple[tuple[float, ...], ...]
    valid_until_s: float

    def monotonic(self, offset_ns: int) -> CapPlan:
        """Return the same in monotonic time."""
        return CapPlan(
            tuple(round(utc_s * NS_PER_S) - offset_ns for utc_s in self.from_s),
            self.caps_w,
            round(self.valid_until_s * NS_PER_S) - offset_ns,
        )


class PlanInput:
    """Gives the cycle the plan of a file.

    Args:
        config: The section [plan_input].
        accelerator_count: Caps that each step must have.
        now_ns, utc_offset_ns, is_time_trusted: As for the ephemeris service. While UTC is not
            trusted no file is taken; the plan in force is in monotonic time and stays.
        on_event: Takes plan.accepted, plan.rejected, plan.expired; must not raise.
        has_thread: Whether the file is looked at by a thread; False in virtual time.

    Attributes:
        plan: The newest, None for none; the same object while nothing changed. One whose validity
            is over stays: what holds then is the core's to say.
        progress: Grows with every wake-up, at least once a second.
    """

    def __init__(
        self,
        *,
        config: PlanInputSection,
        accelerator_count: int,
        now_ns: Callable[[], int],
        utc_offset_ns: Callable[[], int | None],
        is_time_trusted: Callable[[], bool],
        on_event: Callable[[Event], None] = lambda _event: None,
        has_thread: bool = True,
    ) -> None:
        self.plan: CapPlan | None = None
        self.progress = 0
        self._path = Path(config.path) if config.path else None
        self._count = accelerator_count
        self._now_ns = now_ns
        self._utc_offset_ns = utc_offset_ns
        self._is_time_trusted = is_time_trusted
        self._on_event = on_event
        self._has_thread = has_thread
        self._watch: FileWatch[UtcPlan] | None = None
        if self._path is not None:
            self._watch = FileWatch(self._path, bytes_max=PLAN_BYTES_MAX, convert=self._convert)
        self._nap = Nap()
        self._is_ending = False
        self._utc_plan: UtcPlan | None = None  # what `plan` was made from
        self._offset_ns = 0
        self._is_over = False  # told
        self._waiting: Sighting[UtcPlan] | None = None  # read, but UTC is not trusted yet
        self._accepted = 0
        self._rejected = 0
        self._problem = ""

    @property
    def health(self) -> PlanInputHealth:
        """The state of the service now."""
        return PlanInputHealth(self._accepted, self._rejected, self._problem)

    def request_end(self) -> None:
        """Ask `run` to return."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Follow the file until `request_end`."""
        if self._watch is not None and self._has_thread:
            self._watch.start()
        try:
            while not self._is_ending:
                self.look()
                self.progress += 1
                await self._nap.sleep(WAKE_S)
        finally:
            if self._watch is not None and self._is_ending:
                self._watch.end()

    def look(self) -> None:
        """Take what the watch has seen, follow UTC, tell of a plan whose time is over."""
        if self._watch is not None:
            self._waiting = self._watch.take() or self._waiting
        offset_ns = self._utc_offset_ns() if self._is_time_trusted() else None
        if offset_ns is not None:
            self._follow(offset_ns)
            if self._waiting is not None:
                sighting, self._waiting = self._waiting, None
                self._judge(sighting, offset_ns)
        elif self._waiting is not None:
            self._problem = "waits for a trusted UTC"
        is_over = self.plan is not None and self._now_ns() >= self.plan.valid_until_ns
        if is_over and not self._is_over:
            self._tell("plan.expired", Severity.WARNING, "the plan's validity is over")
        self._is_over = is_over

    def _follow(self, offset_ns: int) -> None:
        """Shift the plan when UTC stepped against monotonic time."""
        if self._utc_plan is not None and abs(offset_ns - self._offset_ns) > OFFSET_CHANGE_NS:
            self.plan, self._offset_ns = self._utc_plan.monotonic(offset_ns), offset_ns

    def _convert(self, data: bytes) -> UtcPlan:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise OperatorError(f"{self._path}: is not text, so it cannot be a plan") from None
        return parse_plan(str(self._path), text, self._count)

    def _judge(self, sighting: Sighting[UtcPlan], offset_ns: int) -> None:
        utc_s = (self._now_ns() + offset_ns) / NS_PER_S
        utc_plan = sighting.value
        if utc_plan is None:
            self._reject(sighting.errors)
            return
        if utc_plan.valid_until_s <= utc_s:
            text = "valid_until_utc is over; write a plan for the time to come"
            self._reject((f"{self._path}: {text}",))
            return
        self._accepted += 1
        self._problem = ""
        self._utc_plan, self._offset_ns = utc_plan, offset_ns
        self.plan = utc_plan.monotonic(offset_ns) if utc_plan.from_s else None
        text = f"{len(utc_plan.from_s)} steps, {utc_plan.valid_until_s - utc_s:.0f} s"
        self._tell("plan.accepted", Severity.INFO, text)

    def _reject(self, errors: tuple[str, ...]) -> None:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        self._problem = f"{errors[0][:TEXT_LENGTH_MAX]}{more}"
        self._rejected += 1
        self._tell("plan.rejected", Severity.WARNING, self._problem)

    def _tell(self, event_id: str, severity: Severity, text: str) -> None:
        self._on_event(Event(self._now_ns(), event_id, severity, "plan", text))


def _load(name: str, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if name.endswith(".json") else "TOML"
        raise OperatorError(f"{name}: is not valid {kind}: {error}") from None
    if not isinstance(data, dict):
        raise OperatorError(f"{name}: is no table of keys; write valid_until_utc and steps")
    steps = data.get("steps")
    if isinstance(steps, list) and len(steps) > STEPS_MAX:  # before each of them gets a message
        raise OperatorError(f"{name}: steps: {len(steps)} steps; give at most {STEPS_MAX}")
    return data


def _step_time_s(name: str, index: int, when: datetime | float, plan: PlanFile) -> float:
    if isinstance(when, datetime):
        return when.timestamp()
    if plan.start_utc is None:
        raise OperatorError(f"{name}: steps[{index}] = {when:g} s: give start_utc, or UTC times")
    return plan.start_utc.timestamp() + when


def _caps(
    name: str, index: int, caps: float | tuple[float, ...], accelerator_count: int
) -> tuple[float, ...]:
    if isinstance(caps, float):
        return (caps,) * accelerator_count
    if len(caps) != accelerator_count:
        raise OperatorError(
            f"{name}: steps[{index}]: {len(caps)} caps; give one for all or {accelerator_count}"
        )
    return caps
