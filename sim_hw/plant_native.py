"""The plant in C (sim_hw/csrc/plant/) as Python holds it: memory, views, calls.

Beside sim_hw/devices.py and sim_hw/native_config.py the only module that touches cffi objects.
"""

from typing import Any

import numpy as np

from sim_hw._native import ffi, lib
from sim_hw.devices import WORD_BYTES, Fields, PlantImage
from sim_hw.native_config import fill_struct
from sim_hw.orbit import Orbit
from sim_hw.plant_config import PlantConfig
from sim_hw.sun import Float64s

ACCELERATORS_MAX = int(lib.SIM_ACCELERATORS_MAX)
_FAULT_PARTS = [name for name, _ in ffi.typeof("sim_plant_faults_t").fields]
_OF_PUMPS = ("torque_ratio", "breaker_open", "head_ratio")  # of the pumps' own struct


def fill_config(struct: Any, config: PlantConfig) -> None:
    """Copy each section into the struct of its name, in sim_plant_config_t or a group in it."""
    for name, _ in ffi.typeof(struct).fields:
        part = getattr(struct, name)
        if (section := getattr(config, name, None)) is not None:
            fill_struct(part, section)
        else:
            fill_config(part, config)


class NativePlant:
    """One `sim_plant_t` over a plant image.

    Args:
        image: Kept alive by this object.
        start: Members of sim_plant_start_t.

    Attributes:
        data: The sim_plant_t itself; scalars are read as attributes.
        faults: Views of all that the injector writes, by name, whatever their domain.
    """

    def __init__(
        self, config: PlantConfig, image: PlantImage, orbit: Orbit, start: dict[str, Any]
    ) -> None:
        self.data = ffi.new("sim_plant_t *")
        self._memory = ffi.buffer(self.data)
        self._image = image
        self._orbit = orbit
        fill_config(self.data.config, config)
        self.faults = self._fault_views()
        orbit.fill_table(self.data.orbit, 0.0)
        memory = ffi.cast("sim_plant_image_t *", image.address)
        lib.sim_plant_init(self.data, memory, ffi.new("sim_plant_start_t *", start))

    def view(self, struct: Any, name: str) -> Float64s:
        """Return one member of a struct of `data` as numpy sees it; a scalar has the shape (1,).

        The view keeps the memory alive.
        """
        place = ffi.addressof(struct, name)
        offset = int(ffi.cast("uintptr_t", place)) - int(ffi.cast("uintptr_t", self.data))
        count = ffi.sizeof(ffi.typeof(place).item) // WORD_BYTES
        return np.frombuffer(self._memory, np.float64, count, offset)

    def advance(self, dt_s: float) -> None:
        """Advance by one step."""
        time_s = self.data.time_s + 0.5 * dt_s  # where the step looks at its surroundings
        if self._orbit.needs_chunk(self.data.orbit, time_s):
            self._orbit.fill_table(self.data.orbit, time_s)
        lib.sim_plant_advance(self.data, dt_s)

    def follow_switches(self) -> None:
        """Let a switch that has just opened by itself take its load's supply; no time passes."""
        lib.sim_plant_follow_switches(self.data)

    def _fault_views(self) -> Fields:
        views: dict[str, Float64s] = {}
        for part in _FAULT_PARTS:
            struct = getattr(self.data.faults, part)
            for name, _ in ffi.typeof(struct).fields:
                fault = f"pump_{name}" if name in _OF_PUMPS else name
                if fault in views:
                    raise TypeError(f"two domains of the plant have a fault {fault}")
                views[fault] = self.view(struct, name)
        return Fields(**views)
