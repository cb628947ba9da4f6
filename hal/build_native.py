"""Write the C source of `hal._native`; called by CMake as `build_native.py OUTPUT.c`.

The declarations are the parts of the public headers between `cffi: begin` and `cffi: end`, so that
a header is C interface and binding at once. The compiler checks them against the headers.
"""

import re
import sys
from pathlib import Path

import cffi

HEADERS = (
    "status", "codec", "image", "bus_port", "device", "driver", "pmbus", "nvml", "controller",
)  # fmt: skip
INCLUDE = Path(__file__).resolve().parent.parent / "csrc" / "include" / "nightside"
MARKED = re.compile(r"/\* cffi: begin \*/(.*?)/\* cffi: end \*/", re.DOTALL)

# The ops tables hold function pointers, which Python never calls: their addresses are enough.
OPS_DECLARATIONS = """
const ns_device_ops_t *hal_pmbus_ops(void);
const ns_device_ops_t *hal_nvml_ops(void);
const ns_device_ops_t *hal_controller_ops(void);
void hal_device_close(const ns_device_ops_t *ops, void *ctx);
"""
OPS_DEFINITIONS = """
static const ns_device_ops_t *hal_pmbus_ops(void) { return &ns_pmbus_ops; }
static const ns_device_ops_t *hal_nvml_ops(void) { return &ns_nvml_ops; }
static const ns_device_ops_t *hal_controller_ops(void) { return &ns_controller_ops; }
static void hal_device_close(const ns_device_ops_t *ops, void *ctx) {
    if (ops->close != NULL) { ops->close(ctx); }
}
"""


def declarations() -> str:
    """Return all marked parts of the public headers, in the order of HEADERS."""
    parts = ["typedef struct ns_device_ops ns_device_ops_t;"]
    for name in HEADERS:
        parts += MARKED.findall((INCLUDE / f"{name}.h").read_text(encoding="utf-8"))
    return "\n".join(parts) + OPS_DECLARATIONS


def main(output: str) -> None:
    """Write the C source of the extension module to `output`."""
    ffi = cffi.FFI()
    ffi.cdef(declarations())
    includes = "".join(f'#include "nightside/{name}.h"\n' for name in HEADERS)
    ffi.set_source("hal._native", includes + OPS_DEFINITIONS)
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(sys.argv[1])
