"""S12 on plant truth: the daemon hangs for 3 s at full power; drivers alone hold the node."""

import numpy as np
import pytest

from tests.system.flying import FULL_LOAD, flight_of, scenario

STALL_S = 100
RAMP_W_PER_S = 25.0


@pytest.mark.parametrize("offset_ms", [1, 50, 99])
def test_a_stall_lapses_the_leases_and_ends_in_a_ramp_of_a_newer_epoch(offset_ms: int) -> None:
    fault = {
        "id": "stall",
        "at": f"{STALL_S * 1000 + offset_ms} ms",
        "name": "daemon_stall",
        "target": "daemon",
        "parameters": {"duration_s": 3.0},
    }
    start = {"temp_c": 30.0, "orbit_phase": 0.5, "mode": "NOMINAL"}
    data = scenario(start=start, action=[FULL_LOAD], fault=[fault])
    times_s, caps_w, epochs, late = [], [], [], []
    with flight_of(data, duration_s=160.0) as flight:
        node = flight.node
        flight.fly(float(STALL_S))
        rails = (
            node.image.setpoint.module_enabled.tobytes() + node.image.setpoint.aux_enabled.tobytes()
        )
        assert node.image.setpoint.accel_cap_w.min() == 700.0
        assert node.image.truth.accel_power_w.sum() >= 5500.0
        epoch = node.node_image.epoch
        while node.now_ns < 160e9:
            flight.fly(0.1)
            times_s.append(node.now_ns / 1e9)
            caps_w.append(float(node.image.setpoint.accel_cap_w.max()))
            epochs.append(node.node_image.epoch)  # of the last heartbeat
            late.append(node.cycle.late_count)
            setpoint = node.image.setpoint
            assert setpoint.module_enabled.tobytes() + setpoint.aux_enabled.tobytes() == rails
        assert not flight.properties.ledger.violations
        decision = node.cycle.last_decision
        assert decision is not None and decision.mode == "NOMINAL"
    last_beat_s = float(STALL_S)  # the cycle at that instant still ran
    since_s, cap_w = np.array(times_s) - last_beat_s, np.array(caps_w)
    renewed = np.array(epochs) > epoch
    assert late[-1] == 1 and epochs[-1] == epoch + 1
    assert 3.0 <= since_s[renewed][0] <= 3.3
    assert cap_w[since_s < 1.4].min() == 700.0  # a lease is not cut short
    assert cap_w[(since_s >= 1.6) & ~renewed].max() <= 200.0
    returned = cap_w[renewed]
    assert returned[0] <= 200.0 + RAMP_W_PER_S * 0.1 + 1e-6
    assert np.diff(returned).max() <= RAMP_W_PER_S * 0.1 + 1e-6
    assert returned[-1] >= 500.0
