"""Particles: how much more of them where and when, and the dose; numbers, units, sources."""

from pydantic import Field

from sim_hw.config_section import Section

# Share of time in the boxes of sim_hw/anomaly.py at 550 km, Sun-synchronous: docs/models.md 1a.
ANOMALY_TIME_RATIO = 0.101
CORE_TIME_RATIO = 0.028


class RadiationConfig(Section):
    """Rates of faults are means over an orbit of REF-1; here is when they come."""

    anomaly_rate_ratio: float = Field(
        10.0,
        ge=1.0,
        le=1000.0,
        description="assumed, of 5 to 50: in the anomaly, of the rate outside",
    )
    anomaly_core_rate_ratio: float = Field(
        50.0,
        ge=1.0,
        le=1000.0,
        description="assumed, of 5 to 50: in its core; 21 in the mean of a pass",
    )
    dose_rad_per_year: float = Field(
        150.0, ge=0.0, le=1e5, description="1a, rad(Si) behind shielding; 7000 for a CubeSat"
    )
    edac_memory_mib: float = Field(
        64.0, ge=0.0, le=1e6, description="check case 23, memory of the host that counts upsets"
    )
    particle_event_start_s: float = Field(
        -1.0, ge=-1.0, le=1e8, description="when a solar event begins; below 0: drawn by its rate"
    )
    particle_events_per_year: float = Field(
        3.0, ge=0.0, le=1000.0, description="assumed, 1 to 5 at solar maximum"
    )
    particle_event_rise_s: float = Field(
        3600.0, gt=0.0, le=1e6, description="assumed, from the background to the peak"
    )
    particle_event_decay_s: float = Field(
        36_000.0, gt=0.0, le=1e6, description="assumed, hours: to 1/e of the peak"
    )
    particle_event_peak_ratio: float = Field(
        100.0, ge=1.0, le=1e5, description="assumed, 10 to 1000: the peak, of the background"
    )

    @property
    def mean_ratio(self) -> float:
        """Mean rate over an orbit of REF-1, of the rate outside the anomaly."""
        outer = (ANOMALY_TIME_RATIO - CORE_TIME_RATIO) * self.anomaly_rate_ratio
        core = CORE_TIME_RATIO * self.anomaly_core_rate_ratio
        return 1.0 - ANOMALY_TIME_RATIO + outer + core
