"""S5: single wrong samples never trip a rail. A hundred thousand of them, on all sensors at once."""

import numpy as np

from sim_hw.fault_injector import SENSOR_OK, SENSOR_SPIKE
from sim_hw.sensors import PLACES
from tests.system.flying import FULL_LOAD, flight_of, scenario

SPIKES_MIN = 100_000
GAP_CYCLES = 3  # between two spikes of one sensor
FLIGHT_S = 360.0
WARM_UP_S = 20.0


def test_a_hundred_thousand_single_sample_spikes_trip_no_rail_and_change_no_mode() -> None:
    rng = np.random.default_rng(7)
    start = {"temp_c": 45.0, "orbit_phase": 0.5, "mode": "NOMINAL"}
    data = scenario(start=start, action=[FULL_LOAD])
    events: list[str] = []
    spikes = 0
    with flight_of(data, duration_s=FLIGHT_S) as flight:
        image, points = flight.node.image, flight.node.table
        names = sorted(PLACES)
        words = np.array([image.truth_word(*PLACES[name]) for name in names])
        low = np.array([points.points[points.index[name]].low for name in names])
        high = np.array([points.points[points.index[name]].high for name in names])
        ready_at = np.zeros(len(names), np.int64)
        flight.fly(WARM_UP_S)
        modules = image.setpoint.module_enabled.tobytes() + image.setpoint.aux_enabled.tobytes()
        for cycle in range(round((FLIGHT_S - WARM_UP_S) * 10)):
            chosen = (ready_at <= cycle) & (rng.random(len(names)) < 0.3)
            chosen &= image.sensor_mode[words] == SENSOR_OK  # the last one has been read
            # Half of them could be true, half are far outside of what can be.
            reach = np.where(rng.random(len(names)) < 0.5, 0.0, 2.0) * (high - low)
            values = rng.uniform(low - reach, high + reach)
            image.sensor_value[words[chosen]] = values[chosen]
            image.sensor_mode[words[chosen]] = SENSOR_SPIKE
            ready_at[chosen] = cycle + GAP_CYCLES
            flight.fly(0.1)
            spikes += int(chosen.sum()) - int((image.sensor_mode[words] == SENSOR_SPIKE).sum())
            now = image.setpoint.module_enabled.tobytes() + image.setpoint.aux_enabled.tobytes()
            assert now == modules, f"a rail moved at {flight.node.now_ns / 1e9:.1f} s"
            decision = flight.node.cycle.last_decision
            assert decision is not None and decision.mode == "NOMINAL"
            events += [event.event_id for event in decision.events]
        assert not flight.properties.ledger.violations
        assert image.truth.accel_power_w.sum() >= 5000.0  # and it computes on
    assert spikes >= SPIKES_MIN
    assert not [name for name in events if name.startswith(("rail.", "mode.", "pump."))]
