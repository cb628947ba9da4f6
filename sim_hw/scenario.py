"""Scenarios: a TOML file that says how a flight starts, what goes wrong, and what is expected of
it.

The format belongs to every back end: the same file flies in virtual time, in real time and on a
bench. Two stages: `load_scenario` checks all that a file can be checked for on the ground, and
`resolve` turns times into integer nanoseconds once orbit, duration and seed are known. Reference
for authors: docs/reference/scenario.md.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from flight.operator_error import OperatorError, explain_validation, read_toml
from sim_hw.faults import Injector
from sim_hw.scenario_check import Dictionary, check_scenario
from sim_hw.timeline import TimeExpression, parse_time

Stat = Literal["all", "any", "max", "min", "sum"]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _parse_time(value: object) -> TimeExpression:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("write a time such as '2600 s' or 'eclipse_exit + 60 s'")
    if not isinstance(value, str):
        raise ValueError(f"a time needs a unit; write '{value} s'")
    return parse_time(value)


Time = Annotated[TimeExpression, BeforeValidator(_parse_time)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class StartTable(_Table):
    """How the flight begins. What is not given is the node's own default."""

    orbit_phase: float | None = Field(
        default=None, ge=0.0, lt=1.0, description="Share of an orbit after eclipse entry."
    )
    charge_ratio: float | None = Field(default=None, ge=0.0, le=1.0)
    temp_c: float | None = Field(
        default=None, ge=-20.0, le=80.0, description="All thermal nodes, degC."
    )
    mode: Literal["STANDBY", "NOMINAL", "SAFE"] | None = Field(
        default=None, description="Where BOOT leads."
    )


class FaultEntry(_Table):
    """One fault, by id, time, name, target and parameters (sim_hw/faults.py)."""

    id: Identifier
    at: Time
    name: str
    target: str
    parameters: dict[str, float | bool | str] = Field(default_factory=dict)


class ActionEntry(_Table):
    """One action: a command of the node's dictionary, `workload` or `link_window`."""

    at: Time
    do: str
    parameters: dict[str, float | bool | str] = Field(default_factory=dict)


class ExpectEntry(_Table):
    """One expectation on a telemetry point (or a pattern of points), on an event or on recovery.

    Exactly one of: `at` (one instant), `after` with `within_s` (becomes true in time), `always`
    (each cycle from `from` until `until`).
    """

    id: Identifier
    point: str | None = None
    event: str | None = None
    subject: str | None = Field(default=None, description="Of an event; a shell pattern.")
    back_to: Literal["STANDBY", "NOMINAL"] | None = Field(
        default=None, description="That mode, with no response at work on any accelerator."
    )
    stat: Stat = Field(default="all", description="Over the points that a pattern names.")
    min: Finite | None = None
    max: Finite | None = None
    at: Time | None = None
    after: Time | None = None
    within_s: float | None = Field(default=None, gt=0.0, le=864_000.0)
    hold_s: float = Field(default=0.0, ge=0.0, le=864_000.0)
    always: bool = False
    from_: Time | None = Field(default=None, alias="from")
    until: Time | None = None

    @model_validator(mode="after")
    def _says_what_is_looked_at(self) -> Self:
        looked_at = (self.point, self.event, self.back_to)
        if sum(given is not None for given in looked_at) != 1:
            raise ValueError("give exactly one of point, event and back_to")
        if self.back_to is not None:
            return self._is_only_back()
        if self.point is not None and self.subject is not None:
            raise ValueError("subject belongs to an event, not to a point")
        if self.point is not None and self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.event is not None and (self.at is not None or self.hold_s > 0.0):
            raise ValueError("an event has no at and no hold_s; give after and within_s, or always")
        return self

    def _is_only_back(self) -> Self:
        if any(given is not None for given in (self.subject, self.min, self.max)):
            raise ValueError("back_to has no subject, min and max")
        if self.after is None:
            raise ValueError("back_to needs after and within_s")
        return self

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        given = [self.at is not None, self.after is not None, self.always]
        if sum(given) != 1:
            raise ValueError("give exactly one of at, after (with within_s) and always = true")
        if (self.after is None) != (self.within_s is None):
            raise ValueError("after and within_s go together")
        if not self.always and (self.from_ is not None or self.until is not None):
            raise ValueError("from and until belong to always = true")
        if self.always and self.hold_s > 0.0:
            raise ValueError("hold_s has no meaning with always = true")
        return self

    @property
    def low(self) -> float:
        """Return the lower bound; -inf for none. An event without bounds happens at least once."""
        if self.event is not None and self.min is None:
            return 1.0 if self.max is None else 0.0
        return -math.inf if self.min is None else self.min

    @property
    def high(self) -> float:
        """Return the upper bound; +inf for none."""
        return math.inf if self.max is None else self.max


class Scenario(_Table):
    """A whole scenario file, checked but without an orbit."""

    title: str = Field(min_length=1, max_length=100)
    shows: str = Field(min_length=1, description="What a reader learns from the flight.")
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    duration: str | None = Field(default=None, description="Used when the caller gives none.")
    config: str | None = Field(
        default=None,
        description="Configuration of the node that it is meant for, relative to the scenario's "
        "folder; used when the caller gives none. Without it: REF-1.",
    )
    start: StartTable = StartTable()
    fault: tuple[FaultEntry, ...] = ()
    action: tuple[ActionEntry, ...] = ()
    expect: tuple[ExpectEntry, ...] = ()

    def times(self) -> Iterator[tuple[tuple[str | int, ...], TimeExpression]]:
        """Return every time in the file with its place."""
        for i, fault in enumerate(self.fault):
            yield ("fault", i, "at"), fault.at
        for i, action in enumerate(self.action):
            yield ("action", i, "at"), action.at
        for i, expect in enumerate(self.expect):
            for key, time in (
                ("at", expect.at),
                ("after", expect.after),
                ("from", expect.from_),
                ("until", expect.until),
            ):
                if time is not None:
                    yield ("expect", i, key), time


def load_scenario(
    path: Path, dictionary: Dictionary | None = None, injectors: Sequence[Injector] = ()
) -> Scenario:
    """Return the checked scenario of a file.

    Args:
        dictionary: Names that the node knows; None checks no names of points, events and commands.
        injectors: Back ends that will fly it; each may refuse a fault by name.

    Raises:
        OperatorError: One line per mistake: file, key with index and id, value, what would be
        right.
    """
    return parse_scenario(
        read_toml(path, what="scenario"), path=path, dictionary=dictionary, injectors=injectors
    )


def config_of(path: Path) -> Path | None:
    """Return the configuration that a scenario is meant for; None: it names none.

    Raises:
        OperatorError: The scenario cannot be read, or names a file that is not there.
    """
    name = read_toml(path, what="scenario").get("config")
    if not isinstance(name, str):
        return None
    found = path.parent / name
    if not found.is_file():
        raise OperatorError(
            f"{path}: config = {name!r}: no such file as {found}; it is looked up from the "
            "folder of the scenario"
        )
    return found


def parse_scenario(
    data: Mapping[str, Any],
    *,
    path: Path | str = "scenario",
    dictionary: Dictionary | None = None,
    injectors: Sequence[Injector] = (),
) -> Scenario:
    """Return the checked scenario of tables that were read already; `path` names them in messages.

    Raises:
        OperatorError: As `load_scenario`.
    """
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        lines = explain_validation(path, error, Scenario, data)
        raise OperatorError(list(dict.fromkeys(lines))) from None
    lines = check_scenario(scenario, data, path, dictionary, injectors)
    if lines:
        raise OperatorError(lines)
    return scenario
