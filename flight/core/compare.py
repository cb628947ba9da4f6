"""Comparisons: a reading against another source of the same truth, or against its peers.

About once a second. What disagrees for long enough is doubted: suspect, and told. It stays in use
where that is the safe side, and is replaced by the other source where it is not: of two powers the
higher one counts, and a core that reads colder than its peers counts as warm as they are.
"""

from collections.abc import Iterable, Iterator
from math import fsum, nan
from typing import NamedTuple

import numpy as np

from flight.core.config_judge import Comparison, JudgeConfig
from flight.core.points import PointTable
from flight.core.types import Bools, Float64s, Int64s, Quality, Uint8s

_PEERS_MIN = 3
_CLOSED_V = 10.0  # a rail above it is closed
_SUBSTITUTED, _SUSPECT = np.uint8(Quality.SUBSTITUTED), np.uint8(Quality.SUSPECT)


class Doubt(NamedTuple):
    """A reading that disagrees. source: point whose value counts when it is higher, -1 for none.

    floor: the reading counts as at least so much; NaN for none.
    """

    point: int
    source: int = -1
    floor: float = nan


class Verdict(NamedTuple):
    """What one look finds in one row: how far apart beyond the tolerance, and what then counts."""

    is_apart: bool
    doubt: Doubt


class CompareTable(NamedTuple):
    """All rows of a node. points: that each row judges, in row order; confirm_ns of each.

    missing, sources: a reading that is unknown, and the point that stands in for it. return_temp,
    outlets: the return is the mean of the plates' outlets.
    """

    period_ns: int
    points: tuple[int, ...]
    confirm_ns: tuple[int, ...]
    pairs: tuple[tuple[int, int, Comparison, bool], ...]  # reading, source, source replaces it
    payload: tuple[int, tuple[int, ...], Comparison] | None
    flow: tuple[int, tuple[int, int], float, Comparison] | None
    outlet_mean: tuple[int, tuple[int, ...], Comparison] | None
    peers: tuple[tuple[tuple[int, ...], tuple[int, ...], Comparison, bool], ...]
    like_power_w: float
    missing: Int64s
    sources: Int64s
    return_temp: int
    outlets: tuple[int, ...]
    quick: "QuickLook"


class QuickLook(NamedTuple):
    """The same rows as arrays: enough to see that nothing is apart. zeros: of each row."""

    pair_points: Int64s
    pair_sources: Int64s
    tolerance: Float64s
    ratio: Float64s
    replaces: Bools
    zeros: tuple[tuple[int, ...], tuple[float, ...]]


class CompareState(NamedTuple):
    """What comparisons remember, in row order. since_ns: apart since then, 0: not.

    disagrees: 1.0 for apart long enough; the same tuple while nothing changes. doubts: what judge
    must do about it.
    """

    looked_ns: int
    since_ns: tuple[int, ...]
    disagrees: tuple[float, ...]
    doubts: tuple[Doubt, ...]


def build(config: JudgeConfig, table: PointTable, *, flow_kg_per_rpm: float) -> CompareTable:
    """Return the comparisons of a node: those whose points all exist and that are enabled."""
    at, rows = table.index, config.compare
    count = len(table.match("accel*.cap_w"))

    def all_of(*names: str) -> tuple[int, ...]:
        found = tuple(at[name] for name in names if name in at)
        return found if len(found) == len(names) else ()

    def each(pattern: str) -> tuple[int, ...]:
        return all_of(*(pattern.format(i) for i in range(count)))

    power, module_power = each("accel{}.power_w"), each("rail.accel{}_54v.power_w")
    currents, outlets = each("rail.accel{}_54v.current_a"), each("plate{}.outlet_temp_c")
    payload, back = all_of("rail.payload_54v.current_a"), all_of("loop.return_temp_c")
    flow = all_of("loop.flow_kg_per_s", "loop.pump_a.speed_rpm", "loop.pump_b.speed_rpm")
    pairs = [(a, b, rows.accel_power, True) for a, b in zip(power, module_power, strict=False)]
    for feed in all_of("rail.payload_54v.voltage_v"):
        volts = each("rail.accel{}_54v.voltage_v")
        pairs += [(a, feed, rows.module_voltage, False) for a in volts]
    buses = all_of("eps.battery.voltage_v", "eps.bus54.voltage_v")
    pairs += [(buses[0], buses[1], rows.battery_voltage, False)] if buses else []
    cores = each("accel{}.core_temp_c")
    peers = [(cores, power, rows.core_temp, True), (outlets, power, rows.plate_temp, False)]
    built = CompareTable(
        period_ns=round(config.compare_period_s * 1e9),
        points=(),
        confirm_ns=(),
        pairs=tuple(row for row in pairs if row[2].enabled),
        payload=(payload[0], currents, rows.payload_current)
        if payload and currents and rows.payload_current.enabled
        else None,
        flow=(flow[0], (flow[1], flow[2]), flow_kg_per_rpm, rows.loop_flow)
        if flow and rows.loop_flow.enabled
        else None,
        outlet_mean=(back[0], outlets, rows.return_temp)
        if back and outlets and rows.return_temp.enabled
        else None,
        peers=tuple(row for row in peers if row[0] and row[1] and row[2].enabled),
        like_power_w=config.like_power_w,
        missing=np.array(power if module_power else (), np.int64),
        sources=np.array(module_power if power else (), np.int64),
        return_temp=back[0] if back and outlets else -1,
        outlets=outlets,
        quick=_quick_look([row for row in pairs if row[2].enabled]),
    )
    judged = list(_rows(built))
    zeros = (0,) * len(judged), (0.0,) * len(judged)
    return built._replace(
        points=tuple(point for point, _ in judged),
        confirm_ns=tuple(round(c.persistence_s * 1e9) for _, c in judged),
        quick=built.quick._replace(zeros=zeros),
    )


def _quick_look(pairs: list[tuple[int, int, Comparison, bool]]) -> QuickLook:
    return QuickLook(
        np.array([row[0] for row in pairs], np.int64),
        np.array([row[1] for row in pairs], np.int64),
        np.array([row[2].tolerance for row in pairs]),
        np.array([row[2].ratio for row in pairs]),
        np.array([row[3] for row in pairs], np.bool_),
        ((), ()),
    )


def _rows(table: CompareTable) -> Iterator[tuple[int, Comparison]]:
    """Yield the point and the comparison of each row, in the order of `_look`."""
    for point, _, comparison, _ in table.pairs:
        yield point, comparison
    if table.payload:
        yield table.payload[0], table.payload[2]
    if table.flow:
        yield table.flow[0], table.flow[3]
    if table.outlet_mean:
        yield table.outlet_mean[0], table.outlet_mean[2]
    for points, _, comparison, _ in table.peers:
        for point in points:
            yield point, comparison


def signals(compared: CompareTable, table: PointTable) -> tuple[str, ...]:
    """Return the name of each row's signal, in row order."""
    return tuple(f"{table.points[i].name}.disagrees" for i in compared.points)


def initial(table: CompareTable) -> CompareState:
    """Return the state before the first look: all agree."""
    return CompareState(0, *table.quick.zeros, ())


def step(table: CompareTable, state: CompareState, now_ns: int, values: Float64s) -> CompareState:
    """Return the comparisons after one look.

    Args:
        values: Readings that pass every other check, in point order; NaN for the others. One that
            is unknown disagrees with nothing.
    """
    if _all_agree(table, values):
        return CompareState(now_ns, *table.quick.zeros, ())
    verdicts = list(_look(table, values.tolist()))
    if not any(v.is_apart for v in verdicts):
        return CompareState(now_ns, *table.quick.zeros, ())
    since_ns = tuple(
        (was or now_ns) if v.is_apart else 0
        for was, v in zip(state.since_ns, verdicts, strict=True)
    )
    disagrees = tuple(
        float(since > 0 and now_ns - since >= confirm)
        for since, confirm in zip(since_ns, table.confirm_ns, strict=True)
    )
    doubts = tuple(v.doubt for v, apart in zip(verdicts, disagrees, strict=True) if apart)
    if disagrees == state.disagrees:
        disagrees = state.disagrees
    return CompareState(now_ns, since_ns, disagrees, doubts)


def _all_agree(table: CompareTable, values: Float64s) -> bool:
    """A quick look, right when it says yes: no row is apart."""
    quick, pick = table.quick, values.take
    own, others = pick(quick.pair_points), pick(quick.pair_sources)
    apart = np.abs(own - others) > (quick.tolerance + quick.ratio * np.abs(others))
    if apart.any():
        apart &= quick.replaces | ((own > _CLOSED_V) & (others > _CLOSED_V))
        if apart.any():
            return False
    known: list[float] = values.tolist()
    for points, _, comparison, _ in table.peers:
        found = [known[i] for i in points if known[i] == known[i]]
        if len(found) > _PEERS_MIN and max(found) - min(found) > comparison.tolerance:
            return False
    return not any(verdict.is_apart for verdict in _singles(table, known))


def _is_apart(value: float, other: float, comparison: Comparison) -> bool:
    return abs(value - other) > comparison.tolerance + comparison.ratio * abs(other)


def _singles(table: CompareTable, values: list[float]) -> Iterator[Verdict]:
    """Yield the verdicts of the rows that stand alone."""
    if table.payload:
        point, parts, comparison = table.payload
        total_a = fsum(values[i] for i in parts)
        yield Verdict(_is_apart(values[point], total_a, comparison), Doubt(point))
    if table.flow:
        point, (a, b), per_rpm, comparison = table.flow
        fastest_rpm = max(values[a], values[b]) if values[a] == values[a] else nan
        yield Verdict(_is_apart(values[point], fastest_rpm * per_rpm, comparison), Doubt(point))
    if table.outlet_mean:
        point, parts, comparison = table.outlet_mean
        mean_c = fsum(values[i] for i in parts) / len(parts)
        yield Verdict(_is_apart(values[point], mean_c, comparison), Doubt(point))


def _look(table: CompareTable, values: list[float]) -> Iterator[Verdict]:
    """Yield the verdict of each row. An unknown reading compares false: it is not apart."""
    for point, source, comparison, replaces in table.pairs:
        value, other = values[point], values[source]
        apart = _is_apart(value, other, comparison)
        if apart and not replaces and not (value > _CLOSED_V and other > _CLOSED_V):
            apart = False
        yield Verdict(apart, Doubt(point, source if replaces else -1))
    yield from _singles(table, values)
    for points, powers, comparison, warm in table.peers:
        yield from _peers(table, values, points, powers, comparison, warm)


def _peers(
    table: CompareTable,
    values: list[float],
    points: tuple[int, ...],
    powers: tuple[int, ...],
    comparison: Comparison,
    warm: bool,
) -> Iterator[Verdict]:
    """Compare each with the median of its peers; all close together: nothing to see."""
    found = [values[i] for i in points]
    known = [value for value in found if value == value]
    if len(known) <= _PEERS_MIN or max(known) - min(known) <= comparison.tolerance:
        yield from (Verdict(False, Doubt(point)) for point in points)
        return
    drawn = [values[i] for i in powers]
    for i, (point, value, power_w) in enumerate(zip(points, found, drawn, strict=True)):
        # Who draws no more should be no warmer; who draws no less should be no colder.
        others = [pair for j, pair in enumerate(zip(found, drawn, strict=True)) if j != i]
        below_c = _median(v for v, w in others if v == v and w <= power_w + table.like_power_w)
        above_c = _median(v for v, w in others if v == v and w >= power_w - table.like_power_w)
        if value < below_c and _is_apart(value, below_c, comparison):
            yield Verdict(True, Doubt(point, floor=below_c if warm else nan))
        else:
            is_warm = value > above_c and _is_apart(value, above_c, comparison)
            yield Verdict(is_warm, Doubt(point))


def _median(values: Iterable[float]) -> float:
    """Return the upper median, NaN of too few."""
    found = sorted(values)
    return found[len(found) // 2] if len(found) >= _PEERS_MIN else nan


class Filled(NamedTuple):
    """What was put in the place of another reading. has_return: the mean of the outlets, too."""

    places: Int64s
    sources: Int64s
    has_return: bool


_NOWHERE = np.array((), np.int64)
NOTHING_FILLED = Filled(_NOWHERE, _NOWHERE, False)


def fill(table: CompareTable, trusted: Float64s, quality: Uint8s) -> Filled:
    """Put another source in the place of what is missing; both arrays are changed."""
    own, other = trusted[table.missing], trusted[table.sources]
    lacks = np.isnan(own) & ~np.isnan(other)
    places = sources = _NOWHERE
    if lacks.any():
        trusted[table.missing] = np.where(lacks, other, own)
        places, sources = table.missing[lacks], table.sources[lacks]
        quality[places] = _SUBSTITUTED
    has_return = False
    if table.return_temp >= 0 and np.isnan(trusted[table.return_temp]):
        mean_c = _outlet_mean(table, trusted)
        if mean_c == mean_c:
            trusted[table.return_temp] = mean_c
            quality[table.return_temp] = _SUBSTITUTED
            has_return = True
    return Filled(places, sources, has_return)


def fill_again(table: CompareTable, filled: Filled, trusted: Float64s) -> None:
    """Do what `fill` has done, while the same readings are missing; the array is changed."""
    if filled.places.size:
        trusted.put(filled.places, trusted.take(filled.sources))
    if filled.has_return:
        trusted[table.return_temp] = _outlet_mean(table, trusted)


def _outlet_mean(table: CompareTable, trusted: Float64s) -> float:
    return fsum(trusted[list(table.outlets)].tolist()) / len(table.outlets)


def apply_doubts(doubts: tuple[Doubt, ...], trusted: Float64s, quality: Uint8s) -> None:
    """Put another source in the place of what is doubted and lower; both arrays are changed."""
    for doubt in doubts:
        value = float(trusted[doubt.point])
        stand_in = float(trusted[doubt.source]) if doubt.source >= 0 else doubt.floor
        quality[doubt.point] = _SUSPECT
        if stand_in > value:
            trusted[doubt.point] = stand_in
            quality[doubt.point] = _SUBSTITUTED
