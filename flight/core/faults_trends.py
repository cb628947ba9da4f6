"""The faults that signals show: models, peers, rates (trends.py) and readings that disagree."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from flight.core.config import CoreConfig
from flight.core.monitors import Fault
from flight.core.trends import STRING_COUNT
from flight.core.types import Severity

_W, _C = Severity.WARNING, Severity.CRITICAL

# Point that a comparison judges -> fault.
DISAGREEMENTS: Final = (
    ("accel*.power_w", "accel.power_disagrees"),
    ("accel*.core_temp_c", "accel.core_disagrees"),
    ("plate*.outlet_temp_c", "plate.outlet_disagrees"),
    ("rail.*.voltage_v", "rail.voltage_disagrees"),
    ("rail.*.current_a", "rail.current_disagrees"),
    ("eps.battery.voltage_v", "eps.voltage_disagrees"),
    ("loop.flow_kg_per_s", "loop.flow_disagrees"),
    ("loop.return_temp_c", "loop.return_disagrees"),
)


def build(config: CoreConfig, signals: tuple[str, ...], accelerator_count: int) -> Iterator[Fault]:
    """Yield the faults on the signals that a node has."""
    faults = [*_power(config), *_loop(config)]
    for i in range(accelerator_count):
        faults += [*_cooling(config, i), *_device(config, i)]
    present = frozenset(signals)
    yield from (fault for fault in faults if fault.signal in present)


def disagreements(signals: tuple[str, ...]) -> Iterator[Fault]:
    """Yield one fault for each comparison. How far and how long stands in [judge.compare]."""
    for signal in signals:
        point = signal.removesuffix(".disagrees")
        event_id = next(e for pattern, e in DISAGREEMENTS if fnmatchcase(point, pattern))
        subject = point.removeprefix("rail.").partition(".")[0]
        unit = int(subject[5]) if subject.startswith("accel") else -1
        yield Fault(event_id, subject, _W, unit=unit, signal=signal, stale="clear")


def _power(config: CoreConfig) -> Iterator[Fault]:
    trends = config.trends
    for i in range(STRING_COUNT):
        yield Fault(
            "eps.string_lost",
            f"string{i}",
            _W,
            signal=f"string{i}.deficit_ratio",
            threshold=trends.string_deficit_ratio_max,
            hysteresis=0.1,
            persistence_s=trends.string_confirm_s,
            clear_s=trends.string_confirm_s,
        )
    yield Fault(
        "eps.array_low",
        "eps",
        _W,
        signal="eps.sunlit_discharge_a",
        threshold=trends.sunlit_discharge_a_max,
        hysteresis=2.0,
        persistence_s=trends.sunlit_discharge_s,
        clear_s=10.0,
    )
    yield Fault(
        "eps.charging_cold",
        "eps",
        _C,
        signal="eps.cold_charge_a",
        threshold=trends.charge_cold_a_max,
        hysteresis=0.5,
    )
    yield Fault(
        "host.memory_errors",
        "host",
        _W,
        signal="host.memory_error_rate",
        threshold=trends.error_rate_per_s_max,
        hysteresis=0.5 * trends.error_rate_per_s_max,
    )


def _loop(config: CoreConfig) -> Iterator[Fault]:
    trends = config.trends
    for pump in ("pump_a", "pump_b"):
        yield Fault(
            "loop.pump_worn",
            pump,
            _W,
            signal=f"{pump}.wear_ratio",
            threshold=trends.pump_wear_ratio_max,
            hysteresis=0.1,
            persistence_s=trends.pump_wear_s,
            clear_s=10.0,
        )
    for event_id, comparison, limit in (
        ("loop.pressure_low", "<", trends.pressure_ratio_min),
        ("loop.blocked", ">", trends.pressure_ratio_max),
    ):
        yield Fault(
            event_id,
            "loop",
            _W,
            signal="loop.pressure_ratio",
            comparison=comparison,
            threshold=limit,
            hysteresis=0.1,
            persistence_s=trends.pressure_s,
            clear_s=5.0,
        )
    yield Fault(
        "loop.leak",
        "loop",
        _C,
        signal="loop.leak_ratio",
        threshold=trends.leak_ratio_max,
        hysteresis=0.4 * trends.leak_ratio_max,
        persistence_s=60.0,
    )
    yield Fault(
        "loop.radiator_degraded",
        "loop",
        _W,
        signal="loop.radiator_shortfall_ratio",
        threshold=trends.radiator_shortfall_ratio_max,
        hysteresis=0.25 * trends.radiator_shortfall_ratio_max,
        persistence_s=trends.radiator_s,
        clear_s=60.0,
    )


def _cooling(config: CoreConfig, i: int) -> Iterator[Fault]:
    """What lies between one core and the coolant, seen against its peers."""
    trends = config.trends
    yield Fault(
        "plate.blocked",
        f"plate{i}",
        _W,
        unit=i,
        signal=f"accel{i}.plate_rise_ratio",
        threshold=trends.plate_rise_ratio_max,
        hysteresis=0.1,
        persistence_s=trends.plate_rise_s,
        clear_s=10.0,
    )
    yield Fault(
        "accel.cooling_degraded",
        f"accel{i}",
        _W,
        unit=i,
        signal=f"accel{i}.core_rise_ratio",
        threshold=trends.core_rise_ratio_max,
        hysteresis=0.05,
        persistence_s=trends.core_rise_s,
        clear_s=10.0,
    )


def _device(config: CoreConfig, i: int) -> Iterator[Fault]:
    """What an accelerator says of itself, and whether it has taken its cap."""
    trends, name = config.trends, f"accel{i}"
    rate = trends.error_rate_per_s_max
    replays = trends.replay_rate_per_s_max
    yield Fault(
        "accel.memory_errors", name, _W, unit=i, signal=f"{name}.memory_error_rate",
        threshold=rate, hysteresis=0.5 * rate, stale="clear",
    )  # fmt: skip
    yield Fault(
        "accel.link_errors", name, _W, unit=i, signal=f"{name}.replay_rate",
        threshold=replays, hysteresis=0.5 * replays, stale="clear",
    )  # fmt: skip
    yield Fault(
        "accel.slowdown", name, _W, unit=i, signal=f"{name}.slowdown",
        persistence_s=trends.slowdown_s, stale="clear",
    )  # fmt: skip
    yield Fault(
        "accel.cap_not_taken",
        name,
        _W,
        unit=i,
        signal=f"{name}.cap_apart_w",
        threshold=trends.cap_apart_w_max,
        hysteresis=5.0,
        persistence_s=trends.cap_apart_s,
        stale="clear",
    )
