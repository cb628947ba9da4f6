"""The plant image and the simulated devices as Python sees them."""

import ctypes
import struct
from pathlib import Path

import numpy as np
import pytest

from sim_hw.devices import DeviceParameters, PlantImage, SimulatedDevices
from sim_hw.sensors import configure_sensors

NS_PER_MS = 1_000_000
MODULE0 = 0x11
AUX = 0x20
PAGE, OPERATION, READ_VOUT, READ_IOUT, READ_POUT = 0x00, 0x01, 0x8B, 0x8C, 0x96
NACK = -6
TIMEOUT = -8


@pytest.fixture
def image():
    return PlantImage()


@pytest.fixture
def devices(image):
    with SimulatedDevices(image, seed=7) as built:
        yield built


def linear11(raw: bytes) -> float:
    (word,) = struct.unpack("<H", raw)
    exponent, mantissa = word >> 11, word & 0x7FF
    exponent -= 32 if exponent > 15 else 0
    mantissa -= 2048 if mantissa > 1023 else 0
    return mantissa * 2.0**exponent


def test_views_are_the_memory_that_the_devices_see(image, devices):
    image.truth.payload_voltage_v[0] = 54.0
    assert image.truth.payload_voltage_v.shape == (1,)
    assert image.truth.module_current_a.shape == (8,)
    assert struct.unpack("<H", devices.transfer("rails_a", 0x10, bytes([READ_VOUT]), 2)) == (
        54 * 512,
    )
    word = image.truth_word("payload_voltage_v")
    whole = np.ctypeslib.as_array((ctypes.c_double * 400).from_address(image.address + 8))
    assert whole[word] == 54.0


def test_truth_words_are_checked(image):
    assert image.truth_word("accel_power_w", 7) == 7
    with pytest.raises(KeyError):
        image.truth_word("accel_power_kw")
    with pytest.raises(IndexError, match=r"0 \.\. 7"):
        image.truth_word("accel_power_w", 8)


def test_every_driver_on_a_bus_finds_it(devices):
    names = ("rails_a", "rails_b", "rails_host", "loop", "eps", "host")
    contexts = {devices.bus(name).ctx_address for name in names}
    assert len(contexts) == len(names) and 0 not in contexts
    assert len({devices.bus(name).ops_address for name in names}) == 1
    with pytest.raises(KeyError):
        devices.bus("rails_c")


def test_all_sixteen_module_rails_answer_and_switch(image, devices):
    for i in range(8):
        bus, address = ("rails_a" if i < 4 else "rails_b"), MODULE0 + i % 4
        devices.transfer(bus, address, bytes([OPERATION, 0x80]))
        devices.transfer(bus, AUX, bytes([PAGE, i % 4]))
        devices.transfer(bus, AUX, bytes([OPERATION, 0x80]))
        assert image.setpoint.module_enabled.tolist() == [1.0] * (i + 1) + [0.0] * (7 - i)
        assert image.setpoint.aux_enabled.tolist() == [1.0] * (i + 1) + [0.0] * (7 - i)


# Check case 22 of the domain reference: 700 W at 54 V and 1.1, 1.2, 1.5, 1.6 times as much.
@pytest.mark.parametrize("multiple", [1.0, 1.1, 1.2, 1.5, 1.6])
def test_a_forced_current_is_read_within_one_encoding_step(image, devices, multiple):
    nominal_a = 700.0 / 54.0
    image.truth.module_voltage_v[0] = 54.0
    image.truth.module_current_a[0] = multiple * nominal_a
    devices.advance(NS_PER_MS)
    current_a = linear11(devices.transfer("rails_a", MODULE0, bytes([READ_IOUT]), 2))
    power_w = linear11(devices.transfer("rails_a", MODULE0, bytes([READ_POUT]), 2))
    assert current_a == pytest.approx(multiple * nominal_a, abs=0.02)
    assert power_w == pytest.approx(multiple * 700.0, abs=1.0)


def test_a_current_forced_each_millisecond_is_read_each_millisecond(image, devices):
    image.truth.module_voltage_v[0] = 54.0
    for step in range(1, 50):
        image.truth.module_current_a[0] = 12.0 + 0.5 * (step % 2)
        devices.advance(step * NS_PER_MS)
        raw = devices.transfer("rails_a", MODULE0, bytes([READ_IOUT]), 2)
        assert linear11(raw) == 12.0 + 0.5 * (step % 2)


def test_the_silicon_line_passes_the_legal_transients_and_stops_a_short(image, devices):
    devices.transfer("rails_a", MODULE0, bytes([OPERATION, 0x80]))
    image.truth.module_current_a[0] = 20.74  # 1.6 times nominal
    for step in range(1, 30):
        devices.advance(step * NS_PER_MS)
    assert image.setpoint.module_enabled[0] == 1.0
    image.truth.module_current_a[0] = 60.0
    devices.advance(30 * NS_PER_MS)
    assert image.setpoint.module_enabled[0] == 0.0


def test_a_silent_part_raises_with_the_status(image, devices):
    image.set_knob("module_nack", 1.0, 0)
    with pytest.raises(OSError, match="0x11") as caught:
        devices.transfer("rails_a", MODULE0, bytes([OPERATION]), 1)
    assert caught.value.errno == NACK
    with pytest.raises(OSError, match="loop"):
        devices.exchange("loop", b"\x03\x00")
    with pytest.raises(AttributeError):
        image.set_knob("no_such_knob", 1.0)


def test_a_bus_whose_sda_is_low_times_out_and_the_others_go_on(image, devices):
    image.set_knob("bus_sda_clocks", -1.0, 0)
    devices.advance(NS_PER_MS)
    with pytest.raises(OSError, match="rails_a") as caught:
        devices.transfer("rails_a", MODULE0, bytes([OPERATION]), 1)
    assert caught.value.errno == TIMEOUT
    assert devices.transfer("rails_b", MODULE0, bytes([OPERATION]), 1) == b"\x00"
    image.set_knob("bus_sda_clocks", 0.0, 0)
    devices.advance(2 * NS_PER_MS)
    assert devices.transfer("rails_a", MODULE0, bytes([OPERATION]), 1) == b"\x00"


def noisy_readings(seed: int) -> list[bytes]:
    image = PlantImage()
    configure_sensors(image)
    image.truth.module_current_a[:] = 12.0
    image.truth.module_voltage_v[:] = 54.0
    with SimulatedDevices(image, seed=seed) as devices:
        readings = []
        for step in range(1, 40):
            devices.advance(step * 100 * NS_PER_MS)
            readings.append(devices.transfer("rails_a", MODULE0, bytes([READ_POUT]), 3))
    return readings


def test_readings_depend_on_the_seed_alone():
    first = noisy_readings(7)
    assert noisy_readings(7) == first
    assert noisy_readings(8) != first


def test_identities_are_those_of_the_library(devices):
    identities = [devices.accelerator_identity(i) for i in range(8)]
    assert len(set(identities)) == 8
    assert identities[0][0] == "00000000:1B:00.0" and identities[0][1].startswith("GPU-")
    with pytest.raises(IndexError):
        devices.accelerator_identity(8)
    assert Path(devices.nvml_library_path).is_absolute()


def test_the_library_belongs_to_the_newest_devices(image):
    first = SimulatedDevices(image, seed=1)
    second = SimulatedDevices(PlantImage(), seed=1)
    library = ctypes.CDLL(second.nvml_library_path)
    first.close()
    assert library.nvmlInit_v2() == 0  # closing the older one takes nothing away
    second.close()
    assert library.nvmlInit_v2() == 9  # driver not loaded
    second.close()
    with pytest.raises(ValueError, match="closed"):
        second.bus("loop")


def test_wrong_arguments_are_our_own_bug(image):
    with pytest.raises(ValueError, match="seed"):
        SimulatedDevices(image, seed=-1)
    with pytest.raises(ValueError, match="parameter"):
        SimulatedDevices(image, seed=1, parameters=DeviceParameters(trip_s=0.0))
