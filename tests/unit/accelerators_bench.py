"""Accelerators of the plant by themselves: the C of sim_hw/csrc/plant, with nothing around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim_hw._native import ffi, lib
from sim_hw.config_accelerators import AcceleratorConfig
from sim_hw.devices import PlantImage

BUS_V = 54.0
XID_WINDOW_S = 12.0  # long enough for a full queue to be told


class AcceleratorBench:
    """Accelerators on a bus that is fed, with temperatures that the test sets.

    Attributes:
        image: The plant image; set-points, knobs and temperatures are the test's.
        state, faults: The C structures.
    """

    def __init__(
        self,
        config: AcceleratorConfig | None = None,
        *,
        count: int = 8,
        seed: int = 7,
        is_running: bool = True,
    ) -> None:
        self.config = config or AcceleratorConfig()
        self.image = PlantImage()
        self._image = ffi.cast("sim_plant_image_t *", self.image.address)
        self._config = config_struct(self.config)
        self.state: Any = ffi.new("sim_accelerators_t *")
        self.faults: Any = ffi.new("sim_accelerators_faults_t *")
        start = ffi.new("sim_accelerators_start_t *", {"count": count, "seed": float(seed)})
        self.image.truth.accel_core_temp_c[:] = self.image.truth.accel_memory_temp_c[:] = 35.0
        lib.sim_accelerators_init(self.state, self._config, self._image, start)
        if is_running:
            setpoint = self.image.setpoint
            setpoint.module_enabled[:] = setpoint.aux_enabled[:] = setpoint.payload_enabled[:] = 1.0
            setpoint.accel_cap_w[:] = self.config.cap_max_w
            lib.sim_accelerators_skip_boot(self.state, self._config, self.faults, self._image)

    @property
    def utilisation_target(self) -> NDArray[np.float64]:
        """What the workload asks for; write in place."""
        return field_view(self.state, "utilisation_target")

    def advance(
        self, seconds: float, *, dt_s: float = 0.1, bus_v: float = BUS_V, bus28_v: float = 28.0
    ) -> float:
        """Advance and return the power of all modules in the last step."""
        total_w = 0.0
        for _ in range(round(seconds / dt_s)):
            total_w = lib.sim_accelerators_advance(
                self.state, self._config, self.faults, self._image, dt_s, bus_v, bus28_v
            )
        return total_w

    def follow_switches(self, *, bus_on: bool = True, avionics_on: bool = True) -> None:
        """Let the switches act; no time passes."""
        lib.sim_accelerators_follow_switches(
            self.state, self._config, self.faults, self._image, bus_on, avionics_on
        )

    def xids(self, index: int) -> list[int]:
        """Advance until the queue is empty and return each Xid that was told, in order."""
        told = [0]
        for _ in range(round(XID_WINDOW_S / 0.1)):
            self.advance(0.1)
            code = int(self.image.truth.accel_xid[index])
            if code != told[-1]:
                told.append(code)
        return [code for code in told if code]


def config_struct(config: AcceleratorConfig) -> Any:
    """Return the C structure of a configuration."""
    struct = ffi.new("sim_accelerators_config_t *")
    for name, _ in ffi.typeof("sim_accelerators_config_t").fields:
        setattr(struct, name, float(getattr(config, name)))
    return struct


def field_view(struct: Any, name: str) -> NDArray[np.float64]:
    """Return an array of doubles of a structure as a view."""
    field = getattr(struct, name)
    return np.frombuffer(ffi.buffer(field), dtype=np.float64)
