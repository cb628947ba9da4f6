"""The unmodified tools that operators know see the simulated accelerators: nvidia-ml-py, gpustat,
nvitop, from the package index into an environment of their own, against a plant that is held and
against a flight in real time.
"""

import json
import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from sim_hw.devices import PlantImage
from sim_hw.nvml_shell import library_folder, shell_environment
from sim_hw.nvml_tolerances import NVML_CHANNELS, memory_used_bytes
from sim_hw.sensors import configure_sensors

COUNT = 8
TOOLS = ("nvidia-ml-py>=13.580", "gpustat>=1.1.1", "nvitop>=1.7")
TIMEOUT_S = 120
MIB = 1 << 20
TOLERANCE = {channel.call: channel.tolerance for channel in NVML_CHANNELS}
CLIENT = """
import json, sys, time, pynvml as n
def has_moved(rows):
    return all(len({look[i][0] for look in rows}) > 1 for i in range(len(rows[0])))
n.nvmlInit()
handles = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]
rows = []
while len(rows) < int(sys.argv[1]) or len(sys.argv) > 2 and not has_moved(rows):
    time.sleep(0.05 if rows else 0)
    rows.append([[
        n.nvmlDeviceGetPowerUsage(h) / 1e3,
        n.nvmlDeviceGetTemperature(h, 0),
        n.nvmlDeviceGetUtilizationRates(h).gpu / 1e2,
        n.nvmlDeviceGetClockInfo(h, 0),
        n.nvmlDeviceGetEnforcedPowerLimit(h) / 1e3,
        n.nvmlDeviceGetMemoryInfo(h, version=n.nvmlMemory_v2).used,
    ] for h in handles])
print(json.dumps({"rows": rows, "name": n.nvmlDeviceGetName(handles[0])}))
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """Folder of the programs of an environment that holds the tools and nothing of ours."""
    folder = tmp_path_factory.mktemp("nvml-tools")
    venv.create(folder, with_pip=True)
    pip = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-input", *TOOLS],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if pip.returncode != 0:
        pytest.skip(f"NOT RUN: {', '.join(TOOLS)} cannot be installed: {pip.stderr[-300:]}")
    return folder / "bin"


@pytest.fixture(scope="module")
def held():
    """A plant at work that nobody moves, with the sensors of REF-1."""
    image = PlantImage()
    configure_sensors(image)
    image.time_s[0] = 100.0
    image.truth.accel_alive[:] = 1.0
    image.truth.accel_power_w[:] = [290.0 + 55.5 * i for i in range(COUNT)]
    image.truth.accel_core_temp_c[:] = [52.3 + 4.1 * i for i in range(COUNT)]
    image.truth.accel_utilisation_ratio[:] = [0.0, 0.21, 0.34, 0.5, 0.63, 0.79, 0.97, 1.0]
    image.truth.accel_clock_mhz[:] = [345.0 + 200.0 * i for i in range(COUNT)]
    image.setpoint.accel_cap_w[:] = [700.0 - 20.0 * i for i in range(COUNT)]
    return image


@pytest.fixture(scope="module")
def run_held(tools, held):
    """Run one of the tools against the plant that is held and return what it printed."""

    def run(name, *arguments):
        with library_folder() as libraries:
            environment = shell_environment(os.environ, libraries, held.share.path)
            done = subprocess.run(
                [tools / name, *arguments],
                capture_output=True,
                check=False,
                env={**environment, "COLUMNS": "100", "LC_ALL": "C.UTF-8"},
                text=True,
                timeout=TIMEOUT_S,
            )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def near(values, call, *, rounding=0.0):
    """What a tool may show: tolerance of the channel, and half of what the tool rounds to."""
    return pytest.approx(list(values), abs=TOLERANCE[call] + rounding)


def test_a_pynvml_script_reads_the_plant(run_held, held):
    seen = json.loads(run_held("python", "-c", CLIENT, "1"))
    power_w, temp_c, ratio, clock_mhz, cap_w, used = zip(*seen["rows"][0], strict=True)
    truth = held.truth
    assert "SIM" in seen["name"]
    assert list(power_w) == near(truth.accel_power_w, "PowerUsage")
    assert list(temp_c) == near(truth.accel_core_temp_c, "Temperature")
    assert list(ratio) == near(truth.accel_utilisation_ratio, "UtilizationRates")
    assert list(clock_mhz) == near(truth.accel_clock_mhz, "ClockInfo")
    assert list(cap_w) == near(held.setpoint.accel_cap_w, "EnforcedPowerLimit")
    assert list(used) == [memory_used_bytes(r) for r in truth.accel_utilisation_ratio]


def test_gpustat_lists_eight_accelerators_with_the_values_of_the_plant(run_held, held):
    seen = json.loads(run_held("gpustat", "--json"))
    rows, truth = seen["gpus"], held.truth
    assert seen["driver_version"].startswith("SIM") and len(rows) == COUNT
    assert all("SIM" in row["name"] for row in rows)
    # gpustat cuts off the fraction of a watt.
    assert [row["power.draw"] + 0.5 for row in rows] == near(
        truth.accel_power_w, "PowerUsage", rounding=0.5
    )
    assert [row["temperature.gpu"] for row in rows] == near(truth.accel_core_temp_c, "Temperature")
    assert [row["utilization.gpu"] / 100 for row in rows] == near(
        truth.accel_utilisation_ratio, "UtilizationRates"
    )
    assert [row["enforced.power.limit"] for row in rows] == list(held.setpoint.accel_cap_w)
    for row, ratio in zip(rows, truth.accel_utilisation_ratio, strict=True):
        assert row["memory.used"] == memory_used_bytes(ratio) // MIB
        pids = [process["pid"] for process in row["processes"]]
        assert pids == ([os.getpid()] if ratio > 0.0 else [])


NVITOP_ROW = re.compile(
    r"(?P<temp>\d+)C +P0 +(?P<power>\d+)W / (?P<cap>\d+)W .*?(?P<percent>\d+)% +Default"
)


def test_nvitop_lists_eight_accelerators_with_the_values_of_the_plant(run_held, held):
    text = run_held("nvitop", "-1")
    rows, truth = [match.groupdict() for match in NVITOP_ROW.finditer(text)], held.truth
    assert len(rows) == COUNT, text
    assert "Driver Version: SIM" in text and text.count("SIM H100") == COUNT
    assert [int(row["temp"]) for row in rows] == near(truth.accel_core_temp_c, "Temperature")
    assert [int(row["power"]) for row in rows] == near(
        truth.accel_power_w, "PowerUsage", rounding=0.5
    )
    assert [int(row["cap"]) for row in rows] == list(held.setpoint.accel_cap_w)
    assert [int(row["percent"]) / 100 for row in rows] == near(
        truth.accel_utilisation_ratio, "UtilizationRates"
    )
    assert text.count(str(os.getpid())) >= COUNT - 1  # the process of each that works


# --- a flight in real time ---


def fly(tmp_path, *words, **options):
    """Run the command line with a shell and return what became of it."""
    return subprocess.run(
        [sys.executable, "-m", "flight", "sim", "--out", str(tmp_path / "flight"), *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_S,
        **options,
    )


def test_a_command_sees_moving_values_of_the_flight_and_its_output_stands_alone(tmp_path):
    command = (sys.executable, "-c", CLIENT, "2", "until all have moved")
    done = fly(tmp_path, "--realtime", "--nvml-shell", "--", *command)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    rows = json.loads(done.stdout)["rows"]
    powers_w = [[accelerator[0] for accelerator in look] for look in rows]
    assert all(len(look) == COUNT and min(look) > 50.0 for look in powers_w)
    assert all(len(set(column)) > 1 for column in zip(*powers_w, strict=True))
    assert (tmp_path / "flight" / "summary.json").is_file()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(5)", 5),
        ("import os; os.kill(os.getpid(), 9)", 128 + 9),
        # Ctrl-C goes to all in the terminal: the flight leaves it to the command.
        ("import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(6)", 6),
    ],
)
def test_the_exit_code_is_that_of_the_command(tmp_path, code, expected):
    done = fly(tmp_path, "--realtime", "--nvml-shell", "--", sys.executable, "-c", code)
    assert (done.returncode, done.stderr) == (expected, "")


@pytest.mark.parametrize("handler", ["SIG_DFL", "SIG_IGN"])
def test_a_flight_that_is_told_to_end_takes_its_command_and_its_folder_along(tmp_path, handler):
    code = f"""
import os, signal, time
signal.signal(signal.SIGHUP, signal.{handler})
print(os.getpid(), os.environ["LD_LIBRARY_PATH"].split(":")[0], flush=True)
os.kill(os.getppid(), signal.SIGTERM)
signal.pause()
"""
    done = fly(tmp_path, "--realtime", "--nvml-shell", "--", sys.executable, "-c", code)
    pid, libraries = done.stdout.split()
    assert done.returncode == 128 + signal.SIGTERM
    assert not Path(libraries).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_a_command_that_does_not_exist_is_said_so(tmp_path):
    done = fly(tmp_path, "--realtime", "--nvml-shell", "--", "no-such-program")
    assert done.returncode == 127
    assert done.stderr == "nightside: no-such-program: cannot be run: No such file or directory\n"


def test_the_shell_of_the_environment_is_started_and_ends_the_flight(tmp_path):
    environment = {**os.environ, "SHELL": "/bin/sh"}
    line = f"{sys.executable} -c 'import pynvml as n; n.nvmlInit(); print(n.nvmlDeviceGetCount())'"
    done = fly(
        tmp_path,
        "--realtime=2",
        "--nvml-shell",
        env=environment,
        input=f"{line}\nexit 3\n",
    )
    assert done.returncode == 3 and done.stdout == "8\n"
    first, last = done.stderr.splitlines()
    assert "8 simulated accelerators" in first and "the flight ended with the shell" in last


def test_a_flight_that_ends_before_its_shell_leaves_lost_accelerators(tmp_path):
    code = """
import pynvml as n, sys
n.nvmlInit()
handle, events = n.nvmlDeviceGetHandleByIndex(0), n.nvmlEventSetCreate()
try:
    n.nvmlEventSetWait_v2(events, 60000)
except n.NVMLError_GpuIsLost:
    sys.exit(7)
"""
    words = ("--realtime=100", "--duration", "120s", "--nvml-shell")
    assert fly(tmp_path, *words, "--", sys.executable, "-c", code).returncode == 7


@pytest.mark.parametrize("words", [("--nvml-shell",), ("--realtime", "--json", "--nvml-shell")])
def test_options_that_do_not_go_together_are_refused(tmp_path, words):
    done = fly(tmp_path, *words, "--", "true")
    assert done.returncode == 2 and "--nvml-shell goes with --realtime" in done.stderr


def test_a_command_without_the_option_is_refused(tmp_path):
    done = fly(tmp_path, "--realtime", "--", "true")
    assert done.returncode == 2 and not Path(tmp_path / "flight").exists()
