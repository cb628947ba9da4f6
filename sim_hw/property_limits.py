"""Limits of the safety properties as the simulation checks them, each with its source.

They are requirements, not settings: the checks do not read what the node is told to do, so a node
configured to do less fails them. Hardware of another kind has its own in `[plant.limits]`, which
the flight software does not read. Properties: docs/design, section 9 of the design.
"""

from pydantic import BaseModel, ConfigDict, Field


class PropertyLimits(BaseModel):
    """What the checks compare plant truth with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # S1
    core_temp_c_max: float = Field(
        default=87.0, description="H100 class, maximum operating; models 1c."
    )
    core_temp_over_s_max: float = Field(default=1.0, description="S1.")
    core_temp_c_shutdown: float = Field(default=95.0, description="H100 class; models 1c.")
    # S2
    coolant_temp_c_min: float = Field(
        default=2.0, description="Assumed; without a loop, of the radiator."
    )
    coolant_temp_c_max: float = Field(default=75.0, description="Assumed.")
    radiator_temp_c_min: float = Field(default=-40.0, description="Assumed.")
    # S3
    charge_ratio_min: float = Field(default=0.40, description="REF-1, hard floor.")
    shed_rungs: tuple[tuple[float, float], ...] = Field(
        default=((0.60, 3200.0), (0.50, 200.0), (0.40, 10.0)),
        description="Below the charge, the most that all draw, in W; models 1b, assumed.",
    )
    shed_s_max: float = Field(default=10.0, description="S3.")
    charge_tolerance_ratio: float = Field(default=0.005, description="Error of the gauge; assumed.")
    # S4
    off_s_min: float = Field(default=0.5, description="REF-1 rail order.")
    stagger_s_min: float = Field(default=0.3, description="REF-1 rail order, inrush.")
    retries_max: int = Field(default=3, description="S4.")
    retry_window_s: float = Field(default=600.0, description="S4.")
    retry_gap_s: float = Field(
        default=120.0,
        description="A rail that closes this soon after it opened is retried; assumed.",
    )
    flow_good_s: float = Field(
        default=1.0,
        description="Flow was good this shortly before an auxiliary rail closes; assumed.",
    )
    # S5
    latch_up_s_max: float = Field(default=0.25, description="S5, by the supervisor.")
    latch_current_a_min: float = Field(
        default=0.8,
        description="Less is a micro-latch, found by its trend, not claimed; models, fault R2.",
    )
    latch_current_a_silicon: float = Field(
        default=3.2,
        description="More trips the rail's own silicon: REF-1, line at 4 A, 0.8 A nominal.",
    )
    cause_s: float = Field(
        default=120.0, description="A fault explains an opened rail this long; assumed."
    )
    brief_cause_s: float = Field(
        default=5.0,
        description="A command, or flow that was lost, explains one this long; assumed.",
    )
    orphaned_s: float = Field(
        default=600.0, description="Without a daemon, drivers open the rails; design, section 2."
    )
    shed_w: float = Field(
        default=150.0,
        description="Budget held back before an accelerator is shed: margins, overhead; assumed.",
    )
    heaters_w: float = Field(
        default=1600.0,
        description="... and for both loop heaters, which a cold radiator wants next; REF-1.",
    )
    cold_radiator_temp_c: float = Field(
        default=-20.0, description="A radiator below it wants both heaters; assumed."
    )
    hot_core_temp_c: float = Field(default=84.0, description="Explains an opened rail; assumed.")
    hot_memory_temp_c: float = Field(default=97.0, description="Explains an opened rail; assumed.")
    flow_kg_per_s_min: float = Field(
        default=0.10, description="Less explains an opened rail; REF-1, 70 %; 0: there is no loop."
    )
    # S6
    budget_s: float = Field(default=1.0, description="S6.")
    budget_tolerance_ratio: float = Field(default=0.02, description="REF-1.")
    cap_w_min: float = Field(
        default=200.0, description="REF-1, smallest cap of an H100 class module."
    )
    cap_escalation_s_max: float = Field(default=10.0, description="S6; models, fault G4.")
    cap_excess_ratio: float = Field(
        default=0.05, description="A cap is not obeyed above it; models, fault G4."
    )
    # S12
    lease_s: float = Field(default=1.5, description="REF-1.")
    silence_s_max: float = Field(default=1.6, description="Lease 1.5 s and one poll.")
    cap_w_safe: float = Field(default=200.0, description="REF-1.")
    cap_tolerance_w: float = Field(default=1.0, description="Read-back quantum; assumed.")
    clock_tolerance_mhz: float = Field(default=1.0, description="Read-back quantum; assumed.")
    pump_speed_rpm_safe: float = Field(
        default=6000.0, description="REF-1, the maximum; 0: no pumps."
    )
    pump_tolerance_rpm: float = Field(default=1.0, description="Read-back quantum; assumed.")
    power_up_s: float = Field(
        default=0.3,
        description="A just booted accelerator has its own cap until the driver's poll; assumed.",
    )
    # S13
    loss_tolerance_ratio: float = Field(default=0.02, description="REF-1, of S6.")
    loss_settle_s: float = Field(
        default=0.2, description="Lag of the device's own cap loop; REF-1."
    )
    loss_window_s: float = Field(
        default=10.0, description="A rail's lost readings explain a rise this long after; assumed."
    )
    stuck_power_w: float = Field(
        default=150.0,
        description="Power moves this far before a stuck core reading is noticed; channels.",
    )
    stuck_s_max: float = Field(
        default=25.0, description="... and it is noticed this soon: the core's own lag; channels."
    )
