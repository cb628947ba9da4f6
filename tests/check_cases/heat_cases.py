"""Check cases 7, 8, 11, 16 to 18 and 20: radiator, cores, loop."""

from functools import cache

from sim_hw._native import lib
from sim_hw.config_heat import HostConfig, RadiatorConfig, StackConfig
from sim_hw.plant_config import PlantConfig
from tests.check_cases.case import CheckCase
from tests.unit.heat_bench import DT_S, ZERO_C_K, HeatBench

SOLAR_W_PER_M2 = 1361.0
IDEAL_FINS = {"fin_length_m": 1e-3, "fin_thickness_m": 0.1}
ONE_LUMP = {"core_package_ratio": 1e-3, "plate_film_ratio": 1e-3, "memory_power_ratio": 0.0}
_CLOSED = "closed form, computed"
_TABLE = "published table of radiators, one side, emissivity 0.9, 3 K"


def radiated_w(area_m2: float, emissivity_ratio: float, temp_k: float, sink_k: float) -> float:
    """Return the net heat of a two-sided panel."""
    return float(lib.sim_radiated_w(2.0, area_m2, emissivity_ratio, temp_k, sink_k))


def flying_radiator_w(temp_k: float, *, area_m2: float, emissivity_ratio: float) -> float:
    """Return what the plant's radiator rejects to empty space with all of it at one temperature."""
    radiator = RadiatorConfig(area_m2=area_m2, emissivity_ratio=emissivity_ratio, **IDEAL_FINS)
    bench = HeatBench(PlantConfig(radiator=radiator), temp_c=temp_k - ZERO_C_K)
    bench.advance(1e-6)
    return float(bench.heat.radiated_w)


def balance_temp_k(absorbed_w_per_m2: float) -> float:
    """Return the temperature at which a square metre of the plant's radiator gives this back."""
    low, high = 100.0, 400.0
    while high - low > 1e-4:
        middle = 0.5 * (low + high)
        given_w = flying_radiator_w(middle, area_m2=0.5, emissivity_ratio=1.0)  # two sides
        low, high = (middle, high) if given_w < absorbed_w_per_m2 else (low, middle)
    return 0.5 * (low + high)


@cache
def core_step() -> tuple[float, ...]:
    """Return the core after each 0.1 s of 700 W, 0.05 K/W over a coolant held at 45 degC."""
    lumped = StackConfig(core_j_per_k=300.0, package_j_per_k=300.0, plate_j_per_k=1e6, **ONE_LUMP)
    bench = HeatBench(PlantConfig(stack=lumped), temp_c=45.0, core_k_per_w=0.05)
    bench.set_power(700.0)
    core_c = []
    for _ in range(3000):
        bench.heat.stack.plate_c[0] = 45.0  # the case holds the coolant
        bench.advance()
        core_c.append(bench.core_c)
    return tuple(core_c)


def first_at_75_c() -> float:
    """Return when the core of case 16 reaches 75 degC, in s."""
    return DT_S * (1 + next(i for i, value in enumerate(core_step()) if value >= 75.0))


def stagnant_bench(start_c: float) -> HeatBench:
    """Return a loop whose pump has just died, core and plate all but one node."""
    lumped = StackConfig(core_j_per_k=60.0, package_j_per_k=540.5, **ONE_LUMP)
    bench = HeatBench(
        PlantConfig(stack=lumped), temp_c=start_c, core_k_per_w=0.002, pump_rpm=(4000.0, 0.0)
    )
    bench.pumps_faults.torque_ratio = (0.0, 0.0)
    bench.fly(20.0)  # the pump coasts down
    assert bench.truth.flow_kg_per_s == 0.0
    return bench


def seconds_between(low_c: float, high_c: float) -> float:
    """Return how long a core at 700 W without flow takes from one temperature to the other."""
    bench = stagnant_bench(low_c - 10.0)
    bench.set_power(700.0)
    steps = [0, 0]
    for i, limit_c in enumerate((low_c, high_c)):
        while bench.core_c < limit_c:
            bench.advance(0.02)
            steps[i] += 1
    return 0.02 * steps[1]


@cache
def stagnant_slopes() -> tuple[float, float]:
    """Return how fast core and plate warm without flow at 700 W, then at 70 W, in K/s."""
    bench = stagnant_bench(30.0)
    slopes = []
    for power_w in (700.0, 70.0):
        bench.set_power(power_w)
        bench.fly(5.0)
        before_c = bench.core_c
        bench.fly(10.0)
        slopes.append((bench.core_c - before_c) / 10.0)
    return slopes[0], slopes[1]


@cache
def loop_slope() -> float:
    """Return how fast the loop warms by 5.6 kW without rejection, in K/s."""
    config = PlantConfig(
        radiator=RadiatorConfig(emissivity_ratio=1e-9),
        # Cores and host are not part of the loop.
        stack=StackConfig(core_j_per_k=0.1, package_j_per_k=0.1, memory_power_ratio=0.0),
        host=HostConfig(heat_capacity_j_per_k=10.0),
    )
    bench = HeatBench(config, temp_c=20.0)
    bench.inputs.flow_kg_per_s = 0.144
    bench.inputs.heater_w[0] = 5600.0
    mean_c = []
    for _ in range(8000):
        bench.advance()
        mean_c.append(float(bench.heat.mean_coolant_temp_c))
    return (mean_c[-1] - mean_c[-4001]) / 400.0


@cache
def full_load() -> tuple[float, float]:
    """Return the coolant's rise in K and the pump's power in W at 5.6 kW and 0.1436 kg/s."""
    bench = HeatBench(temp_c=35.0, pump_rpm=(4000.0 * 0.1436 / 0.144, 0.0))
    bench.set_power(700.0)
    bench.set_sink(190.0)
    bench.fly(2600.0)
    truth = bench.truth
    assert abs(truth.flow_kg_per_s / 0.1436 - 1.0) < 1e-3
    rise_k = float(truth.return_temp_c - truth.supply_temp_c)
    return rise_k, float(truth.pump_current_a[0] * bench.bus28_voltage_v)


HEAT_CASES = (
    CheckCase(
        number="7a", what="radiator 2 A ε σ T⁴: 1.2096 m², 300 K, ε 0.9, no sink",
        source=_CLOSED, unit="W", expected=1000.0, tolerance=1.0,
        ours=lambda: radiated_w(1.2096, 0.9, 300.0, 0.0),
    ),
    CheckCase(
        number="7b", what="radiator 2 A ε σ (T⁴ - Ts⁴): 0.9141 m², 333.15 K, sink 200 K",
        source=_CLOSED, unit="W", expected=1000.0, tolerance=1.0,
        ours=lambda: radiated_w(0.9141, 0.9, 333.15, 200.0),
    ),
    CheckCase(
        number="7c", what="the flying radiator of 1.2096 m² at 300 K", source=_CLOSED, unit="W",
        expected=1000.0, tolerance=1.0,
        ours=lambda: flying_radiator_w(300.0, area_m2=1.2096, emissivity_ratio=0.9),
    ),
    *(
        CheckCase(
            number=f"8{letter}", what=f"rating of one side at {temp_c:g} °C", source=_TABLE,
            unit="W/m²", expected=expected, tolerance=1.0,
            ours=lambda temp_c=temp_c: radiated_w(0.5, 0.9, temp_c + ZERO_C_K, 3.0), digits=1,
        )
        for letter, temp_c, expected in zip(
            "abcdef", (60.0, 70.0, 80.0, 85.0, 100.0, 127.0),
            (629.0, 708.0, 794.0, 840.0, 989.0, 1308.0), strict=True,
        )
    ),
    CheckCase(
        number="11a", what="grey sphere (S / 4σ)^¼, 1361 W/m²", source=_CLOSED, unit="K",
        expected=278.3, tolerance=0.1, ours=lambda: balance_temp_k(SOLAR_W_PER_M2 / 4.0),
    ),
    CheckCase(
        number="11b", what="Earth, albedo 0.3: S (1 - a) / 4 = 238.2 W/m²", source=_CLOSED,
        unit="K", expected=254.6, tolerance=0.1,
        ours=lambda: balance_temp_k(0.7 * SOLAR_W_PER_M2 / 4.0),
    ),
    CheckCase(
        number="16a", what="core step: 0.05 K/W, 600 J/K, 700 W, coolant 45 °C; at 30 s",
        source=_CLOSED, unit="°C", expected=67.1, tolerance=0.3, ours=lambda: core_step()[299],
    ),
    CheckCase(
        number="16b", what="the same at 90 s", source=_CLOSED, unit="°C", expected=78.3,
        tolerance=0.3, ours=lambda: core_step()[899],
    ),
    CheckCase(
        number="16c", what="the same at the end", source=_CLOSED, unit="°C", expected=80.0,
        tolerance=0.3, ours=lambda: core_step()[-1],
    ),
    CheckCase(
        number="16d", what="the same: time to 75 °C", source=_CLOSED, unit="s", expected=58.4,
        tolerance=0.5, ours=first_at_75_c, digits=1,
    ),
    CheckCase(
        number="17a", what="pump loss, core and plate 877.5 J/K, 700 W", source=_CLOSED,
        unit="K/s", expected=0.798, tolerance=0.02 * 0.798, ours=lambda: stagnant_slopes()[0],
        digits=4,
    ),
    CheckCase(
        number="17b", what="the same at 70 W", source=_CLOSED, unit="K/s", expected=0.080,
        tolerance=0.02 * 0.080, ours=lambda: stagnant_slopes()[1], digits=4,
    ),
    CheckCase(
        number="17c", what="the same, 700 W, 80 to 87 °C", source=_CLOSED, unit="s",
        expected=8.78, tolerance=0.02 * 8.78, ours=lambda: seconds_between(80.0, 87.0),
    ),
    CheckCase(
        number="17d", what="the same, 700 W, 60 to 95 °C", source=_CLOSED, unit="s",
        expected=43.9, tolerance=0.02 * 43.9, ours=lambda: seconds_between(60.0, 95.0),
    ),
    CheckCase(
        number="18", what="loop of 105 kJ/K warmed by 5.6 kW without rejection", source=_CLOSED,
        unit="K/s", expected=0.0533, tolerance=0.01 * 0.0533, ours=loop_slope, digits=5,
    ),
    CheckCase(
        number="20a", what="coolant rise Q / (ṁ cp): 5.6 kW, 0.1436 kg/s, 3900 J/(kg K)",
        source=_CLOSED, unit="K", expected=10.0, tolerance=0.1, ours=lambda: full_load()[0],
    ),
    CheckCase(
        number="20b", what="pump power at that flow, 150 kPa, efficiency 0.4", source=_CLOSED,
        unit="W", expected=53.0, tolerance=0.53, ours=lambda: full_load()[1],
    ),
)  # fmt: skip
