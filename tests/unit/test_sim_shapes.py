"""The simulated hardware of other kinds of node: straps, a spacecraft's bus, small accelerators."""

import pytest

from flight.config import NodeConfig, load_config
from flight.examples import config_path, node_names
from sim_hw.flight import Flight
from tests.system.flying import FULL_LOAD, flight_of, scenario

GRANT = {"at": "1 s", "do": "allotment", "parameters": {"power_w": 4800.0}}
START = {"mode": "NOMINAL", "temp_c": 30.0}


def flown(name: str, duration_s: float, config: NodeConfig | None = None) -> Flight:
    """Fly one of the example nodes at full load; close it."""
    actions = [FULL_LOAD, GRANT] if name == "ai1" else [FULL_LOAD]
    data = scenario(start=START, action=actions)
    flight = flight_of(data, config=config or load_config(config_path(name)), duration_s=duration_s)
    flight.fly(duration_s)
    return flight


@pytest.mark.parametrize("name", node_names())
def test_every_point_of_the_node_is_read_well_and_nothing_is_wrong(name: str) -> None:
    with flown(name, 90.0) as flight:
        state = flight.node.cycle.state
        names = [point.name for point in flight.node.table]
        bad = [n for n, q in zip(names, state.judge.quality, strict=True) if q]
        assert bad == []
        assert state.mode.mode == "NOMINAL"
        monitors = flight.node.step_config.monitors
        active = [monitors.faults[i].event_id for i in state.monitors.active.nonzero()[0]]
        assert active == []
        assert flight.properties.ledger.violations == []


@pytest.mark.parametrize("name", node_names())
def test_energy_closes_on_every_kind_of_node(name: str) -> None:
    with flown(name, 90.0) as flight:
        energy = flight.node.plant.energy
        assert energy.load_j > 0.0
        assert energy.electrical_error_ratio < 1e-9
        assert energy.thermal_error_ratio < 1e-9


def test_a_small_accelerator_takes_its_caps_and_draws_them() -> None:
    with flown("edge", 90.0) as flight:
        setpoint, truth = flight.node.image.setpoint, flight.node.image.truth
        assert setpoint.accel_cap_w[0] == 60.0
        assert truth.accel_power_w[0] == pytest.approx(60.0, abs=0.1)
        assert truth.accel_power_w[1:].sum() == 0.0
        assert truth.module_voltage_v[0] == pytest.approx(31.0, abs=1.5)
        assert setpoint.pump_speed_target_rpm.tolist() == [0.0, 0.0]
        image = flight.node.image
        noise_w = image.sensor_noise[image.truth_word("accel_power_w")]
        assert noise_w == pytest.approx(60.0 / 700.0)  # its meter is as fine as it is small


def test_a_stuck_core_sensor_of_a_small_accelerator_is_noticed() -> None:
    """50 W are less than what REF-1 waits for: the configuration says how far power must move."""
    idle = {
        **FULL_LOAD,
        "at": "150 s",
        "parameters": {"kind": "constant", "utilisation_ratio": 0.2},
    }
    stuck = {"id": "s", "at": "120 s", "name": "sensor_stuck", "target": "accel0.core_temp_c"}
    data = scenario(start=START, action=[FULL_LOAD, idle], fault=[stuck])
    config = load_config(config_path("edge"))
    with flight_of(data, config=config, duration_s=170.0) as flight:
        flight.fly(170.0)
        assert flight.stories.stories[0].detected_by == "accel.core_sensor_stuck accel0"
        assert flight.properties.ledger.violations == []


def test_the_checks_hold_the_limits_of_the_hardware_at_hand() -> None:
    config = load_config(config_path("edge"))
    plant = {**config.plant, "limits": {**config.plant["limits"], "core_temp_c_max": 40.0}}
    with flown("edge", 90.0, config.model_copy(update={"plant": plant})) as flight:
        assert {v.property for v in flight.properties.ledger.violations} == {"S1"}


def test_a_fed_node_that_draws_more_than_its_fallback_before_a_grant_is_caught() -> None:
    """The check knows the fallback by itself, whatever the daemon thinks."""
    config = load_config(config_path("ai1"))
    with flight_of(scenario(start=START, action=[FULL_LOAD]), config=config, duration_s=120.0) as f:
        f.fly(90.0)
        assert f.properties.ledger.violations == []
        f.node.image.knobs.accel_cap_ignored[:4] = 1.0  # 4.1 kW in all, below the node's largest
        f.fly(3.0)
        found = {(v.property, v.subject) for v in f.properties.ledger.violations}
        assert ("S6", "node") in found
