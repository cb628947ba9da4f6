"""The plan as a file: a trajectory of caps, by the rules of file_input."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from flight.core.section import Section
from flight.core.types import CapPlan, Event, Severity
from flight.operator_error import OperatorError, explain_validation
from flight.services.file_input import (
    NS_PER_S,
    WATTS_MAX,
    FileInput,
    UtcTime,
    is_number,
    load_table,
    utc_time,
)

STEPS_MAX: Final = 2_000
SECONDS_MAX: Final = 1.0e8


class PlanInputSection(Section):
    """A plan of caps from a file."""

    path: str = Field(
        default="", description="A .json or .toml file, read when it changes; empty: no plan."
    )


def _step_time(value: Any) -> datetime | float:
    if not is_number(value):
        return utc_time(value)
    if not abs(value) <= SECONDS_MAX:
        raise ValueError(f"write seconds up to {SECONDS_MAX:g}, or a time in UTC")
    return float(value)


def _watts(value: Any) -> float | tuple[float, ...]:
    caps = value if isinstance(value, list) else [value]
    if not all(is_number(cap) and 0.0 <= cap <= WATTS_MAX for cap in caps):
        raise ValueError(f"write watts, 0 to {WATTS_MAX:g}, or a list of them")
    return tuple(map(float, caps)) if isinstance(value, list) else float(value)


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

    def monotonic(self, offset_ns: int) -> CapPlan | None:
        """Return the same in monotonic time; None: it has no steps."""
        if not self.from_s:
            return None
        return CapPlan(
            tuple(round(utc_s * NS_PER_S) - offset_ns for utc_s in self.from_s),
            self.caps_w,
            round(self.valid_until_s * NS_PER_S) - offset_ns,
        )

    def say(self) -> str:
        """Return it in words."""
        return f"{len(self.from_s)} steps"


class PlanInput(FileInput[CapPlan]):
    """Gives the cycle the plan of a file.

    Args: As those of FileInput; config: the section [plan_input]; accelerator_count: caps that each
        step must have. Tells of plan.expired besides.
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
        super().__init__(
            "plan",
            config.path,
            lambda name, text: parse_plan(name, text, accelerator_count),
            now_ns=now_ns,
            utc_offset_ns=utc_offset_ns,
            is_time_trusted=is_time_trusted,
            on_event=on_event,
            has_thread=has_thread,
        )
        self._is_over = False  # told

    def look(self) -> None:
        """Look as any input does, and tell of a plan whose time is over."""
        super().look()
        plan = self.value
        is_over = plan is not None and self._now_ns() >= plan.valid_until_ns
        if is_over and not self._is_over:
            self.tell("expired", Severity.WARNING, "the plan's validity is over")
        self._is_over = is_over


def _load(name: str, text: str) -> dict[str, Any]:
    data = load_table(name, text, keys="valid_until_utc and steps")
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
