"""Whatever is done to the accelerators: power in its bounds, energy only grows, off is 0."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_hw.config_accelerators import AcceleratorConfig
from tests.unit.accelerators_bench import AcceleratorBench, field_view

CONFIG = AcceleratorConfig()
FAULTS = (
    "ecc_corrected_pending", "ecc_uncorrected_pending", "ecc_uncontained_pending", "hang_pending",
    "off_bus_pending", "xid_pending",
)  # fmt: skip
SWITCHES = ("module_enabled", "aux_enabled", "payload_enabled")
MASK = np.array([1.6, 1.5, 1.2, 1.1])

one_of = st.integers(0, 7)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("cap"), one_of, st.floats(200.0, 700.0)),
        st.tuples(st.just("clock"), one_of, st.floats(210.0, 1980.0)),
        st.tuples(st.just("load"), one_of, st.floats(0.0, 1.0)),
        st.tuples(st.just("core"), one_of, st.floats(-20.0, 100.0)),
        st.tuples(st.just("memory"), one_of, st.floats(0.0, 110.0)),
        st.tuples(st.just("reset"), one_of, st.just(1.0)),
        st.tuples(st.sampled_from(SWITCHES), one_of, st.sampled_from([0.0, 1.0, 1.0])),
        st.tuples(st.sampled_from(FAULTS), one_of, st.just(1.0)),
        st.tuples(st.just("bus"), one_of, st.sampled_from([0.0, 50.0, 54.0])),
    ),
    min_size=1,
    max_size=40,
)


class Followed:
    """Accelerators under a course of steps, looked at after each step of the plant."""

    def __init__(self) -> None:
        self.bench = AcceleratorBench(CONFIG)
        self.bus_v = 54.0
        self.energy_j = np.zeros(8)
        self.allowed_w = np.full(8, CONFIG.cap_max_w)

    def do(self, what: str, index: int, value: float) -> None:
        """Do one thing to one accelerator."""
        image = self.bench.image
        arrays = {
            "cap": image.setpoint.accel_cap_w,
            "clock": image.setpoint.accel_clock_max_mhz,
            "load": self.bench.utilisation_target,
            "core": image.truth.accel_core_temp_c,
            "memory": image.truth.accel_memory_temp_c,
        }
        if what == "bus":
            self.bus_v = value
        elif what == "reset":
            image.boards.reset_count[index] += 1.0
        elif what in SWITCHES:
            switch = getattr(image.setpoint, what)
            switch[index % len(switch)] = value
        elif what in FAULTS:
            field_view(self.bench.faults, what)[index] += value
        else:
            arrays[what][index] = value

    def step(self, dt_s: float) -> None:
        """Advance once and check what always holds."""
        bench, truth, setpoint = self.bench, self.bench.image.truth, self.bench.image.setpoint
        total_w = bench.advance(dt_s, dt_s=dt_s, bus_v=self.bus_v)
        power_w = truth.accel_power_w
        assert np.all(power_w >= 0.0)
        assert math.isclose(total_w, math.fsum(power_w.tolist()), abs_tol=1e-9)
        # A cap that falls is followed with the lag; one that hangs keeps what it had.
        lag = math.exp(-dt_s / CONFIG.lag_s)
        falling_w = setpoint.accel_cap_w + (self.allowed_w - setpoint.accel_cap_w) * lag
        hung = truth.accel_hung > 0.5
        self.allowed_w = np.where(
            hung, CONFIG.cap_max_w, np.maximum(setpoint.accel_cap_w, falling_w)
        )
        assert np.all(power_w <= self.allowed_w + 1e-6)
        assert np.all(truth.accel_energy_j >= self.energy_j)
        grown_j = truth.accel_energy_j - self.energy_j
        assert np.allclose(grown_j, power_w * dt_s, atol=1e-6)
        self.energy_j = truth.accel_energy_j.copy()
        self.check_off()
        peaks = truth.module_peak_current_a.reshape(8, 4)
        assert np.all(peaks * self.bus_v <= MASK * CONFIG.cap_max_w + 1e-6)
        assert np.all((truth.accel_clock_mhz >= 0.0) & (truth.accel_clock_mhz <= 1980.0))
        assert set(truth.accel_memory_bandwidth_ratio.tolist()) <= {0.0, 0.742, 1.0}

    def check_off(self) -> None:
        """Without a rail there is nothing."""
        truth, setpoint = self.bench.image.truth, self.bench.image.setpoint
        fed = (setpoint.module_enabled > 0.5) & (setpoint.payload_enabled > 0.5) & (self.bus_v > 0)
        is_off = ~(fed & (setpoint.aux_enabled > 0.5))
        for name in ("power_w", "alive", "utilisation_ratio", "clock_mhz", "event_reasons", "hung"):
            assert not getattr(truth, f"accel_{name}")[is_off].any(), name
        assert not truth.module_current_a[is_off].any()
        assert np.all(truth.module_voltage_v == np.where(fed, self.bus_v, 0.0))
        assert not truth.aux_voltage_v[setpoint.aux_enabled < 0.5].any()


@settings(max_examples=150, deadline=None)
@given(steps=steps, dt_s=st.sampled_from([0.1, 0.2, 0.037]))
def test_power_energy_and_off_hold_whatever_is_done(steps, dt_s):
    followed = Followed()
    for what, index, value in steps:
        followed.do(what, index, value)
        for _ in range(3):
            followed.step(dt_s)


@settings(max_examples=100, deadline=None)
@given(
    cap_w=st.floats(200.0, 700.0),
    load=st.floats(0.0, 1.0),
    clock_mhz=st.floats(345.0, 1980.0),
    core_c=st.floats(0.0, 86.0),
)
def test_power_never_falls_when_more_is_allowed_or_asked_for(cap_w, load, clock_mhz, core_c):
    def settled_w(cap_w: float, load: float, clock_mhz: float, core_c: float) -> float:
        bench = AcceleratorBench(CONFIG, count=1)
        bench.image.truth.accel_core_temp_c[:] = core_c
        bench.image.setpoint.accel_cap_w[:] = cap_w
        bench.image.setpoint.accel_clock_max_mhz[:] = clock_mhz
        bench.utilisation_target[:] = load
        return bench.advance(4.0, dt_s=0.2)

    before_w = settled_w(cap_w, load, clock_mhz, core_c)
    assert before_w <= cap_w + 1e-6
    for cap2_w, load2, clock2_mhz, core2_c in (
        (min(700.0, cap_w + 50.0), load, clock_mhz, core_c),
        (cap_w, min(1.0, load + 0.1), clock_mhz, core_c),
        (cap_w, load, min(1980.0, clock_mhz + 100.0), core_c),
        (cap_w, load, clock_mhz, core_c + 1.0),
    ):
        assert settled_w(cap2_w, load2, clock2_mhz, core2_c) >= before_w - 1e-6
