"""Trends: signals derived from several readings, about once a second: models, peers and rates.

A signal is a number for the monitors. It is exactly 0, or 1 for a ratio, while the readings are
well inside what they should be, so that a quiet node shows the same tuple every time; NaN where
nothing can be said. Nothing here needs an answer within a second: what does is a condition.
"""

from collections.abc import Sequence
from math import fsum, nan
from typing import Final, NamedTuple

from flight.core.config_faults import FaultsConfig
from flight.core.config_trends import TrendsConfig
from flight.core.points import PointTable
from flight.core.rails import Pair, Phase
from flight.core.wiring import Gather, gather

POWER_SIGNALS: Final = (
    "eps.sunlit_discharge_a",  # what the battery gives while the array is lit
    "eps.cold_charge_a",  # what goes into a battery that is too cold for it
)
LOOP_SIGNALS: Final = (
    "pump_a.wear_ratio",  # current over what its speed needs
    "pump_b.wear_ratio",
    "loop.pressure_ratio",  # pressure over what the flow needs
    "loop.leak_ratio",  # accumulator level lost beside its slow mean
    "loop.radiator_shortfall_ratio",  # heat that the radiator should reject and does not
)
HOST_SIGNALS: Final = ("host.memory_error_rate",)  # corrected errors per second
PLATE_SIGNALS: Final = (
    "plate_rise_ratio",  # coolant rise per watt over the peers' median
    "core_rise_ratio",  # core above its plate per watt over the peers' median
)
ACCEL_SIGNALS: Final = (
    "slowdown",  # the device brakes itself
    "cap_apart_w",  # cap read back against the one granted
    "memory_error_rate",  # corrected errors per second
    "replay_rate",  # PCIe replays per second
)
STRING_COUNT: Final = 8
_BRAKES = 0x08 | 0x40 | 0x80  # NVML event reasons: hardware slowdown, thermal, power brake
_STEFAN_BOLTZMANN = 5.670374e-8  # W/(m2 K4), CODATA 2018
_ZERO_C_K = 273.15
_DRIFT_NS = 60_000_000_000  # the return is compared with itself a minute ago
_PEERS_MIN = 3
_QUIET_RATIO = 1.3  # peers this close together need no second look
_RATE_FLOOR = 1e-3  # per second: as good as none
_ON = Phase.ON
_STRINGS_QUIET = (0.0,) * STRING_COUNT
_STRINGS_DARK = (nan,) * STRING_COUNT


class TrendWiring(NamedTuple):
    """Where the readings of all signals are, and whether the node has a loop and a battery."""

    strings: Gather
    battery: Gather  # current, temperature
    pumps: Gather  # speed and current of pump a, then of pump b
    loop: Gather  # flow, pressure, accumulator, supply, return, radiator outlet, bypass
    power_w: Gather
    outlet_temp_c: Gather
    core_temp_c: Gather
    event_reasons: Gather
    cap_w: Gather
    counters: Gather  # corrected errors of all, replays of all, those of the host
    has_power: bool
    has_loop: bool


class TrendState(NamedTuple):
    """What the trends remember. drift_ns, drift_c: when and what the return was then; is_steady:
    it has moved little since. leak_mean: slow mean of the level, NaN before the first.
    """

    signals: tuple[float, ...]
    looked_ns: int = 0
    drift_ns: int = 0
    drift_c: float = nan
    is_steady: bool = False
    leak_mean: float = nan
    counts: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()


def names(table: PointTable, accelerator_count: int) -> tuple[str, ...]:
    """Return the names of the signals that a node has, in order."""
    strings = tuple(f"string{i}.deficit_ratio" for i in range(STRING_COUNT))
    has_loop = "loop.flow_kg_per_s" in table.index
    each = (*(PLATE_SIGNALS if has_loop else ()), *ACCEL_SIGNALS)
    return (
        *((*strings, *POWER_SIGNALS) if "eps.battery.current_a" in table.index else ()),
        *(LOOP_SIGNALS if has_loop else ()),
        *HOST_SIGNALS,
        *(f"accel{i}.{signal}" for signal in each for i in range(accelerator_count)),
    )


def build(table: PointTable, accelerator_count: int) -> TrendWiring:
    """Return where the readings are; a point that the node lacks reads NaN."""

    def pick(*names: str) -> Gather:
        return gather([table.index.get(name, len(table)) for name in names])

    def each(pattern: str) -> list[str]:
        return [pattern.format(i) for i in range(accelerator_count)]

    pumps = [f"loop.pump_{p}.{c}" for p in "ab" for c in ("speed_rpm", "current_a")]
    loop = (
        "flow_kg_per_s pressure_kpa accumulator_ratio supply_temp_c return_temp_c"
        " radiator_out_temp_c bypass_ratio"
    )
    return TrendWiring(
        strings=pick(*(f"eps.string{i}.current_a" for i in range(STRING_COUNT))),
        battery=pick("eps.battery.current_a", "eps.battery.temp_c"),
        pumps=pick(*pumps),
        loop=pick(*(f"loop.{name}" for name in loop.split())),
        power_w=pick(*each("accel{}.power_w")),
        outlet_temp_c=pick(*each("plate{}.outlet_temp_c")),
        core_temp_c=pick(*each("accel{}.core_temp_c")),
        event_reasons=pick(*each("accel{}.event_reasons")),
        cap_w=pick(*each("accel{}.cap_w")),
        counters=pick(
            *each("accel{}.ecc_corrected_count"),
            *each("accel{}.pcie_replay_count"),
            "host.edac_corrected_count",
        ),
        has_power="eps.battery.current_a" in table.index,
        has_loop="loop.flow_kg_per_s" in table.index,
    )


def initial(signal_count: int) -> TrendState:
    """Return the state before the first look: nothing is known to be wrong."""
    return TrendState((0.0,) * signal_count)


def step(
    config: TrendsConfig,
    faults: FaultsConfig,
    wiring: TrendWiring,
    state: TrendState,
    *,
    values: Sequence[float],
    pairs: tuple[Pair, ...],
    caps_w: tuple[float, ...],
    pump_speed_rpm: float,
    disagreeing: tuple[float, ...],
    now_ns: int,
) -> TrendState:
    """Return the signals; the same state while no look is due.

    Args:
        values: Trusted readings, NaN where unknown. caps_w: Caps in force since the last cycle.
        pump_speed_rpm: Nominal speed of a pump.
        disagreeing: What judge's comparisons say, handed on behind the signals.
    """
    dt_s = (now_ns - state.looked_ns) * 1e-9
    if dt_s < config.period_s:
        return state
    dt_s = dt_s if state.looked_ns else config.period_s
    loop = wiring.loop(values)
    drift_ns, drift_c, is_steady = _drift(config, state, loop[4], now_ns)
    leak_mean, leak = _leak(config, state.leak_mean, loop, dt_s)
    counts = wiring.counters(values)
    rates = _rates(config, state, counts, dt_s)
    radiator = _radiator(config, loop) if is_steady else nan
    pumps = wiring.pumps(values)
    in_loop = (*_wear(config, pumps, pump_speed_rpm), _pressure(config, loop), leak, radiator)
    signals = (
        *(_power(config, faults, wiring, values) if wiring.has_power else ()),
        *(in_loop if wiring.has_loop else ()),
        rates[-1],
        *(_rises(config, wiring, values, loop[3]) if wiring.has_loop else ()),
        *_brakes(wiring.event_reasons(values)),
        *_apart(config, wiring.cap_w(values), caps_w, pairs),
        *rates[:-1],
        *disagreeing,
    )
    if signals == state.signals:
        signals = state.signals
    return TrendState(signals, now_ns, drift_ns, drift_c, is_steady, leak_mean, counts, rates)


def _power(
    config: TrendsConfig, faults: FaultsConfig, wiring: TrendWiring, values: Sequence[float]
) -> tuple[float, ...]:
    """The strings, then what the battery gives in sunlight, and takes while it is cold."""
    strings, lit = _strings(config, wiring.strings(values))
    current_a, temp_c = wiring.battery(values)
    return (
        *strings,
        -current_a if lit and current_a < 0.0 else 0.0,
        current_a if temp_c < faults.battery_temp_c_min and current_a > 0.0 else 0.0,
    )


def _strings(config: TrendsConfig, currents_a: tuple[float, ...]) -> tuple[tuple[float, ...], bool]:
    """How far each string is below the third best, so that two wrong meters do not matter."""
    good_a = sorted((a for a in currents_a if a == a), reverse=True)
    if len(good_a) < _PEERS_MIN or good_a[2] < config.string_current_a_min:
        return _STRINGS_DARK, False
    if len(good_a) == STRING_COUNT and good_a[-1] > 0.7 * good_a[2]:
        return _STRINGS_QUIET, True
    best_a = good_a[2]
    return tuple(1.0 - a / best_a if a == a else nan for a in currents_a), True


def _wear(
    config: TrendsConfig, pumps: tuple[float, ...], nominal_rpm: float
) -> tuple[float, float]:
    """Current of each pump over the cube law, while it runs at about nominal speed or more."""
    found = []
    for speed_rpm, current_a in (pumps[0:2], pumps[2:4]):
        speed = speed_rpm / nominal_rpm
        if not speed >= 0.8 or current_a != current_a:
            found.append(0.0)
            continue
        ratio = current_a / (config.pump_current_a_nominal * speed * speed * speed)
        found.append(ratio if ratio > 1.1 else 1.0)
    return found[0], found[1]


def _pressure(config: TrendsConfig, loop: tuple[float, ...]) -> float:
    """Pressure over the square law of the flow; 1 without enough flow to say."""
    flow = loop[0] / config.flow_kg_per_s_nominal
    if not flow >= 0.5 or loop[1] != loop[1]:
        return 1.0
    ratio = loop[1] / (config.pressure_kpa_nominal * flow * flow)
    return 1.0 if 0.75 < ratio < 1.3 else ratio


def _leak(
    config: TrendsConfig, mean: float, loop: tuple[float, ...], dt_s: float
) -> tuple[float, float]:
    """Level without thermal expansion: its slow mean, and how far it has fallen below that."""
    level = loop[2] - config.accumulator_ratio_per_k * 0.5 * (loop[4] + loop[5])
    if level != level:
        return mean, nan
    if mean != mean:
        return level, 0.0
    mean += (level - mean) * min(dt_s / config.leak_filter_s, 1.0)
    lost = mean - level
    return mean, lost if lost > 0.5 * config.leak_ratio_max else 0.0


def _drift(
    config: TrendsConfig, state: TrendState, return_c: float, now_ns: int
) -> tuple[int, float, bool]:
    """Whether the loop is steady: a radiator that warms up or cools down says nothing."""
    if state.drift_ns and now_ns - state.drift_ns < _DRIFT_NS:
        return state.drift_ns, state.drift_c, state.is_steady
    return now_ns, return_c, abs(return_c - state.drift_c) < config.radiator_drift_k


def _radiator(config: TrendsConfig, loop: tuple[float, ...]) -> float:
    """Part of the heat that it should reject, and does not; NaN when there is little."""
    flow, _, _, _, return_c, out_c, bypass = loop
    mean_k = 0.5 * (return_c + out_c) + _ZERO_C_K
    mean_k2, sink_k2 = mean_k * mean_k, config.sink_temp_k * config.sink_temp_k
    net_k4 = mean_k2 * mean_k2 - sink_k2 * sink_k2
    area_m2 = 2.0 * config.radiator_area_m2 * config.radiator_emissivity_ratio
    expected_w = _STEFAN_BOLTZMANN * area_m2 * net_k4
    passed = flow * (1.0 - bypass) * config.specific_heat_j_per_kg_k
    rejected_w = passed * (return_c - out_c)
    if not expected_w > 1000.0 or rejected_w != rejected_w or not bypass < 0.1:
        return nan
    shortfall = 1.0 - rejected_w / expected_w
    return shortfall if shortfall > 0.5 * config.radiator_shortfall_ratio_max else 0.0


def _rises(
    config: TrendsConfig, wiring: TrendWiring, values: Sequence[float], supply_c: float
) -> tuple[float, ...]:
    """Rise per watt of each plate's coolant, then of each core above its plate, among peers."""
    plates: list[float] = []
    cores: list[float] = []
    for power_w, outlet_c, core_c in zip(
        wiring.power_w(values), wiring.outlet_temp_c(values), wiring.core_temp_c(values),
        strict=True,
    ):  # fmt: skip
        if power_w >= config.peer_power_w_min:
            plates.append((outlet_c - supply_c) / power_w)
            cores.append((core_c - 0.5 * (supply_c + outlet_c)) / power_w)
        else:
            plates.append(nan)
            cores.append(nan)
    return (*_over_peers(plates), *_over_peers(cores))


def _over_peers(rises: list[float]) -> tuple[float, ...]:
    """Each over the median of those known; 0 for all that are close together, or have no say."""
    known = sorted(rise for rise in rises if rise == rise)
    if len(known) < _PEERS_MIN or 0.0 < known[-1] <= _QUIET_RATIO * known[0]:
        return (0.0,) * len(rises)
    median = known[(len(known) - 1) // 2]
    if median <= 0.0:
        return (0.0,) * len(rises)
    return tuple(rise / median if rise > 0.0 else 0.0 for rise in rises)


def _brakes(reasons: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(
        nan if bits != bits else 1.0 if bits >= 8.0 and int(bits) & _BRAKES else 0.0
        for bits in reasons
    )


def _apart(
    config: TrendsConfig,
    read_w: tuple[float, ...],
    granted_w: tuple[float, ...],
    pairs: tuple[Pair, ...],
) -> tuple[float, ...]:
    """How far the cap that a device reads back is from the one granted."""
    found = []
    for cap_w, wanted_w, pair in zip(read_w, granted_w, pairs, strict=True):
        apart_w = abs(cap_w - wanted_w) if pair[0] is _ON else 0.0
        found.append(nan if apart_w != apart_w else apart_w)
    if fsum(found) <= 0.5 * config.cap_apart_w_max:
        return (0.0,) * len(found)
    return tuple(found)


def _rates(
    config: TrendsConfig, state: TrendState, counts: tuple[float, ...], dt_s: float
) -> tuple[float, ...]:
    """Mean rate of each counter; one that was silent, or was reset, has counted nothing."""
    if not state.rates:
        return (0.0,) * len(counts)
    if counts == state.counts and not any(state.rates):
        return state.rates
    part, rates = min(dt_s / config.error_filter_s, 1.0), []
    for now, was, rate in zip(counts, state.counts, state.rates, strict=True):
        new = now - was if now >= was else 0.0
        after = rate + (new / dt_s - rate) * part
        rates.append(after if after > _RATE_FLOOR else 0.0)
    return tuple(rates)
