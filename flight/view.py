"""What a person wants to see of a node at one time, from any source, as plain data.

`build_view` makes it out of a snapshot and a decision, as a running daemon or a recording has them;
`nightside status`, `nightside top` and status.json show it. Numbers that are not known are None, so
that the view is JSON as it stands.
"""

import math
from collections.abc import Sequence
from typing import TypedDict

from flight.core.fault_states import fault_states
from flight.core.monitors import MonitorTable
from flight.core.points import PointTable
from flight.core.state import State
from flight.core.types import Decision, Notice, OrbitForecast, Snapshot

SCHEMA_VERSION = 1
NS_PER_S = 1_000_000_000


class AcceleratorView(TypedDict):
    """One accelerator. phase: where it is, "" when the source does not say. cap_w_max: the highest
    cap that its driver writes, None when the source does not say.
    """

    name: str
    phase: str
    cap_w: float
    cap_w_max: float | None
    cap_reason: str
    power_w: float | None
    core_temp_c: float | None
    memory_temp_c: float | None
    utilisation_ratio: float | None
    notice: str


class RailView(TypedDict):
    """One rail. is_on: what its switch reads; None: it has none, or that is not known."""

    name: str
    is_on: bool | None
    voltage_v: float | None
    current_a: float | None
    temp_c: float | None


class LoopView(TypedDict):
    """The coolant loop; of a node that has none, its radiator alone."""

    pump_a_rpm: float | None
    pump_b_rpm: float | None
    flow_kg_per_s: float | None
    supply_temp_c: float | None
    return_temp_c: float | None
    radiator_out_temp_c: float | None
    pressure_kpa: float | None
    accumulator_ratio: float | None


class PowerView(TypedDict):
    """Array, battery and buses. draw_w: all accelerators together."""

    charge_ratio: float | None
    array_power_w: float | None
    battery_current_a: float | None
    battery_temp_c: float | None
    bus54_voltage_v: float | None
    bus28_voltage_v: float | None
    draw_w: float | None


class NodeView(TypedDict):
    """A node at one time. t_s: on the clock of its daemon."""

    t_s: float
    mode: str
    accelerators: list[AcceleratorView]
    rails: list[RailView]
    loop: LoopView
    power: PowerView
    bad_points: list[str]


class OrbitView(TypedDict):
    """Where the node is in its orbit, as far as it knows. change_in_s: to the other of the two."""

    sunlit: bool | None
    change_in_s: float | None


class FaultView(TypedDict):
    """One fault that is, or was, raised; see flight.core.fault_states.FaultState."""

    id: str
    subject: str
    severity: str
    state: str
    since_s: float
    count: int
    value: float
    is_known: bool


def orbit_view(forecast: OrbitForecast | None, now_ns: int) -> OrbitView:
    """Return what a forecast says of now; None: there is none."""
    if forecast is None or now_ns >= forecast.valid_until_ns:
        return OrbitView(sunlit=None, change_in_s=None)
    for entry_ns, exit_ns in forecast.spans_ns:
        if now_ns < entry_ns:
            return OrbitView(sunlit=True, change_in_s=(entry_ns - now_ns) / NS_PER_S)
        if now_ns < exit_ns:
            return OrbitView(sunlit=False, change_in_s=(exit_ns - now_ns) / NS_PER_S)
    return OrbitView(sunlit=True, change_in_s=None)


def fault_views(table: MonitorTable, state: State) -> list[FaultView]:
    """Return the faults of a state that are active, pending or were ever raised."""
    severities = {fault.event_id: fault.severity.name.lower() for fault in table.faults}
    rows = fault_states(table, state.monitors, trusted=state.judge.trusted, now_ns=state.now_ns)
    return [
        FaultView(
            id=row.id,
            subject=row.subject,
            severity=severities[row.id],
            state=row.state,
            since_s=row.since_s,
            count=row.count,
            value=row.value if math.isfinite(row.value) else 0.0,
            is_known=row.is_known and math.isfinite(row.value),
        )
        for row in rows
    ]


class ViewBuilder:
    """Builds views of one point table; finds its names once.

    Args:
        accelerators: Number of accelerators.
    """

    def __init__(self, table: PointTable, accelerators: int) -> None:
        self._names = [point.name for point in table]
        self._index = dict(table.index)
        self._accelerators = accelerators
        caps = (table.points[i].writable for i in table.match("accel*.cap_w"))
        highest = [cap.high for cap in caps if cap is not None]
        self._cap_w_max = max(highest) if highest else None
        rails = [name.removesuffix(".status") for name in self._names if _is_rail(name)]
        self._rails = [(rail.removeprefix("rail."), rail) for rail in rails]

    def build(
        self,
        now_ns: int,
        snapshot: Snapshot,
        decision: Decision,
        *,
        phases: Sequence[str] = (),
    ) -> NodeView:
        """Return the view of one cycle; points whose last sample failed are None, and named."""
        values: list[float | None] = [
            value if math.isfinite(value) else None for value in snapshot.values.tolist()
        ]
        bad = snapshot.status.nonzero()[0].tolist()
        for i in bad:
            values[i] = None
        read = _Reader(self._index, values)
        notices = {notice.scope: notice for notice in decision.notices}
        accelerators = [
            self._accelerator(i, read, decision, phases, notices) for i in range(self._accelerators)
        ]
        return NodeView(
            t_s=now_ns / NS_PER_S,
            mode=decision.mode.value,
            accelerators=accelerators,
            rails=[_rail(label, rail, read) for label, rail in self._rails],
            loop=_loop(read),
            power=_power(read, accelerators),
            bad_points=[self._names[i] for i in bad],
        )

    def _accelerator(
        self,
        i: int,
        read: "_Reader",
        decision: Decision,
        phases: Sequence[str],
        notices: dict[str, Notice],
    ) -> AcceleratorView:
        name = f"accel{i}"
        notice = notices.get(name)
        return AcceleratorView(
            name=name,
            phase=phases[i] if i < len(phases) else "",
            cap_w=decision.cap_w[i] if i < len(decision.cap_w) else 0.0,
            cap_w_max=self._cap_w_max,
            cap_reason=str(decision.cap_reason[i]) if i < len(decision.cap_reason) else "",
            power_w=read(f"{name}.power_w"),
            core_temp_c=read(f"{name}.core_temp_c"),
            memory_temp_c=read(f"{name}.memory_temp_c"),
            utilisation_ratio=read(f"{name}.utilisation_ratio"),
            notice="" if notice is None else notice.level.value,
        )


class _Reader:
    """Values by name; None for a point that the node does not have."""

    def __init__(self, index: dict[str, int], values: Sequence[float | None]) -> None:
        self._index = index
        self._values = values

    def __call__(self, name: str) -> float | None:
        i = self._index.get(name)
        return None if i is None else self._values[i]


def _is_rail(name: str) -> bool:
    return name.startswith("rail.") and name.endswith(".status")


def _rail(label: str, rail: str, read: _Reader) -> RailView:
    switch = read(f"{rail}.enable")
    return RailView(
        name=label,
        is_on=None if switch is None else switch > 0.5,
        voltage_v=read(f"{rail}.voltage_v"),
        current_a=read(f"{rail}.current_a"),
        temp_c=read(f"{rail}.temp_c"),
    )


def _loop(read: _Reader) -> LoopView:
    radiator_temp_c = read("loop.radiator_out_temp_c")
    if radiator_temp_c is None:  # by conduction the host board reads it
        radiator_temp_c = read("host.radiator_temp_c")
    return LoopView(
        pump_a_rpm=read("loop.pump_a.speed_rpm"),
        pump_b_rpm=read("loop.pump_b.speed_rpm"),
        flow_kg_per_s=read("loop.flow_kg_per_s"),
        supply_temp_c=read("loop.supply_temp_c"),
        return_temp_c=read("loop.return_temp_c"),
        radiator_out_temp_c=radiator_temp_c,
        pressure_kpa=read("loop.pressure_kpa"),
        accumulator_ratio=read("loop.accumulator_ratio"),
    )


def _power(read: _Reader, accelerators: Sequence[AcceleratorView]) -> PowerView:
    known = [a["power_w"] for a in accelerators if a["power_w"] is not None]
    return PowerView(
        charge_ratio=read("eps.battery.charge_ratio"),
        array_power_w=read("eps.array_power_w"),
        battery_current_a=read("eps.battery.current_a"),
        battery_temp_c=read("eps.battery.temp_c"),
        bus54_voltage_v=read("eps.bus54.voltage_v"),
        bus28_voltage_v=read("eps.bus28.voltage_v"),
        draw_w=math.fsum(known) if known else None,
    )
