"""The budgets and the one-way rules of the project. Each failure says what to mend and where."""

import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles

import pytest

from flight.core.modes import render_mermaid
from flight.core.types import Mode
from flight.dictionary import channels
from sim_hw.faults import FAULTS
from tests import tidy_scan as scan

ROOT = Path(__file__).parents[1]
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_95 = 45
FUNCTION_LINES_MEDIAN = (5, 15)
FILE_LINES_MAX = 500
COLUMNS_MAX = 100

PRODUCT = ("flight", "hal", "sim_hw")


def tracked(*suffixes: str, under: Iterable[str] = ("",)) -> list[Path]:
    """Return the files git knows or would add, by suffix and folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [
        ROOT / name
        for name in sorted(listed)
        if (not suffixes or name.endswith(suffixes))
        and any(name.startswith(folder) for folder in under)
        and (ROOT / name).is_file()
    ]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def mend(lines: Iterable[str], what: str) -> None:
    """Fail with one line per thing to mend; do nothing when there is none."""
    found = list(lines)
    if found:
        pytest.fail(f"{what}:\n  " + "\n  ".join(found), pytrace=False)


def functions(paths: Iterable[Path]) -> list[tuple[Path, scan.Function]]:
    scanner = {".py": scan.python_functions, ".c": scan.c_functions, ".h": scan.c_functions}
    return [
        (path, function) for path in paths for function in scanner[path.suffix](path.read_text())
    ]


# ---- lengths ----


def test_no_function_is_longer_than_the_hard_stop() -> None:
    mend(
        (
            f"{relative(path)}:{f.line} {f.name} has {f.length} lines"
            for path, f in functions(tracked(".py", ".c", ".h"))
            if f.length > FUNCTION_LINES_MAX
        ),
        f"split these functions, at most {FUNCTION_LINES_MAX} lines",
    )


@pytest.mark.parametrize("suffixes", [(".py",), (".c", ".h")], ids=["python", "c"])
def test_functions_are_short_as_a_rule(suffixes: tuple[str, ...]) -> None:
    found = functions(tracked(*suffixes, under=(*PRODUCT, "csrc")))
    lengths = [f.length for _, f in found]
    low, high = FUNCTION_LINES_MEDIAN
    assert low <= median(lengths) <= high, f"median length of a function: {median(lengths)}"
    if quantiles(lengths, n=20)[-1] >= FUNCTION_LINES_95:
        longest = sorted(found, key=lambda item: -item[1].length)[: len(found) // 20 + 1]
        mend(
            (f"{relative(path)}:{f.line} {f.name} has {f.length} lines" for path, f in longest),
            f"95 % of functions must be below {FUNCTION_LINES_95} lines; the longest",
        )


def test_no_file_is_longer_than_the_hard_stop() -> None:
    counts = {path: path.read_text().count("\n") for path in tracked(".py", ".c", ".h")}
    mend(
        (f"{relative(path)} has {n} lines" for path, n in counts.items() if n > FILE_LINES_MAX),
        f"split these files, at most {FILE_LINES_MAX} lines",
    )


def test_no_line_is_wider_than_the_limit() -> None:
    mend(
        (
            f"{relative(path)}:{number} has {len(line)} columns"
            for path in tracked(".py", ".c", ".h")
            for number, line in enumerate(path.read_text().splitlines(), start=1)
            if len(line) > COLUMNS_MAX
        ),
        f"break these lines, at most {COLUMNS_MAX} columns",
    )


# ---- imports ----

# What a module may import of ours, by the longest prefix of its own name.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "hal": ("hal",),
    "flight.core": ("flight.core",),
    "flight.dictionary": ("flight.core", "flight.dictionary"),
    "flight.plan": ("flight.core", "flight.dictionary", "flight.plan"),
    "flight.link": ("flight.core", "flight.dictionary", "flight.link", "flight.secret"),
    "flight": ("flight", "hal"),
    "flight.commands": ("flight", "hal", "sim_hw"),
    "sim_hw": (
        "sim_hw", "hal", "flight.config", "flight.operator_error",
        "flight.core.points", "flight.core.types", "flight.examples", "flight.durations",
    ),
    # These host the daemon in the simulated world, so they know its services.
    "sim_hw.simulated_node": ("sim_hw", "hal", "flight"),
    "sim_hw.flight": ("sim_hw", "hal", "flight"),
    "sim_hw.flight_runner": ("sim_hw", "hal", "flight"),
    "sim_hw.fly": ("sim_hw", "hal", "flight"),
    "sim_hw.fly_realtime": ("sim_hw", "hal", "flight"),
    "sim_hw.runs": ("sim_hw", "hal", "flight"),
    "sim_hw.orbit_belief": ("sim_hw", "flight.plan"),
    "sim_hw.nvml_shell": ("sim_hw", "hal", "flight"),
}  # fmt: skip
CORE_MAY_IMPORT = frozenset(
    "__future__ bisect collections dataclasses enum fnmatch fractions functools hashlib itertools "
    "math msgpack numpy operator pydantic struct types typing zlib".split()
)


def is_under(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def forbidden_imports(module: str, imports: Iterable[scan.Import]) -> list[str]:
    """Return what `module` imports and may not: of ours, and for the core of others' too."""
    rule = max((p for p in MAY_IMPORT if is_under(module, [p])), key=len)
    found = []
    for item in imports:
        top = item.name.partition(".")[0]
        if top in PRODUCT:
            if not is_under(item.name, MAY_IMPORT[rule]):
                found.append(f"{module} line {item.line}: {item.name}")
            elif top == "sim_hw" and rule == "flight.commands" and not item.lazy:
                found.append(f"{module} line {item.line}: {item.name}, only inside a function")
        elif rule == "flight.core" and (
            top not in CORE_MAY_IMPORT or item.name.startswith("numpy.random")
        ):
            found.append(f"{module} line {item.line}: {item.name}, the core is pure")
    return found


def test_imports_point_one_way() -> None:
    mend(
        (
            line
            for path in tracked(".py", under=[f"{top}/" for top in PRODUCT])
            for line in forbidden_imports(
                module_of(path),
                scan.python_imports(path.read_text(), package=module_of(path).rpartition(".")[0]),
            )
        ),
        "these imports point the wrong way (tests/test_tidy.py, MAY_IMPORT)",
    )


def test_the_core_is_pure_and_exact() -> None:
    mend(
        (
            f"{relative(path)}: {what}"
            for path in tracked(".py", under=["flight/core/"])
            for what in scan.impurities(path.read_text())
        ),
        "flight/core uses + - * / min max where and integers on arrays, and no I/O",
    )


def test_only_the_time_source_reads_the_clock_of_the_host() -> None:
    mend(
        (
            f"{relative(path)}: {what}"
            for path in tracked(".py", under=["flight/"])
            if relative(path) != "flight/services/time_source.py"
            for what in scan.host_clock_reads(path.read_text())
        ),
        "take UTC from flight/services/time_source.py; control goes by the monotonic clock",
    )


def test_flight_c_knows_no_simulation() -> None:
    mend(
        (
            f"{relative(path)}: {name}"
            for path in tracked(".c", ".h", under=["csrc/"])
            for name in re.findall(r'(?m)^\s*#\s*include\s*[<"]([^">]+)', path.read_text())
            if "sim" in name or name == "Python.h"
        ),
        "csrc/ includes neither the simulation nor Python",
    )


# ---- documentation ----


def test_public_python_names_are_documented() -> None:
    mend(
        (
            f"{relative(path)}: {name}"
            for path in tracked(".py", under=[f"{top}/" for top in PRODUCT])
            for name in scan.undocumented(path.read_text())
        ),
        "write a docstring for",
    )


def test_public_c_names_are_documented() -> None:
    mend(
        (
            f"{relative(path)} {name}"
            for path in tracked(".h", under=["csrc/include/"])
            for name in scan.undocumented_c(path.read_text())
        ),
        "write a /** comment */ for",
    )


def test_every_path_that_the_first_pages_name_exists() -> None:
    mend(
        (
            f"{page}: {name}"
            for page in ("README.md", "CONTRIBUTING.md")
            for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", (ROOT / page).read_text())
            if not (ROOT / name).exists() and not name.startswith("build/")
        ),
        "these pages name files that are not there",
    )


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    lines = project["build-system"]["requires"] + project["project"]["dependencies"]
    names = {re.split(r"[<>=~\[]", line)[0] for line in [*lines, *(x for e in extras for x in e)]}
    page = (ROOT / "docs/dependencies.md").read_text()
    mend(
        (name for name in sorted(names) if f"| {name} |" not in page),
        "give each dependency a row in docs/dependencies.md",
    )


def test_files_name_no_place_of_a_developers_machine() -> None:
    place = re.compile(r"(?<![\w.$}])/(?:work|root|home|Users)/|\.\./shared")
    mend(
        (
            f"{relative(path)}:{number}: {line.strip()[:80]}"
            for path in tracked()
            if path != Path(__file__)
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
            if place.search(line)
        ),
        "these lines hold only on one machine",
    )


# ---- one name in all layers ----

UNIT_SUFFIX = {
    "W": "_w", "degC": "_c", "ratio": "_ratio", "MHz": "_mhz", "J": "_j", "V": "_v", "A": "_a",
    "kg/s": "_kg_per_s", "kPa": "_kpa", "rpm": "_rpm", "count": "_count", "switch": "enable",
}  # fmt: skip
UNITLESS = {"bits", "code"}
BOUND = re.compile(r"_(max|min|high|low|peak|average)$")  # what may follow the unit


def test_device_channels_have_one_name_in_c_and_python() -> None:
    header = (ROOT / "csrc/include/nightside/device.h").read_text()
    for prefix, templates in (("NS_NVML_", channels.NVML), ("NS_PMBUS_", channels.HOT_SWAP)):
        in_c = [name for name in scan.c_enumerators(header, prefix) if name != "channel_count"]
        names = [template.name for template in templates]  # a node uses the first of a class
        assert in_c[: len(names)] == names, prefix
    known = {template.name for template in channels.HOT_SWAP}
    assert {template.name for template in (*channels.AUX, *channels.HOST_RAIL)} <= known


def test_point_names_end_in_their_unit() -> None:
    mend(
        (
            f"{point.name} is in {point.unit}"
            for point in channels.build_point_table()
            if point.unit not in UNITLESS
            and not BOUND.sub("", point.name).endswith(
                UNIT_SUFFIX.get(point.unit, "a suffix of it")
            )
        ),
        "unit last",
    )


def truth_of(point: str) -> str:
    """Return the field of the plant image that a controller's or accelerator's point shows."""
    name = re.sub(r"^accel\d\.", "accel_", point)
    name = re.sub(r"^plate\d\.", "plate_", name)
    name = re.sub(r"\b(string|nvme)\d\.", r"\1_", name)
    name = re.sub(r"\bpump_[ab]\.", "pump_", name)
    name = re.sub(r"^loop\.heater_[ab]\.enable$", "loop_heater_on", name)
    name = re.sub(r"^eps\.battery_heater\.enable$", "battery_heater_on", name)
    name = name.removeprefix("loop.").removeprefix("eps.").removeprefix("host.")
    return name.replace("battery.charge_ratio", "charge_ratio").replace(".", "_")


def test_points_have_their_truth_in_the_plant_under_the_same_name() -> None:
    fields = set(scan.c_fields((ROOT / "sim_hw/csrc/plant_image.h").read_text()))
    made_by_the_device = {"accel_margin_c"}  # maximum operating temperature less core temperature
    mend(
        (
            f"{point.name}: no double {truth_of(point.name)}"
            for point in channels.build_point_table()
            if not point.name.startswith("rail.")
            and truth_of(point.name) not in fields | made_by_the_device
        ),
        "sim_hw/csrc/plant_image.h lacks",
    )


def test_every_mode_is_on_the_page_of_modes() -> None:
    page = (ROOT / "docs/design/modes.md").read_text()
    mend((mode for mode in Mode if f"| {mode.value} |" not in page), "docs/design/modes.md lacks")


def test_every_injectable_fault_has_its_place_in_the_fault_budget() -> None:
    page = (ROOT / "docs/safety.md").read_text()
    mend((name for name in FAULTS if f"`{name}`" not in page), "docs/safety.md says nothing about")


def test_the_diagram_of_modes_is_the_table() -> None:
    page = (ROOT / "docs/design/modes.md").read_text()
    block = f"```mermaid\n{render_mermaid()}```\n"
    assert block in page, f"replace the diagram in docs/design/modes.md by:\n{block}"


# ---- the scanners can fail ----

BAD_C = """
#include <stdio.h>
/* int not_a_function(void) { } */
#define LOOP(x) do { \\
    (x)++; } while (0)
static const int table[] = {1, 2, 3};
struct s { int a; };
static int
long_one(int a,
         const char *text)
{
    if (a) { text = "}{"; }
    /* } */
    return '{' + *text;
}
extern "C" {
int after(void) { return 0; }
}
"""


def test_c_functions_are_found_past_comments_strings_tables_and_macros() -> None:
    assert scan.c_functions(BAD_C) == [("long_one", 9, 7), ("after", 17, 1)]


def test_undocumented_names_are_found() -> None:
    source = '"""Module."""\ndef f(): ...\nclass C:\n    """C."""\n    def m(self): ...\n'
    assert scan.undocumented(source + "def _g(): ...") == ["f (line 2)", "C.m (line 5)"]
    header = "/** Good. */\nint f(void);\nint g(int a);\ntypedef struct t t_t; /**< good */\n"
    assert scan.undocumented_c(header) == ["line 3: g"]


@pytest.mark.parametrize(
    "planted",
    [
        "async def f(): ...",
        "open('x')",
        "np.sum(a)",
        "a.mean()",
        "np.random.rand()",
        "math.exp(x)",
        "a ** 2",
        "a @ b",
    ],
)
def test_impurities_are_found(planted: str) -> None:
    assert scan.impurities(planted)
    assert not scan.impurities("b = np.minimum(a, 2.0) + max(1, 2)\nb = np.where(a > 1, a, 0)")


@pytest.mark.parametrize(
    "planted",
    [
        "time.time()",
        "t = time.time_ns",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.clock_gettime(time.CLOCK_REALTIME)",
        "from time import monotonic, time",
    ],
)
def test_reads_of_the_host_clock_are_found(planted: str) -> None:
    assert scan.host_clock_reads(planted)
    assert not scan.host_clock_reads("time.monotonic_ns()\ndatetime.fromtimestamp(1.0, UTC)")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("flight.core.rails", "import asyncio"),
        ("flight.core.rails", "from hal import NodeImage"),
        ("flight.core.rails", "import time"),
        ("flight.core.rails", "from numpy.random import default_rng"),
        ("flight.services.cycle", "import sim_hw.plant"),
        ("flight.commands.sim", "from sim_hw import run"),
        ("hal.image", "from flight.core import points"),
        ("sim_hw.plant", "from flight.services import cycle"),
        ("flight.core.rails", "from ..services import cycle"),
    ],
)
def test_wrong_imports_are_found(module: str, line: str) -> None:
    package = module.rpartition(".")[0]
    assert forbidden_imports(module, scan.python_imports(line, package=package))


def test_right_imports_pass() -> None:
    lazy = "def main():\n    from sim_hw import run\n"
    assert not forbidden_imports("flight.commands.sim", scan.python_imports(lazy))
    assert not forbidden_imports("sim_hw.plant", scan.python_imports("from hal import spec"))
    assert not forbidden_imports("flight.core.a", scan.python_imports("from math import inf"))


def test_long_functions_are_measured_whole() -> None:
    source = "def f():\n" + "    x = 1\n" * 80
    assert scan.python_functions(source) == [("f", 1, 81)]


def test_every_c_test_is_run() -> None:
    """A program that no list names is green for ever."""
    folders = [ROOT / "csrc/tests", ROOT / "sim_hw/csrc/tests", ROOT / "sim_hw/csrc/tests/contract"]
    missing = []
    for folder in folders:
        lists = re.sub(r"#.*", "", (folder / "CMakeLists.txt").read_text())
        for path in sorted(folder.glob("test_*.c")):
            name = path.stem.removeprefix("test_")
            ends = [
                name,
                *(name.partition("_")[2:] if name.startswith(("bus_", "contract_")) else ()),
            ]
            if not any(re.search(rf"\b(test_)?{re.escape(end)}\b", lists) for end in ends if end):
                missing.append(str(path.relative_to(ROOT)))
    mend(missing, "name these in CMakeLists.txt, or they never run")
