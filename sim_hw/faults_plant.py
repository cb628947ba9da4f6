"""The faults of loop, radiator, battery, array and outlets, and events of accelerators, as data.

What each changes is a fault view of the plant in C (sim_hw/fault_effects_plant.py).
"""

from sim_hw.fault_kind import ACCELERATORS, FOREVER, FaultKind, Parameter

STAYS, COLD, HOT = "stays", "cold", "hot"  # of a bypass valve that is stuck

_LOOP_FAULTS = (
    FaultKind(
        name="pump_worn",
        meaning="a coolant pump lifts less than it should at its speed: wear, or gas",
        targets=("pump_[ab]",),
        example="pump_a",
        level="loop: head of the pump",
        is_loud=False,
        parameters=(
            Parameter(
                name="head_ratio",
                unit="1",
                meaning="head left, of a good pump's at that speed; 0.5 costs 30 % of the flow",
                low=0.0,
                high=1.0,
                default=0.5,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="coolant_leak",
        meaning="coolant leaks to space; once the accumulator is empty, pumps lift gas",
        targets=("loop",),
        example="loop",
        level="loop: a hole",
        is_loud=False,
        parameters=(
            Parameter(
                name="leak_kg_per_s",
                unit="kg/s",
                meaning="lost while it lasts, and gone for ever",
                low=1e-6,
                high=0.1,
                default=0.002,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="bypass_stuck",
        meaning="the bypass valve stays where it is, or travels to one end by itself",
        targets=("bypass",),
        example="bypass",
        level="loop: the valve's motor",
        is_loud=False,
        parameters=(
            Parameter(
                name="end",
                unit="end of its travel",
                meaning="cold: all through the radiator; hot: all past it",
                default=STAYS,
                choices=(STAYS, COLD, HOT),
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="heater_stuck",
        meaning="the relay of a loop heater is stuck",
        targets=("heater_[ab]",),
        example="heater_a",
        level="loop: the heater's relay",
        is_loud=False,
        parameters=(
            Parameter(
                name="is_on", unit="", meaning="it heats; else it never does", default=True,
                is_flag=True,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="plate_blocked",
        meaning="a cold plate lets less coolant through; the others take it",
        targets=("plate[0-7]",),
        example="plate4",
        level="loop: the plate's channels",
        is_loud=False,
        parameters=(
            Parameter(
                name="open_ratio", unit="1", meaning="left open", low=0.0, high=1.0, default=0.3
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="interface_worn",
        meaning="the thermal interface between an accelerator's package and its plate is worn",
        targets=(ACCELERATORS,),
        example="accel4",
        level="accelerator: thermal resistance of the interface",
        is_loud=False,
        parameters=(
            Parameter(
                name="resistance_ratio", unit="1", meaning="of a good one's", low=1.0, high=100.0,
                default=3.0,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="radiator_aged",
        meaning="the radiator's coating emits less and absorbs more: ultraviolet, contamination",
        targets=("radiator",),
        example="radiator",
        level="radiator: its coating",
        is_loud=False,
        parameters=(
            Parameter(
                name="emissivity_ratio", unit="1", meaning="of the new one's", low=0.01, high=1.0,
                default=0.8,
            ),
            Parameter(
                name="absorptance_ratio", unit="1", meaning="of the new one's", low=1.0, high=7.0,
                default=1.5,
            ),
            FOREVER,
        ),
    ),
)  # fmt: skip

_POWER_FAULTS = (
    FaultKind(
        name="outlet_trip",
        meaning="the limiter of the payload outlet opens once, without a cause, and closes again",
        targets=("payload_outlet",),
        example="payload_outlet",
        level="power: the outlet that feeds the payload bus",
        is_loud=False,
    ),
    FaultKind(
        name="cell_short",
        meaning="a cell of the battery is shorted inside: its voltage is gone, its charge is heat",
        targets=("cell[0-7]",),
        example="cell5",
        level="battery: the cell",
        is_loud=False,
        parameters=(FOREVER,),
    ),
    FaultKind(
        name="strands_open",
        meaning="parallel strands of the battery are open, with what they hold",
        targets=("battery",),
        example="battery",
        level="battery: the strands' fuses",
        is_loud=False,
        parameters=(
            Parameter(
                name="strand_count", unit="strands", meaning="of all, open", low=1.0, high=1000.0,
                default=1.0,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="array_off_pointing",
        meaning="the array points past the Sun: a jammed drive, or the attitude",
        targets=("array",),
        example="array",
        level="array: the cosine of the Sun",
        is_loud=False,
        parameters=(
            Parameter(
                name="pointing_ratio", unit="1", meaning="left of the cosine", low=0.0, high=1.0,
                default=0.5,
            ),
            FOREVER,
        ),
    ),
)  # fmt: skip

_ACCELERATOR_EVENTS = (
    FaultKind(
        name="accel_hang",
        meaning="an accelerator's controller stands still, until a reset or its rails were off",
        targets=(ACCELERATORS,),
        example="accel4",
        level="accelerator: its controller; power and clock stay, settings are refused, Xid 119",
        is_loud=True,
    ),
    FaultKind(
        name="memory_error",
        meaning="an uncorrectable error in an accelerator's memory: its job dies",
        targets=(ACCELERATORS,),
        example="accel4",
        level="accelerator: its memory; Xid 94, or 48 and 95 where it is not contained",
        is_loud=True,
        parameters=(
            Parameter(
                name="is_contained",
                unit="",
                meaning="else it computes nothing more until a reset or its rails were off",
                default=True,
                is_flag=True,
            ),
        ),
    ),
)

PLANT_FAULTS = _LOOP_FAULTS + _POWER_FAULTS + _ACCELERATOR_EVENTS
