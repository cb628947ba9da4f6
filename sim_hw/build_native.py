"""Writes the C source of `sim_hw._native` (cffi, API mode) from the marked parts of the headers.

Usage: python build_native.py OUTPUT.c. CMake runs it; nothing imports it.
"""

import re
import sys
from pathlib import Path

from cffi import FFI

CSRC = Path(__file__).parent / "csrc"
_INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.MULTILINE)
_MARKED = re.compile(r"/\* cffi: begin \*/\n(.*?)/\* cffi: end \*/", re.DOTALL)
_COMPUTED = re.compile(r"^(#define \w+) \(.*$", re.MULTILINE)  # the C compiler knows the value


def plant_headers() -> list[str]:
    """Return the headers of the plant; each comes after those that it includes."""
    ordered: list[str] = []

    def add(path: Path) -> None:
        for name in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            add(CSRC / "plant" / name)
        if f"plant/{path.name}" not in ordered:
            ordered.append(f"plant/{path.name}")

    for path in sorted((CSRC / "plant").glob("*.h")):
        add(path)
    return ordered


HEADERS = ("plant_image.h", "sim_devices.h", "nvml/nvml_identity.h", *plant_headers())


def declarations(header: Path) -> str:
    """Return what stands between the cffi marks of a header, in the form that cffi parses."""
    parts = _MARKED.findall(header.read_text(encoding="utf-8"))
    if not parts:
        raise ValueError(f"{header}: no part is marked with /* cffi: begin */")
    return _COMPUTED.sub(r"\1 ...", "\n".join(parts))


def make_ffi() -> FFI:
    """Return the builder with all declarations and the source that includes the headers."""
    ffi = FFI()
    for name in HEADERS:
        ffi.cdef(declarations(CSRC / name))
    includes = "\n".join(f'#include "{name}"' for name in HEADERS)
    ffi.set_source("sim_hw._native", includes)
    return ffi


if __name__ == "__main__":
    make_ffi().emit_c_code(sys.argv[1])
