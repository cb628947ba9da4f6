"""The node's configuration: TOML read once, checked whole, refused with a line per mistake."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flight.core import rail_order
from flight.core.config import CoreConfig
from flight.core.points import Point, PointTable
from flight.dictionary.channels import build_point_table
from flight.operator_error import OperatorError, explain_validation, read_toml, suggest
from flight.services.allotment_input import AllotmentInputSection
from flight.services.ephemeris_service import EphemerisSection
from flight.services.event_budget import EventBudgetSection
from flight.services.link_config import LinkSection
from flight.services.plan_input import PlanInputSection
from flight.services.supervision_config import SupervisionConfig
from flight.services.time_source import TimeSection
from flight.services.workload import WorkloadSection
from flight.toml_lines import with_lines

NS_PER_S = 1_000_000_000
CONDUCTED_MAX = 4  # accelerators on straps: those of rails_a; assumed

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeSection(_Section):
    """Who this node is."""

    fleet: Name = Field(default="demo", description="First topic level.")
    satellite: Name = Field(default="sat1", description="Second topic level.")
    name: Name = Field(default="node1", description="Third topic level.")
    simulated: bool = Field(
        default=False,
        description="True when the devices are simulated; the birth message carries it.",
    )
    accelerator_count: int = Field(
        default=8,
        ge=1,
        le=8,
        description="Accelerators 0 to 3 are on rails_a, the rest on rails_b.",
    )
    power_system: Literal["own", "allotment"] = Field(
        default="own",
        description="own: array and battery; allotment: the spacecraft grants watts and feeds it.",
    )
    cooling: Literal["loop", "conduction"] = Field(
        default="loop",
        description="loop: pumped coolant; conduction: straps into a radiator, no loop.",
    )

    @property
    def has_loop(self) -> bool:
        """It has a coolant loop: pumps, flow, plates, and their controller."""
        return self.cooling == "loop"

    @property
    def has_power_system(self) -> bool:
        """It has array and battery."""
        return self.power_system == "own"

    @model_validator(mode="after")
    def _conduction_is_small(self) -> "NodeSection":
        if not self.has_loop and self.accelerator_count > CONDUCTED_MAX:
            raise ValueError(
                f'cooling = "conduction" with accelerator_count = {self.accelerator_count}: at most'
                f' {CONDUCTED_MAX} share one rail bus and one radiator; write cooling = "loop"'
            )
        return self


class RecorderSection(_Section):
    """The flight recorder."""

    enabled: bool = Field(default=True, description="False: nothing is recorded.")
    commit_s: float = Field(
        default=1.0, gt=0.0, le=60.0, description="Rows are committed this often."
    )
    quota_mib: float = Field(
        default=1024.0,
        ge=8.0,
        le=1048576.0,
        description="Size the recording keeps: the oldest goes first and is counted. Four days of "
        "REF-1; assumed.",
    )


class PointOverride(_Section):
    """What a config may change on points whose name matches the key."""

    low: float | None = Field(default=None, description="Readings below it are invalid.")
    high: float | None = Field(default=None, description="Readings above it are invalid.")
    period_s: float | None = Field(default=None, gt=0.0, le=60.0, description="Between two polls.")
    phase_s: float | None = Field(
        default=None,
        ge=0.0,
        lt=60.0,
        description="Polled so long after each multiple of period_s; below period_s.",
    )
    age_s_max: float | None = Field(
        default=None, gt=0.0, le=600.0, description="An older sample is stale."
    )
    rate_max_per_s: float | None = Field(
        default=None, gt=0.0, description="A faster step is suspect for one sample."
    )
    stuck_reference_delta: float | None = Field(
        default=None,
        gt=0.0,
        description="Unchanged while its reference moved so far: stuck; where it is checked.",
    )
    stuck_lag_s: float | None = Field(
        default=None, ge=0.0, le=3600.0, description="... which acts on it with this lag."
    )
    write_low: float | None = Field(default=None, description="The driver writes nothing below.")
    write_high: float | None = Field(default=None, description="The driver writes nothing above.")
    safe: float | None = Field(default=None, description="Applied when the lease lapses.")
    lease_s: float | None = Field(
        default=None, ge=0.5, le=10.0, description="Silence of the daemon that ends in `safe`."
    )
    ramp_per_s: float | None = Field(
        default=None, ge=0.0, description="Slope back up from `safe`; 0: a step."
    )
    abandon_s: float | None = Field(
        default=None, ge=10.0, le=86400.0, description="After so long without a daemon: off."
    )


class ReflexSection(_Section):
    """Reflexes of the drivers, below and without the daemon. Off in a driver only in tests.

    Accelerators: minimum cap while the core is too hot, or while coolant has stopped. Rails: a
    latched-up auxiliary rail and a module outside its transient mask are opened.
    """

    enabled: bool = Field(default=True, description="Off only in tests.")
    core_temp_c: float = Field(
        default=85.0, gt=40.0, lt=95.0, description="Above it; docs/design/node-image.md."
    )
    persistence_s: float = Field(
        default=0.2, ge=0.0, le=5.0, description="... for so long: the minimum cap."
    )
    aux_current_a: float = Field(
        default=1.4, gt=0.1, le=20.0, description="Nominal 0.8 A, latch-up +1.2 A; assumed."
    )
    aux_persistence_s: float = Field(
        default=0.002, ge=0.0, le=0.1, description="Two samples at 1 ms polls; S5 allows 5 ms."
    )
    flow_kg_per_s: float = Field(
        default=0.02, ge=0.0, le=1.0, description="Below it coolant stands; assumed."
    )
    flow_persistence_s: float = Field(
        default=1.5,
        ge=0.0,
        le=10.0,
        description="Longer than a standby pump needs to take over; assumed.",
    )
    flow_age_s: float = Field(
        default=0.5,
        gt=0.0,
        le=10.0,
        description="An older sample of the loop's driver releases nothing; assumed.",
    )
    module_power_w_nominal: float = Field(
        default=700.0,
        gt=0.0,
        le=5000.0,
        description="Rated power of a module: its peak-power mask is in multiples; H100 700 W.",
    )


class BusSection(_Section):
    """Speed of the node's buses, and how much of their time polling may take."""

    i2c_clock_hz: Literal[100_000, 400_000, 1_000_000] = Field(
        default=100_000, description="SMBus 3.0 classes; the slowest is what every part can."
    )
    serial_baud: int = Field(
        default=115_200, ge=9600, le=4_000_000, description="Of the controllers; assumed."
    )
    occupancy_ratio_max: float = Field(
        default=0.7,
        gt=0.0,
        le=0.95,
        description="The rest is for retries, scrubs, evidence and writes; assumed.",
    )
    backoff_s_max: float = Field(
        default=0.5,
        ge=0.0,
        le=60.0,
        description="A silent part is tried again after so long at the latest; 0: always. Assumed.",
    )


class SiliconSection(_Section):
    """Limits programmed into the hot-swap and auxiliary parts and verified before output enable."""

    module_current_a_max: float = Field(
        default=24.0,
        gt=0.0,
        le=40.0,
        description="Above the published peak of 1.6 x 12.96 A = 20.74 A; assumed.",
    )
    payload_current_a_max: float = Field(
        default=150.0, gt=0.0, le=200.0, description="PMP23496: 150 A."
    )
    aux_current_a_max: float = Field(
        default=4.0,
        gt=0.0,
        le=10.0,
        description="Above a latch-up step, so that the cause is seen; assumed.",
    )


class NodeConfig(CoreConfig):
    """Everything a node is told on the ground: the sections of the core and those of the daemon."""

    node: NodeSection = NodeSection()
    recorder: RecorderSection = RecorderSection()
    supervision: SupervisionConfig = SupervisionConfig()
    ephemeris: EphemerisSection = EphemerisSection()
    plan_input: PlanInputSection = PlanInputSection()
    allotment_input: AllotmentInputSection = AllotmentInputSection()
    workload: WorkloadSection = WorkloadSection()
    link: LinkSection = LinkSection()
    events: EventBudgetSection = EventBudgetSection()
    time: TimeSection = TimeSection()
    reflex: ReflexSection = ReflexSection()
    buses: BusSection = BusSection()
    silicon: SiliconSection = SiliconSection()
    points: dict[str, PointOverride] = Field(
        default_factory=dict, description="Changes of points, by a shell pattern of their names."
    )
    plant: dict[str, Any] = Field(
        default_factory=dict,
        description="Sizing of the simulated node; checked by sim_hw.plant_config.",
    )

    @model_validator(mode="after")
    def _reflex_is_above_the_guard(self) -> "NodeConfig":
        setpoint_c = self.guard.setpoint_c
        if self.reflex.core_temp_c <= setpoint_c:
            raise ValueError(
                f"reflex.core_temp_c {self.reflex.core_temp_c:g} must be above "
                f"guard.setpoint_c {setpoint_c:g}, else the reflex does the guard's work"
            )
        if self.reflex.core_temp_c >= self.guard.core_temp_c_max:
            raise ValueError(
                f"reflex.core_temp_c {self.reflex.core_temp_c:g} must be below "
                f"guard.core_temp_c_max {self.guard.core_temp_c_max:g}, else it comes too late"
            )
        return self


def load_config(path: Path) -> NodeConfig:
    """Return the checked configuration.

    Raises:
        OperatorError: with one line per mistake, each naming the file, the key, the value and the
        mend.
    """
    data = read_toml(path, what="config")
    try:
        config = NodeConfig.model_validate(data)
        lines = [f"{path}: {mistake}" for mistake in node_mistakes(config)[1]]
    except ValidationError as error:
        lines = explain_validation(path, error, NodeConfig, data)
    if lines:
        raise OperatorError(with_lines(path, path.read_text(encoding="utf-8"), lines))
    return config


def node_mistakes(config: NodeConfig) -> tuple[NodeConfig, list[str]]:
    """Return the configuration without impossible overrides of points, and what is impossible.

    One sentence per mistake.
    """
    mistakes, good = [], {}
    for pattern, override in config.points.items():
        try:
            build_points(config.model_copy(update={"points": {pattern: override}}))
            good[pattern] = override
        except ValueError as error:
            mistakes.append(str(error))
    rest = config.model_copy(update={"points": good})
    try:
        table = build_points(rest)
    except ValueError as error:  # overrides that contradict each other
        return config.model_copy(update={"points": {}}), [*mistakes, str(error)]
    return rest, [*mistakes, *_cap_mistakes(rest, table), *_coolant_mistakes(config)]


def _coolant_mistakes(config: NodeConfig) -> Iterator[str]:
    """Yield what a file says to wait for on a node without coolant; left out, nobody waits."""
    if config.node.has_loop or "depends" not in config.rails.model_fields_set:
        return
    for rail, others in config.rails.depends.items():
        if rail_order.COOLANT_FLOW in others:
            yield (
                f"rails.depends.{rail}: names {rail_order.COOLANT_FLOW}, which a node with "
                'node.cooling = "conduction" does not have: take it out'
            )


def _cap_mistakes(config: NodeConfig, table: PointTable) -> Iterator[str]:
    """Compare what the arbiter may grant with what the drivers will write.

    The driver would refuse such a grant, or a lapse would not protect.
    """
    arbiter = config.arbiter
    for i in table.match("accel*.cap_w"):
        point = table.points[i]
        writable = point.writable
        assert writable is not None
        name = f'points."{point.name}"'
        if writable.low > arbiter.cap_w_min:
            yield (
                f"{name}: write_low {writable.low:g} is above arbiter.cap_w_min "
                f"{arbiter.cap_w_min:g}: the driver would refuse the smallest cap"
            )
        if writable.high < arbiter.cap_w_max:
            yield (
                f"{name}: write_high {writable.high:g} is below arbiter.cap_w_max "
                f"{arbiter.cap_w_max:g}: the driver would refuse the largest cap"
            )
        if not writable.safe <= arbiter.cap_w_safe:
            yield (
                f"{name}: safe {writable.safe:g} is above arbiter.cap_w_safe "
                f"{arbiter.cap_w_safe:g}: a lapsed lease would not protect"
            )


def config_hash(config: NodeConfig) -> str:
    """Return 16 hex digits that change when any value of the configuration changes."""
    return hashlib.blake2b(config.model_dump_json().encode(), digest_size=8).hexdigest()


def build_points(config: NodeConfig) -> PointTable:
    """Return the node's points with the overrides of the configuration applied.

    Raises:
        ValueError: an override matches no point, or leaves a point impossible.
    """
    node = config.node
    table = build_point_table(node.accelerator_count, eps=node.has_power_system, loop=node.has_loop)
    points = list(table.points)
    for pattern, override in config.points.items():
        matched, place = table.match(pattern), f'points."{pattern}"'
        if not matched:
            raise ValueError(f"{place}: no such point{suggest(pattern, table.index)}")
        for i in matched:
            points[i] = _overridden(points[i], override, place)
    built = PointTable(tuple(points))
    point_phases_s(config, built)
    return built


def point_phases_s(config: NodeConfig, table: PointTable) -> tuple[float, ...]:
    """Return the phase of each point's polls, in table order: the last override that gives one.

    Args:
        table: Of build_points.

    Raises:
        ValueError: a phase is not inside the period that the point has in the end.
    """
    phases_s = [0.0] * len(table)
    places = [""] * len(table)
    for pattern, override in config.points.items():
        if override.phase_s is None:
            continue
        for i in table.match(pattern):
            phases_s[i], places[i] = override.phase_s, f'points."{pattern}"'
    for point, phase_s, place in zip(table, phases_s, places, strict=True):
        if place and round(phase_s * NS_PER_S) >= round(point.period_s * NS_PER_S):
            raise ValueError(
                f"{place}: {point.name}: phase_s {phase_s:g} is not below "
                f"its period_s {point.period_s:g}"
            )
    return tuple(phases_s)


def _overridden(point: Point, override: PointOverride, place: str) -> Point:
    given = override.model_dump(exclude_none=True, exclude={"phase_s"})
    write = {
        {"write_low": "low", "write_high": "high"}.get(key, key): given.pop(key)
        for key in ("write_low", "write_high", "safe", "lease_s", "ramp_per_s", "abandon_s")
        if key in given
    }
    writable = point.writable
    if write:
        if writable is None:
            raise ValueError(
                f"{place}: {point.name} is read-only, {next(iter(write))} cannot apply"
            )
        writable = replace(writable, **write)
        if not writable.low < writable.high:
            raise ValueError(
                f"{place}: {point.name} can be written nothing: "
                f"write_low {writable.low:g} is not below write_high {writable.high:g}"
            )
        if writable.lease_s and not (
            isnan(writable.safe) or writable.low <= writable.safe <= writable.high
        ):
            raise ValueError(
                f"{place}: {point.name}: safe {writable.safe:g} is outside "
                f"{writable.low:g} to {writable.high:g}"
            )
    changed = replace(point, **given, writable=writable)
    if not changed.low < changed.high:
        raise ValueError(
            f"{place}: {point.name}: low {changed.low:g} is not below high {changed.high:g}"
        )
    return changed
