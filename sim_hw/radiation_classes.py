"""What particles do to a node, as data: class, rate with its source, and what is injected.

docs/design/radiation.md has them as a table. Rates are means over an orbit of REF-1
(sim_hw/exposure.py says when they come). Where a source gives a range, the geometric mean of its
ends is taken. Not flown, because nothing here shows them: silent errors of results (R7), upsets
of the daemon's own memory (R10), drift by dose (R12, the dose is counted).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

_PER_YEAR: Final = 1.0 / 365.25
_PER_MONTH: Final = 12.0 * _PER_YEAR

Value = float | bool | str


class Effect(NamedTuple):
    """One fault of sim_hw/faults.py. Of several targets and values one is drawn; a target with
    {} belongs to the accelerator that is struck.
    """

    fault: str
    targets: tuple[str, ...]
    parameters: Mapping[str, tuple[Value, ...]] = {}


class RadiationClass(NamedTuple):
    """One kind of what a particle does.

    per_day: Of each accelerator, or of the whole node where is_of_node.
    effects: Faults that come together; empty for what is only counted, in `counter`.
    """

    id: str
    what: str
    per_day: float
    source: str
    effects: tuple[Effect, ...] = ()
    counter: str = ""
    is_of_node: bool = False


_UNCORRECTED = Effect(
    "ecc_errors",
    ("accel{}",),
    {"corrected_per_s": (0.0,), "uncorrected_per_s": (1.0,), "duration_s": (1.0,)},
)

CLASSES: Final = (
    RadiationClass(
        "R1",
        "latch-up of an auxiliary rail",
        3.2e-3,
        "assumed, 1e-3 to 1e-2 a day and device",
        (Effect("latch_up", ("accel{}_aux",), {"current_a": (0.8, 1.2, 3.0, 8.0)}),),
    ),
    RadiationClass(
        "R2",
        "micro-latch of an auxiliary rail",
        3.2e-4,
        "assumed, a tenth of R1",
        (Effect("latch_up", ("accel{}_aux",), {"current_a": (0.1, 0.2, 0.3)}),),
    ),
    RadiationClass(
        "R3",
        "latch-up of a core or memory rail: the accelerator is lost",
        0.032 * _PER_YEAR,
        "assumed, 0.01 to 0.1 a year and accelerator",
        (Effect("accel_lost", ("accel{}",), {"code": (79.0,)}),),
    ),
    RadiationClass(
        "R4",
        "corrected upset of an accelerator's memory",
        6.4,
        "assumed, 1e-12 to 1e-10 a day and bit of modern memory; 80 GB",
        counter="accel_ecc_corrected_count",
    ),
    RadiationClass(
        "R4h",
        "corrected upset of the host's memory",
        4.04e-7 * 8.0 * 1024.0**2,  # of one MiB: sim_hw/radiation.py knows how many
        "4.04e-7 a day and bit of 64 MiB, 8 years of Alsat-1 (Bentoutou, read)",
        counter="edac_corrected_count",
        is_of_node=True,
    ),
    RadiationClass(
        "R5",
        "uncorrected upset of memory, contained",
        0.92 * 3.1 * _PER_YEAR,
        "0.79 a year and node on ground (Delta, arXiv 2503.11901), "
        "3 a chip in orbit (assumed); 92 %",
        (
            Effect("accel_xid", ("accel{}",), {"code": (94.0,)}),
            _UNCORRECTED,
            Effect("row_remap", ("accel{}",), {"is_pending": (True,)}),
        ),
    ),
    RadiationClass(
        "R6",
        "uncorrected upset of memory, not contained",
        0.08 * 3.1 * _PER_YEAR,
        "the other 8 % of these (Delta)",
        (
            Effect("accel_xid", ("accel{}",), {"code": (95.0,)}),
            _UNCORRECTED,
            Effect("row_remap", ("accel{}",), {"has_failed": (True,)}),
        ),
    ),
    RadiationClass(
        "R8",
        "functional interrupt of an accelerator: it hangs",
        32.0 * 0.007 * _PER_YEAR,
        "0.7 % a year and accelerator on ground (Llama 3, GSP), 10 to 100 times in orbit (assumed)",
        (
            Effect("nvml_hang", ("accel{}",), {"duration_s": (1.0, 2.0, 3.0)}),
            Effect("accel_xid", ("accel{}",), {"code": (119.0,)}),
        ),
    ),
    RadiationClass(
        "R9",
        "functional interrupt of the host: the daemon stands still",
        0.55,
        "0.1 to 3 a day; 3 estimated for a Zynq-7000 at 800 km (read)",
        (Effect("daemon_stall", ("daemon",), {"duration_s": (0.5, 1.8, 3.0)}),),
        is_of_node=True,
    ),
    RadiationClass(
        "S3",
        "transient in a sensor: one wrong sample",
        1.0,
        "assumed, 1 a day",
        (Effect("sensor_spike", ("rail.accel{}_aux.current_a",), {"value": (9.0, -3.0)}),),
        is_of_node=True,
    ),
    RadiationClass(
        "B1",
        "upset of a part on a bus: it holds the data line",
        _PER_MONTH,
        "assumed, 1 a month",
        (
            Effect(
                "i2c_sda_stuck",
                ("rails_a", "rails_host"),
                {"clock_count": (9.0, 36.0), "duration_s": (20.0,)},
            ),
        ),
        is_of_node=True,
    ),
    RadiationClass(
        "P8",
        "transient in a current limiter: it trips",
        0.1 * _PER_YEAR,
        "assumed, 0.1 a year and limiter",
        (Effect("rail_trip", ("accel{}_54v",)),),
    ),
)
