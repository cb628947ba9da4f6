"""The faults of the I2C buses, of the parts on them and of the serial controllers, as data."""

import math

from sim_hw.fault_kind import ACCELERATORS, FOREVER, HOST_RAILS, FaultKind, Parameter

BUSES = ("rails_a", "rails_b", "rails_host")
CONTROLLERS = ("loop", "eps", "host")

BUS_FAULTS = (
    FaultKind(
        name="i2c_nack",
        meaning="the part that serves a rail does not acknowledge its address",
        targets=(f"{ACCELERATORS}_54v", f"{ACCELERATORS}_aux", "payload_54v", *HOST_RAILS),
        example="accel6_54v",
        level="bus: address phase; parts with several rails are lost for all of them",
        is_loud=True,
        parameters=(FOREVER,),
    ),
    FaultKind(
        name="i2c_sda_stuck",
        meaning="a part holds the data line of its bus low: no message passes",
        targets=BUSES,
        example="rails_a",
        level="bus: data line",
        is_loud=True,
        parameters=(
            Parameter(
                name="clock_count",
                unit="clocks",
                meaning="of bus recoveries, 9 each, until it lets go; without it, never",
                low=1.0,
                high=1e6,
                default=math.nan,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="i2c_stretch",
        meaning="every part of a bus holds the clock line low in every message",
        targets=BUSES,
        example="rails_b",
        level="bus: clock line",
        is_loud=True,
        parameters=(
            Parameter(
                name="stretch_us",
                unit="us",
                meaning="how long, in each message; SMBus allows 25 000",
                low=1.0,
                high=1e6,
                default=50_000.0,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="i2c_last_moment",
        meaning="every answer on a bus comes 1 us before its time-out",
        targets=BUSES,
        example="rails_a",
        level="bus: clock line",
        is_loud=False,
        parameters=(FOREVER,),
    ),
    FaultKind(
        name="i2c_byte_errors",
        meaning="bits turn over on the wire of a bus, in both directions",
        targets=BUSES,
        example="rails_a",
        level="bus: data line; addresses, data and check bytes alike",
        is_loud=True,
        parameters=(
            Parameter(
                name="rate",
                unit="per byte",
                meaning="chance that one random bit of a byte turns over",
                low=1e-9,
                high=1.0,
                default=1e-3,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="part_brown_out",
        meaning="a rail's part loses all its registers once, and answers on",
        targets=(f"{ACCELERATORS}_54v", f"{ACCELERATORS}_aux"),
        example="accel2_54v",
        level="part: its own supply; auxiliary rails share one part by fours",
        is_loud=False,
    ),
    FaultKind(
        name="rail_trip",
        meaning="a module switch trips once, without a cause",
        targets=(f"{ACCELERATORS}_54v",),
        example="accel2_54v",
        level="part: its protection; no status bit tells",
        is_loud=False,
    ),
    FaultKind(
        name="switch_closed",
        meaning="a module switch conducts whatever it is told",
        targets=(f"{ACCELERATORS}_54v",),
        example="accel2_54v",
        level="part: its power transistor",
        is_loud=False,
        parameters=(FOREVER,),
    ),
    FaultKind(
        name="controller_silent",
        meaning="a controller behind a serial line answers nothing, and goes on as it was told",
        targets=CONTROLLERS,
        example="loop",
        level="line: every frame is unanswered",
        is_loud=True,
        parameters=(FOREVER,),
    ),
)
