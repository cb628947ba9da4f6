"""The Python face of the simulated devices: the plant image and the parts that live on it.

Of sim_hw only this module and those of the plant in C (sim_hw/plant_native.py) touch cffi objects.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hal.spec import BusHandle
from sim_hw._native import ffi, lib
from sim_hw.plant_share import PlantShare

Float64s = NDArray[np.float64]

WORD_BYTES = 8
SEED_MAX = 2**53 - 1  # the seed travels in a double of the plant image

NVML_LIBRARY = Path(__file__).resolve().parent / "lib" / "libnvidia-ml.so.1"
_BUSES = {
    "rails_a": lib.SIM_BUS_RAILS_A,
    "rails_b": lib.SIM_BUS_RAILS_B,
    "rails_host": lib.SIM_BUS_RAILS_HOST,
    "loop": lib.SIM_BUS_LOOP,
    "eps": lib.SIM_BUS_EPS,
    "host": lib.SIM_BUS_HOST,
}


class Fields(SimpleNamespace):
    """Named float64 views into the plant image; a scalar has the shape (1,)."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Float64s: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceParameters:
    """What strapping and firmware of the devices decide.

    Args:
        pump_speed_max_rpm: Top of the loop controller's range and its safe speed. Assumed.
        dead_man_s: The loop controller acts by itself after this long without a frame. Assumed.
        trip_s: A current above the limit for this long trips. Assumed.
        payload_current_limit_a: Power-up limit of the payload switch: that of the TI PMP23496.
        module_current_limit_a: Power-up limit of a module switch. Assumed: twice the 20.7 A that
            the published peak-power mask allows.
        aux_current_limit_a: Power-up limit of an auxiliary rail. Assumed.
        accelerator_count: Plates that the loop's controller reads, 1..8.
        is_conducted: There is no loop; the host board reads the radiator.
        is_fed: There is no array and no battery; the power board meters the buses alone.
        payload_voltage_v: Nominal voltage of the payload bus.
        cap_w_min, cap_w_max: Range of the caps that an accelerator accepts.
    """

    pump_speed_max_rpm: float = 6000.0
    dead_man_s: float = 2.0
    trip_s: float = 1e-4
    payload_current_limit_a: float = 150.0
    module_current_limit_a: float = 40.0
    aux_current_limit_a: float = 10.0
    accelerator_count: float = 8.0
    is_conducted: bool = False
    is_fed: bool = False
    payload_voltage_v: float = 54.0
    cap_w_min: float = 200.0
    cap_w_max: float = 700.0


class PlantImage:
    """Memory shared by the plant and the simulated devices, as numpy views that never move.

    Attributes:
        truth: What is, written by the plant; see sim_truth in csrc/plant_image.h.
        setpoint: What the devices command, read by the plant.
        knobs: Faults inside devices, written by the fault injector.
        time_s: Shape (1,): time of the truths.
        sensor_mode, sensor_value, sensor_noise, sensor_lsb, sensor_lag_s: Per truth word.
        sensor_seed: Shape (1,): where the noise starts; SimulatedDevices writes it.
        boards: Registers of the accelerators' driver, written by the simulated library.
        share: How other processes reach the same memory.
    """

    def __init__(self) -> None:
        self.share = PlantShare(ffi.sizeof("sim_plant_image_t"))
        self._memory = ffi.from_buffer("sim_plant_image_t *", self.share.memory)
        words = np.frombuffer(self.share.memory, dtype=np.float64)
        layout = dict(ffi.typeof("sim_plant_image_t").fields)
        self.truth = _views(words, layout["truth"])
        self.setpoint = _views(words, layout["setpoint"])
        self.knobs = _views(words, layout["knobs"])
        self.boards = _views(words, layout["boards"])
        self.time_s = _view(words, layout["time_s"], 0)
        self.sensor_mode = _view(words, layout["sensor_mode"], 0)
        self.sensor_value = _view(words, layout["sensor_value"], 0)
        self.sensor_noise = _view(words, layout["sensor_noise"], 0)
        self.sensor_lsb = _view(words, layout["sensor_lsb"], 0)
        self.sensor_lag_s = _view(words, layout["sensor_lag_s"], 0)
        self.sensor_seed = _view(words, layout["sensor_seed"], 0)

    @property
    def address(self) -> int:
        """Address of the sim_plant_image_t, valid as long as this object lives."""
        return int(ffi.cast("uintptr_t", self._memory))

    def truth_word(self, field: str, element: int = 0) -> int:
        """Return the word of a truth, the index of the sensor tables.

        Raises:
            KeyError: There is no such field.
            IndexError: The field has no such element.
        """
        entry = dict(ffi.typeof("sim_truth_t").fields)[field]
        count = ffi.sizeof(entry.type) // WORD_BYTES
        if not 0 <= element < count:
            raise IndexError(f"{field} has elements 0 .. {count - 1}, not {element}")
        return int(entry.offset // WORD_BYTES + element)

    def set_knob(self, field: str, value: float, element: int = 0) -> None:
        """Set one knob of plant_image.h.

        Raises:
            AttributeError: There is no such knob.
        """
        getattr(self.knobs, field)[element] = value


class SimulatedDevices:
    """The complement of REF-1 on one plant image: six buses and the accelerator library.

    The library is one per process, as NVML is: it belongs to the instance made last.

    Args:
        image: Kept alive by this object.
        seed: 0 .. 2**53 - 1; all noise of all sensors follows from it.

    Raises:
        ValueError: The seed or a parameter is out of range.
        OSError: The simulated libnvidia-ml.so.1 is not built.
    """

    _library_owner: "SimulatedDevices | None" = None

    def __init__(
        self, image: PlantImage, *, seed: int, parameters: DeviceParameters | None = None
    ) -> None:
        if not 0 <= seed <= SEED_MAX:
            raise ValueError(f"seed out of range 0 .. 2**53 - 1: {seed}")
        values = parameters or DeviceParameters()
        library = ctypes.CDLL(str(NVML_LIBRARY), mode=os.RTLD_LOCAL | os.RTLD_NOW)
        self._attach = library.nightside_sim_nvml_attach
        self._attach.argtypes = (ctypes.c_void_p,)
        self._attach.restype = None
        self._image = image
        image.sensor_seed[0] = seed
        struct = ffi.new(
            "sim_parameters_t *", {name: getattr(values, name) for name in values.__slots__}
        )
        memory = ffi.cast("sim_plant_image_t *", image.address)
        self._devices = lib.sim_devices_open(memory, struct)
        if self._devices == ffi.NULL:
            raise ValueError(f"a device parameter is not above 0: {values}")
        self._advance = lib.sim_devices_advance
        self._attach(image.address)
        SimulatedDevices._library_owner = self

    @property
    def nvml_library_path(self) -> str:
        """Absolute path of the simulated libnvidia-ml.so.1."""
        return str(NVML_LIBRARY)

    def bus(self, driver_name: str) -> BusHandle:
        """Return the bus of one driver of REF-1, valid until `close`.

        Raises:
            KeyError: No simulated bus has this name.
        """
        return BusHandle(
            ops_address=int(ffi.cast("uintptr_t", lib.sim_bus_ops())),
            ctx_address=int(ffi.cast("uintptr_t", self._context(driver_name))),
        )

    def accelerator_identity(self, index: int) -> tuple[str, str]:
        """Return PCI bus id and UUID of accelerator 0 .. 7."""
        if not 0 <= index < lib.SIM_ACCELERATORS_MAX:
            raise IndexError(f"accelerator out of range: {index}")
        pci_bus_id = ffi.string(lib.sim_nvml_pci_bus_id(index)).decode("ascii")
        return pci_bus_id, ffi.string(lib.sim_nvml_uuid(index)).decode("ascii")

    def nvml_function_number(self, name: str) -> int:
        """Return the value of the knob nvml_fault_function that lets faults strike one function.

        Raises:
            KeyError: The library models no function of this name; older versions count as newest.
        """
        number = int(lib.sim_nvml_function_number(name.encode("ascii")))
        if number == 0:
            raise KeyError(name)
        return number

    def advance(self, now_ns: int) -> None:
        """Let trips, dead-man and brown-outs happen up to now_ns; call it after each plant step."""
        self._advance(self._devices, now_ns)

    def transfer(self, driver_name: str, address: int, write: bytes, read_size: int = 0) -> bytes:
        """Send one I2C message by hand and return the bytes read.

        Raises:
            OSError: errno holds the ns_status_t, e.g. -6 when the part does not acknowledge.
        """
        answer = ffi.new("uint8_t[]", max(1, read_size))
        status = lib.sim_bus_transfer(
            self._context(driver_name), address, write, len(write), answer, read_size
        )
        if status != 0:
            raise OSError(status, f"{driver_name} 0x{address:02x}: transfer refused")
        return bytes(ffi.buffer(answer, read_size))

    def exchange(self, driver_name: str, write: bytes) -> bytes:
        """Send one frame to a controller by hand and return its answer.

        Raises:
            OSError: errno holds the ns_status_t, e.g. -8 when nobody answers.
        """
        answer = ffi.new("uint8_t[]", 256)
        size = ffi.new("size_t *")
        context = self._context(driver_name)
        status = lib.sim_bus_exchange(context, write, len(write), answer, len(answer), size)
        if status != 0:
            raise OSError(status, f"{driver_name}: no answer")
        return bytes(ffi.buffer(answer, size[0]))

    def close(self) -> None:
        """Release the devices, and the library if it is ours. A second call does nothing."""
        if self._devices == ffi.NULL:
            return
        lib.sim_devices_close(self._devices)
        self._devices = ffi.NULL
        if SimulatedDevices._library_owner is self:
            self._attach(None)
            SimulatedDevices._library_owner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _context(self, driver_name: str) -> Any:
        if self._devices == ffi.NULL:
            raise ValueError("the simulated devices are closed")
        return lib.sim_bus_context(self._devices, _BUSES[driver_name])


def _view(words: Float64s, entry: Any, base: int) -> Float64s:
    first = (base + entry.offset) // WORD_BYTES
    return words[first : first + ffi.sizeof(entry.type) // WORD_BYTES]


def _views(words: Float64s, part: Any) -> Fields:
    return Fields(**{name: _view(words, entry, part.offset) for name, entry in part.type.fields})
