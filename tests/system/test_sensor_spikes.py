"""S5: single wrong samples never trip a rail. A hundred thousand of them, on all sensors."""

import numpy as np

from sim_hw.fault_effects import SENSOR_OK, SENSOR_SPIKE
from sim_hw.flight import Flight
from sim_hw.sensors import PLACES
from tests.system.flying import FULL_LOAD, flight_of, scenario

SPIKES_MIN = 100_000
GAP_CYCLES = 3  # between two spikes of one sensor; those of one rail count as one sensor
FLIGHT_S = 560.0
WARM_UP_S = 20.0


class Spiker:
    """Spikes sensors at random: each part every 3 to 6 cycles, and each time one of its sensors."""

    def __init__(self, flight: Flight) -> None:
        names = sorted(name for name in PLACES if name in flight.node.table.index)
        points = [flight.node.table.points[flight.node.table.index[name]] for name in names]
        parts = [name.rpartition(".")[0] if name.startswith("rail.") else name for name in names]
        self._rng = np.random.default_rng(7)
        self._image = flight.node.image
        self._words = np.array([self._image.truth_word(*PLACES[name]) for name in names])
        self._low = np.array([point.low for point in points])
        self._span = np.array([point.high for point in points]) - self._low
        self._part = np.unique(parts, return_inverse=True)[1]
        self._ready_at = np.zeros(len(set(parts)), np.int64)
        self.count = 0

    def strike(self, cycle: int) -> None:
        """Let the next conversion of some sensors be wrong."""
        rng, part = self._rng, self._part
        order = rng.permutation(len(part))
        one_of_each = order[np.unique(part[order], return_index=True)[1]]
        due = self._ready_at[part[one_of_each]] <= cycle
        chosen = one_of_each[due & (rng.random(len(one_of_each)) < 0.5)]
        chosen = chosen[self._image.sensor_mode[self._words[chosen]] == SENSOR_OK]
        # Half of them could be true, half are far outside of what can be.
        reach = np.where(rng.random(len(chosen)) < 0.5, 0.0, 2.0)
        where = rng.uniform(-reach, 1.0 + reach)
        self._image.sensor_value[self._words[chosen]] = (
            self._low[chosen] + where * self._span[chosen]
        )
        self._image.sensor_mode[self._words[chosen]] = SENSOR_SPIKE
        self._ready_at[part[chosen]] = cycle + GAP_CYCLES
        self.count += len(chosen)

    def waiting(self) -> int:
        """Return how many spikes no conversion has taken yet."""
        return int((self._image.sensor_mode[self._words] == SENSOR_SPIKE).sum())


def test_a_hundred_thousand_single_sample_spikes_trip_no_rail_and_change_no_mode() -> None:
    start = {"temp_c": 45.0, "orbit_phase": 0.5, "mode": "NOMINAL"}
    events: list[str] = []
    with flight_of(scenario(start=start, action=[FULL_LOAD]), duration_s=FLIGHT_S) as flight:
        spiker, setpoint = Spiker(flight), flight.node.image.setpoint
        flight.fly(WARM_UP_S)
        rails = setpoint.module_enabled.tobytes() + setpoint.aux_enabled.tobytes()
        for cycle in range(round((FLIGHT_S - WARM_UP_S) * 10)):
            spiker.strike(cycle)
            flight.fly(0.1)
            now = setpoint.module_enabled.tobytes() + setpoint.aux_enabled.tobytes()
            assert now == rails, f"a rail moved at {flight.node.now_ns / 1e9:.1f} s"
            decision = flight.node.cycle.last_decision
            assert decision is not None and decision.mode == "NOMINAL"
            events += [event.event_id for event in decision.events]
        assert not flight.properties.ledger.violations
        assert spiker.count - spiker.waiting() >= SPIKES_MIN
        assert flight.node.image.truth.accel_power_w.sum() >= 5000.0  # and it computes on
    assert not [name for name in events if name.startswith(("rail.", "mode."))]
