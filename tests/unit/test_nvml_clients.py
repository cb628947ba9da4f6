"""A client that knows nothing of us sees eight accelerators in the simulated library.

The client is nvidia-ml-py, NVIDIA's own binding, in a process of its own with its own loader: it
maps the plant image that this process writes and holds.
"""

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim_hw.devices import NVML_LIBRARY, PlantImage, SimulatedDevices
from sim_hw.nvml_shell import library_folder, shell_environment
from sim_hw.nvml_tolerances import NVML_CHANNELS, memory_used_bytes
from sim_hw.plant_share import SHARE_VARIABLE, PlantShare
from sim_hw.sensors import configure_sensors

CLIENT = Path(__file__).with_name("nvml_client_process.py")
COUNT = 8
SUCCESS, RESET_REQUIRED, GPU_IS_LOST = 0, 16, 15
FAR_S = 1e6  # the one-second mean of the power has settled after so long


class Client:
    """nvidia-ml-py in another process, asked line by line."""

    def __init__(self, environment):
        self._process = subprocess.Popen(
            [sys.executable, str(CLIENT)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture
def image():
    image = PlantImage()
    image.time_s[0] = 1.0
    image.truth.accel_alive[:] = 1.0
    image.truth.accel_power_w[:] = [600.0 + i for i in range(COUNT)]
    image.truth.accel_core_temp_c[:] = [70.0 + i for i in range(COUNT)]
    image.truth.accel_utilisation_ratio[:] = 0.5
    image.setpoint.accel_cap_w[:] = 700.0
    image.setpoint.accel_clock_max_mhz[:] = 1980.0
    return image


@contextlib.contextmanager
def client_of(image):
    with library_folder() as libraries:
        client = Client(shell_environment(os.environ, libraries, image.share.path))
        try:
            yield client
        finally:
            client.close()


def test_the_official_binding_lists_eight_accelerators_with_the_values_of_the_plant(image):
    with SimulatedDevices(image, seed=7) as devices, client_of(image) as client:
        seen = client.ask(do="list")
        assert seen["driver"].startswith("SIM") and seen["name"].startswith("SIM")
        assert len(seen["rows"]) == COUNT
        for i, row in enumerate(seen["rows"]):
            pci_bus_id, uuid = devices.accelerator_identity(i)
            power_mw = (600 + i) * 1000
            assert row == [power_mw, 70 + i, 70 + i, 50, 700_000, uuid, pci_bus_id, power_mw]


def test_a_cap_set_by_a_client_counts_in_the_plant(image):
    with SimulatedDevices(image, seed=7), client_of(image) as client:
        assert client.ask(do="set_cap", index=2, limit_mw=250_000) == SUCCESS
        assert image.setpoint.accel_cap_w[2] == 250.0
        image.truth.accel_alive[5] = 0.0
        assert client.ask(do="set_cap", index=5, limit_mw=250_000) == GPU_IS_LOST
        assert image.setpoint.accel_cap_w[5] == 700.0


def test_the_process_that_computes_is_the_simulation(image):
    image.truth.accel_utilisation_ratio[3] = 0.0
    with client_of(image) as client:
        processes = client.ask(do="processes")
    for i, of_accelerator in enumerate(processes):
        expected = [] if i == 3 else [[os.getpid(), memory_used_bytes(0.5)]]
        assert of_accelerator == expected


@pytest.mark.parametrize("is_ideal", [True, False], ids=["ideal sensors", "sensors of REF-1"])
def test_every_channel_keeps_its_tolerance_over_its_range(image, is_ideal):
    if not is_ideal:
        configure_sensors(image)
    with SimulatedDevices(image, seed=7), client_of(image) as client:
        for channel in NVML_CHANNELS:
            words = getattr(getattr(image, channel.part), channel.name)
            before = words.copy()
            for step in range(-1, 8):
                span = channel.high - channel.low
                words[:] = [channel.low + span * min(1.0, (step + i / 7) / 7) for i in range(COUNT)]
                words[:] = words.clip(channel.low, channel.high)
                if channel.tolerance == 0.5:
                    words[:] = words.round()  # counters and codes are whole
                image.time_s[0] += FAR_S
                values = client.ask(do="read", call=channel.call)
                assert values == pytest.approx(
                    words * channel.per_unit + channel.offset,
                    rel=1e-12,
                    abs=channel.tolerance * channel.per_unit * (1 if channel.per_unit > 0 else -1),
                ), channel
            words[:] = before


def test_a_share_that_ended_has_no_driver_for_new_clients(image):
    path = image.share.path
    image.share.end()
    image.share.end()  # a second call does nothing
    image.truth.accel_power_w[0] = 1.0  # the memory itself stays
    code = "import pynvml\ntry: pynvml.nvmlInit()\nexcept pynvml.NVMLError as e: print(e.value)"
    with library_folder() as libraries:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=shell_environment(os.environ, libraries, path),
            capture_output=True,
            check=True,
            text=True,
        )
    assert done.stdout.strip() == "9"  # driver not loaded


def test_a_share_is_private_sealed_and_gone_with_its_last_user():
    share = PlantShare(4096)
    path, memory = Path(share.path), share.memory
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PermissionError), path.open("r+b") as file:
        file.truncate(0)
    del share
    assert not path.exists()
    memory[0] = 1  # what still refers to the memory keeps it


def test_the_environment_keeps_what_was_there():
    environment = shell_environment({"LD_LIBRARY_PATH": "/a", "HOME": "/b"}, Path("/c"), "/d")
    assert environment["LD_LIBRARY_PATH"] == "/c:/a" and environment["HOME"] == "/b"
    assert environment[SHARE_VARIABLE] == "/d"
    assert shell_environment({}, Path("/c"), "/d")["LD_LIBRARY_PATH"] == "/c"


TAKES_NO_DEVICE = {"nvmlDeviceDiscoverGpus", "nvmlDeviceRemoveGpu_v2"}


def modelled_functions():
    """Names by number, as the simulated devices know them."""
    from sim_hw._native import ffi, lib

    number = 1
    while (name := lib.sim_nvml_function_name(number)) != ffi.NULL:
        yield number, ffi.string(name).decode()
        number += 1


def test_a_fault_of_one_function_strikes_that_function_and_no_other(image):
    library = ctypes.CDLL(str(NVML_LIBRARY))
    with SimulatedDevices(image, seed=7) as devices:
        assert library.nvmlInit_v2() == SUCCESS
        handle = ctypes.c_void_p()
        assert library.nvmlDeviceGetHandleByIndex_v2(4, ctypes.byref(handle)) == SUCCESS
        space = [ctypes.create_string_buffer(4096) for _ in range(4)]
        image.knobs.nvml_return[4] = RESET_REQUIRED
        struck = 0
        for number, name in modelled_functions():
            takes_device = name.startswith("nvmlDevice") and "ByPci" not in name
            if not takes_device or "Drain" in name or name in TAKES_NO_DEVICE or "ByU" in name:
                continue
            if name in {"nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"}:
                continue
            assert devices.nvml_function_number(name) == number
            image.knobs.nvml_fault_function[4] = number
            assert getattr(library, name)(handle, *space) == RESET_REQUIRED, name
            other = "nvmlDeviceGetName" if name != "nvmlDeviceGetName" else "nvmlDeviceGetUUID"
            assert getattr(library, other)(handle, space[0], 96) == SUCCESS, name
            struck += 1
        assert struck > 55
        with pytest.raises(KeyError, match="nvmlDeviceGetFanSpeed"):
            devices.nvml_function_number("nvmlDeviceGetFanSpeed")
