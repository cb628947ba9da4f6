"""A client that knows nothing of us sees eight accelerators in the simulated library.

The client is nvidia-ml-py, NVIDIA's own binding, in a process of its own with its own loader.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = """
import json
import pynvml
from sim_hw.devices import PlantImage, SimulatedDevices

image = PlantImage()
image.truth.accel_alive[:] = 1.0
image.truth.accel_power_w[:] = [600.0 + i for i in range(8)]
image.truth.accel_core_temp_c[:] = [70.0 + i for i in range(8)]
image.truth.accel_utilisation_ratio[:] = 0.5
with SimulatedDevices(image, seed=7) as devices:
    pynvml.nvmlInit()
    rows = []
    for i in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(i)
        rows.append([
            pynvml.nvmlDeviceGetPowerUsage(handle),
            pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
            pynvml.nvmlDeviceGetTemperatureV(handle, pynvml.NVML_TEMPERATURE_GPU),
            pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
            pynvml.nvmlDeviceGetEnforcedPowerLimit(handle),
            pynvml.nvmlDeviceGetUUID(handle),
            pynvml.nvmlDeviceGetPciInfo(handle).busId,
            pynvml.nvmlDeviceGetFieldValues(handle, [186])[0].value.uiVal,
        ])
    handle = pynvml.nvmlDeviceGetHandleByPciBusId(devices.accelerator_identity(2)[0])
    pynvml.nvmlDeviceSetPowerManagementLimit(handle, 250_000)
    image.truth.accel_alive[5] = 0.0
    try:
        pynvml.nvmlDeviceGetHandleByIndex(5)
        lost = "answers"
    except pynvml.NVMLError_GpuIsLost as error:
        lost = str(error)
    print(json.dumps({
        "driver": pynvml.nvmlSystemGetDriverVersion(),
        "name": pynvml.nvmlDeviceGetName(handle),
        "rows": rows,
        "identities": [devices.accelerator_identity(i) for i in range(8)],
        "cap_w": image.setpoint.accel_cap_w[2],
        "lost": lost,
    }))
"""


def test_the_official_binding_lists_eight_accelerators_with_the_values_of_the_plant():
    environment = dict(os.environ)
    environment["LD_LIBRARY_PATH"] = str(ROOT / "sim_hw" / "lib")
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=environment,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["driver"].startswith("SIM") and "Simulated" in seen["name"]
    assert len(seen["rows"]) == 8
    for i, row in enumerate(seen["rows"]):
        pci_bus_id, uuid = seen["identities"][i]
        power_mw = (600 + i) * 1000
        assert row == [power_mw, 70 + i, 70 + i, 50, 700_000, uuid, pci_bus_id, power_mw]
    assert seen["cap_w"] == 250.0
    assert seen["lost"] == "GPU is lost"
