"""Write the C source of `hal._native`; called by CMake as `build_native.py OUTPUT.c`.

The declarations are the parts of the public headers between `cffi: begin` and `cffi: end`, so that
a header is C interface and binding at once. The compiler checks them against the headers.
"""

import re
import sys
from pathlib import Path

import cffi

# In the order of their needs. Each device class brings ns_NAME_ops, each bus back end too.
BASE = ("status", "codec", "image", "bus_port", "device", "driver")
DEVICES = ("pmbus", "nvml", "controller", "ina2xx", "tmp4xx", "hwmon", "watchdog", "gpio", "kmsg")
BUSES = ("i2c_dev", "serial", "bridge")
HEADERS = (*BASE, "xid_filter", *DEVICES, *BUSES)
INCLUDE = Path(__file__).resolve().parent.parent / "csrc" / "include" / "nightside"
MARKED = re.compile(r"/\* cffi: begin \*/(.*?)/\* cffi: end \*/", re.DOTALL)

# The ops tables hold function pointers, which cffi cannot declare: Python gets their addresses, and
# calls by hand through these.
CALLS = {
    "void hal_device_close(const ns_device_ops_t *ops, void *ctx)": """
    if (ops->close != NULL) { ops->close(ctx); }""",
    "int hal_bus_has_transfer(const ns_bus_ops_t *ops)": """
    return ops != NULL && ops->transfer != NULL;""",
    "int hal_bus_has_exchange(const ns_bus_ops_t *ops)": """
    return ops != NULL && ops->exchange != NULL;""",
    """ns_status_t hal_bus_transfer(const ns_bus_ops_t *ops, void *ctx, uint8_t address,
                                    const uint8_t *write, size_t write_size, uint8_t *read,
                                    size_t read_size, uint32_t timeout_us)""": """
    return ops->transfer == NULL ? NS_E_ARG
        : ops->transfer(ctx, address, write, write_size, read, read_size, timeout_us);""",
    """ns_status_t hal_bus_exchange(const ns_bus_ops_t *ops, void *ctx, const uint8_t *write,
                                    size_t write_size, uint8_t *read, size_t read_capacity,
                                    size_t *out_read_size, uint32_t timeout_us)""": """
    return ops->exchange == NULL ? NS_E_ARG
        : ops->exchange(ctx, write, write_size, read, read_capacity, out_read_size, timeout_us);""",
    "ns_status_t hal_bus_recover(const ns_bus_ops_t *ops, void *ctx)": """
    return ops->recover == NULL ? NS_E_UNSUPPORTED : ops->recover(ctx);""",
    "void hal_bus_close(const ns_bus_ops_t *ops, void *ctx)": """
    if (ops->close != NULL) { ops->close(ctx); }""",
}
CALLS[
    """ns_status_t hal_image_snapshot(const ns_image_t *image, const ns_samples_t *last,
                                   const ns_samples_t *rows, size_t point_count, size_t row)"""
] = """
    size_t at = row * point_count;
    return ns_image_snapshot(image, last, rows->values + at, rows->time_ns + at,
                             rows->status + at, rows->flags + at);"""
CALLS |= {
    f"const ns_{kind}_ops_t *hal_{name}_ops(void)": f" return &ns_{name}_ops;"
    for kind, names in (("device", DEVICES), ("bus", BUSES))
    for name in names
}


def declarations() -> str:
    """Return all marked parts of the public headers, in the order of HEADERS."""
    parts = [f"typedef struct ns_{kind}_ops ns_{kind}_ops_t;" for kind in ("device", "bus")]
    for name in HEADERS:
        parts += MARKED.findall((INCLUDE / f"{name}.h").read_text(encoding="utf-8"))
    return "\n".join([*parts, *(f"{declaration};" for declaration in CALLS)])


def main(output: str) -> None:
    """Write the C source of the extension module to `output`."""
    ffi = cffi.FFI()
    ffi.cdef(declarations())
    includes = "".join(f'#include "nightside/{name}.h"\n' for name in HEADERS)
    calls = "".join(f"static {head} {{{body} }}\n" for head, body in CALLS.items())
    ffi.set_source("hal._native", includes + calls)
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(sys.argv[1])
