"""Our own declaration of NVML's ABI against NVIDIA's header, and the table of return codes.

The header is under a licence that forbids shipping it: the package nvidia-nvml-dev is fetched into
the test's own folder and never kept. Without a network the comparison is NOT RUN, and says so.
"""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hal import Status
from hal._native import lib

ROOT = Path(__file__).parents[2]
ROWS_MIN = 60
DOWNLOAD_S = 120


def printed(folder: Path, name: str, *options: str) -> dict[str, str]:
    """Compile the rows and return what they print, by row."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler is not None, "a C compiler built this project"
    program = folder / name
    source = ROOT / "csrc/tests/nvml_abi_print.c"
    subprocess.run([compiler, "-std=c11", *options, str(source), "-o", str(program)], check=True)
    text = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in text.splitlines())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return printed(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def header_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nvidia_nvml_dev")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--dest", str(folder), "nvidia-nvml-dev>=13.5"]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_S
        )
        why = done.stderr.strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        why = [f"no answer in {DOWNLOAD_S} s"]
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        pytest.skip(f"NOT RUN: the ABI was not compared, no package nvidia-nvml-dev: {why}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)
    return next(folder.rglob("nvml.h")).parent


def test_sizes_offsets_and_values_are_nvidias(
    ours: dict[str, str], header_folder: Path, tmp_path: Path
) -> None:
    theirs = printed(tmp_path, "theirs", "-DTHEIRS", "-isystem", str(header_folder))
    assert len(theirs) >= ROWS_MIN
    assert ours == theirs


def test_every_function_that_the_driver_resolves_has_a_row(ours: dict[str, str]) -> None:
    header = (ROOT / "csrc/device/nvml_abi.h").read_text()
    resolved = set(re.findall(r'"(nvml\w+)", [01]\)', header))
    rows = {row.removeprefix("function:") for row in ours if row.startswith("function:")}
    assert resolved == rows


def test_every_constant_and_structure_has_a_row() -> None:
    header = (ROOT / "csrc/device/nvml_abi.h").read_text()
    rows = (ROOT / "csrc/tests/nvml_abi_rows.h").read_text()
    declared = re.findall(r"(?m)^#define (NS_NVML_\w+) [0-9]", header)
    declared += re.findall(r"(?m)^    (NS_NVML_\w+) = \d+", header)
    declared += re.findall(r"(?m)^} (ns_nvml_\w+_t);", header)
    assert len(declared) >= ROWS_MIN
    assert [name for name in declared if not re.search(rf"\b{name}\b", rows)] == []


def test_the_table_of_return_codes_is_what_the_driver_does(ours: dict[str, str]) -> None:
    page = (ROOT / "docs/reference/nvml.md").read_text()
    table = {
        int(code): (name, status)
        for code, name, status in re.findall(r"(?m)^\| (\d+) \| `(\w+)` \| `(NS_\w+)` \|", page)
    }
    codes = {
        int(value): row.removeprefix("value:NVML_").removeprefix("ERROR_")
        for row, value in ours.items()
        if row.startswith(("value:NVML_ERROR_", "value:NVML_SUCCESS"))
    }
    assert {code: name for code, (name, _) in table.items()} == codes
    for code, (_, status) in table.items():
        said = Status(lib.ns_nvml_classify(code)).name
        assert status == ("NS_OK" if said == "OK" else f"NS_E_{said}"), code
