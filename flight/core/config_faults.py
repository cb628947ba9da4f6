"""[faults]: configuration of the fault monitors that no law has of its own."""

from pydantic import Field

from flight.core.section import Section


class FaultsConfig(Section):
    """[faults]: persistence of the rest, and switches that only tests turn off."""

    guard_enabled: bool = Field(
        True, description="False only in tests of the other lines of defence."
    )
    pump_loss_enabled: bool = Field(True, description="False only in tests, as above.")
    over_temperature_enabled: bool = Field(True, description="False only in tests, as above.")
    communication_lost_s: float = Field(
        0.6,
        ge=0.2,
        le=2.0,
        description="Age of a driver's newest good sample; UNRESPONSIVE within 2 s.",
    )
    rail_confirm_s: float = Field(
        0.09,
        gt=0.0,
        le=1.0,
        description="Two samples of a tripped rail or module over-current; assumed.",
    )
    failed_closed_s: float = Field(
        0.29, gt=0.0, le=2.0, description="Four samples of current through an open switch; assumed."
    )
    cpu_temp_c_max: float = Field(90.0, ge=40.0, le=120.0, description="Assumed.")
    nvme_temp_c_max: float = Field(70.0, ge=40.0, le=100.0, description="Assumed.")
    rail_temp_c_max: float = Field(105.0, ge=40.0, le=150.0, description="Assumed.")
    battery_temp_c_max: float = Field(45.0, ge=20.0, le=80.0, description="models, fault P4.")
    battery_temp_c_min: float = Field(0.0, ge=-40.0, le=20.0, description="models, fault P5.")
    plate_temp_c_max: float = Field(75.0, ge=30.0, le=120.0, description="Assumed.")
    disk_free_ratio_min: float = Field(0.05, ge=0.0, le=1.0, description="Assumed.")
    aux_voltage_v_max: float = Field(
        3.6, ge=1.0, le=12.0, description="3.3 V auxiliary rail; assumed +9 %."
    )
    module_voltage_v_max: float = Field(
        57.5, ge=10.0, le=100.0, description="54 V rails; bus range 48-57 V plus meter error."
    )
    bus54_voltage_v_max: float = Field(
        57.5, ge=10.0, le=100.0, description="Payload bus; range 48-57 V plus meter error."
    )
    bus28_voltage_v_min: float = Field(
        25.0, ge=5.0, le=100.0, description="Avionics bus, 28 V; assumed -11 %."
    )
    host_voltage_ratio_min: float = Field(
        0.92, gt=0.5, lt=1.0, description="Host rails, part of nominal; assumed."
    )
    host_voltage_ratio_max: float = Field(
        1.08, gt=1.0, le=1.5, description="Host rails, part of nominal; assumed."
    )
    nvme_wear_ratio_max: float = Field(
        0.9, gt=0.0, le=2.0, description="Part of a drive's rated life; assumed."
    )
    setpoint_margin_k: float = Field(
        1.5, ge=0.5, le=10.0, description="Above the guard's set-point: told; assumed."
    )
    rail_temp_hysteresis_k: float = Field(5.0, ge=0.0, le=50.0, description="Assumed.")
    voltage_confirm_s: float = Field(
        0.2, ge=0.0, le=10.0, description="Three samples of a wrong voltage; assumed."
    )
    temperature_confirm_s: float = Field(
        2.0, ge=0.0, le=60.0, description="Hot or cold this long: told; assumed."
    )
    write_failed_s: float = Field(
        2.0, ge=0.2, le=60.0, description="Longer than an accelerator boots; assumed."
    )
    bus28_voltage_v_max: float = Field(
        31.0, ge=5.0, le=100.0, description="Avionics bus, 28 V; assumed +11 %."
    )
    battery_current_a_max: float = Field(
        160.0, gt=0.0, le=1000.0, description="Either way; C/2 is 125 A (models 1b); assumed."
    )
    battery_voltage_v_min: float = Field(
        46.0, ge=5.0, le=400.0, description="Below the payload bus range of 48 V; assumed."
    )
    charge_unknown_s: float = Field(
        10.0, ge=0.5, le=600.0, description="No state of charge this long: told; assumed."
    )
    aux_current_a_high: float = Field(
        0.95,
        gt=0.0,
        le=20.0,
        description="A partial latch-up adds 5 to 30 %, nominal 0.8 A; models, fault R2.",
    )
    aux_current_high_s: float = Field(
        30.0, ge=1.0, le=600.0, description="... for so long; models, fault R2 <= 60 s."
    )
    host_rail_current_a: tuple[float, float, float, float] = Field(
        (22.0, 6.0, 8.0, 12.0),
        description="host_12v, 5v, 3v3, 1v8 at full load; REF-1, sums to about 340 W; assumed.",
    )
    host_current_ratio_max: float = Field(
        1.4, gt=1.0, le=10.0, description="Host rails, part of nominal; models, fault R1; assumed."
    )
    switch_closed_s: float = Field(
        0.29, ge=0.0, le=60.0, description="A switch that had opened reads closed; four samples."
    )
    lost_together_count: int = Field(
        2, ge=1, le=8, description="More lost at once: it is the library they share; assumed."
    )
    library_lost_s: float = Field(
        10.0,
        ge=1.0,
        le=120.0,
        description="So long the library may take to come back, before power-cycles; assumed.",
    )
    errors_told_s: float = Field(
        60.0,
        ge=1.0,
        le=3600.0,
        description="Between two tellings of an accelerator's uncorrected errors; assumed.",
    )
