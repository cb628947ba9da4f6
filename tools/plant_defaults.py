"""Writes REF-1's plant as a C initialiser, for the C tests of the plant.

Usage: python tools/plant_defaults.py [--check]; writes sim_hw/csrc/tests/plant_ref1.inc, or says
whether it is out of date.
"""

import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sim_hw._native import ffi  # noqa: E402
from sim_hw.plant_config import PlantConfig  # noqa: E402
from sim_hw.plant_native import fill_config  # noqa: E402

PATH = ROOT / "sim_hw" / "csrc" / "tests" / "plant_ref1.inc"
HEADER = "/* Written by tools/plant_defaults.py from sim_hw/plant_config.py. */\n"


def initialiser(value: Any) -> str:
    """Return what initialises a number, an array or a struct of C to this value."""
    if isinstance(value, float | int):
        return repr(value)
    kind = ffi.typeof(value)
    if kind.kind == "array":  # what is left out is 0
        items = [initialiser(item) for item in value]
        while len(items) > 1 and items[-1] == "0.0":
            items.pop()
        return "{" + ", ".join(items) + "}"
    parts = (f".{name} = {initialiser(getattr(value, name))}" for name, _ in kind.fields)
    return "{" + ", ".join(parts) + "}"


def text() -> str:
    """Return the file."""
    config = ffi.new("sim_plant_config_t *")
    fill_config(config[0], PlantConfig())
    lines = textwrap.wrap(initialiser(config[0]), width=100, break_long_words=False)
    return HEADER + "\n".join(lines) + "\n"


def main() -> int:
    """Write the file, or compare; 1: it is out of date."""
    if "--check" not in sys.argv:
        PATH.write_text(text(), encoding="ascii")
    elif PATH.read_text(encoding="ascii") != text():
        print(f"{PATH.relative_to(ROOT)} is out of date: run tools/plant_defaults.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
