"""The process that tests/unit/test_nvml_clients.py asks: nvidia-ml-py, one JSON line each way."""

import json
import sys

import pynvml

FIELD_VALUES = {1: "uiVal", 3: "ullVal", 5: "siVal"}  # by NVML's value type


def field_of(handle, number):
    field = pynvml.nvmlDeviceGetFieldValues(handle, [number])[0]
    assert field.nvmlReturn == 0
    return getattr(field.value, FIELD_VALUES[field.valueType])


def read(handle, call):
    if call.startswith("field "):
        return field_of(handle, int(call.split()[1]))
    function = getattr(pynvml, "nvmlDeviceGet" + call)
    if call in {"Temperature", "TemperatureV", "ClockInfo"}:
        return function(handle, 0)
    value = function(handle)
    return value.gpu if call == "UtilizationRates" else value


def row_of(handle):
    return [
        pynvml.nvmlDeviceGetPowerUsage(handle),
        pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        pynvml.nvmlDeviceGetTemperatureV(handle, pynvml.NVML_TEMPERATURE_GPU),
        pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        pynvml.nvmlDeviceGetEnforcedPowerLimit(handle),
        pynvml.nvmlDeviceGetUUID(handle),
        pynvml.nvmlDeviceGetPciInfo(handle).busId,
        field_of(handle, 186),
    ]


def answer(handles, question):
    if question["do"] == "list":
        return {
            "driver": pynvml.nvmlSystemGetDriverVersion(),
            "name": pynvml.nvmlDeviceGetName(handles[0]),
            "rows": [row_of(handle) for handle in handles],
        }
    if question["do"] == "read":
        return [read(handle, question["call"]) for handle in handles]
    if question["do"] == "processes":
        lists = [pynvml.nvmlDeviceGetComputeRunningProcesses(handle) for handle in handles]
        return [[[p.pid, p.usedGpuMemory] for p in processes] for processes in lists]
    try:
        limit_mw = question["limit_mw"]
        pynvml.nvmlDeviceSetPowerManagementLimit(handles[question["index"]], limit_mw)
    except pynvml.NVMLError as error:
        return error.value
    return 0


def main():
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    for line in sys.stdin:
        print(json.dumps(answer(handles, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
