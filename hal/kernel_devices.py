"""Opening what the kernel offers as files: hwmon chips, watchdogs, the kernel log, GPIO chips."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hal import checks
from hal._native import ffi, lib
from hal.opened import OpenBus, OpenDevice
from hal.spec import GpioDevice, GpioLine, HwmonDevice, KmsgDevice, WatchdogDevice
from hal.status import DeviceError, Status, check


def open_hwmon(device: HwmonDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a chip of the hwmon tree; raises as open_device does."""
    label = f"{name}: hwmon chip {device.name!r}"
    checks.check_hwmon(device, label)
    ctx = ffi.new("ns_hwmon_t *")
    config = ffi.new("ns_hwmon_config_t *")
    config.attribute_count = len(device.attributes)
    config.root = device.root.encode()
    config.name = device.name.encode()
    config.device = device.device.encode()
    for row, attribute in zip(config.attributes, device.attributes, strict=False):
        row.name = attribute.name.encode()
        row.scale = attribute.scale
        row.is_writable = int(attribute.writable)
    check(lib.ns_hwmon_open(ctx, config), label)
    return OpenDevice(lib.hal_hwmon_ops(), ctx)


def open_watchdog(device: WatchdogDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a watchdog; the device file is not touched; raises as open_device does."""
    label = f"{name}: watchdog {device.path}"
    checks.check_watchdog(device, label)
    if not stat.S_ISCHR(_mode_of(device.path, label)):  # to open it would arm it
        raise DeviceError(label, Status.UNSUPPORTED, "no character device")
    ctx = ffi.new("ns_watchdog_t *")
    path = device.path.encode()
    check(lib.ns_watchdog_open(ctx, path, device.timeout_s, ffi.NULL, ffi.NULL), label)
    return OpenDevice(lib.hal_watchdog_ops(), ctx)


def _mode_of(path: str, label: str) -> int:
    try:
        return Path(path).stat().st_mode
    except OSError as error:
        raise _device_error(error, path, label) from None


def _device_error(error: OSError, path: str, label: str) -> DeviceError:
    statuses = {
        errno.ENOENT: Status.ABSENT,
        errno.ENOTDIR: Status.ABSENT,
        errno.ENXIO: Status.ABSENT,
        errno.ENODEV: Status.ABSENT,
        errno.EACCES: Status.REFUSED,
        errno.EPERM: Status.REFUSED,
    }
    hint = f"{path}: {error.strerror}"
    return DeviceError(label, statuses.get(error.errno or 0, Status.IO), hint)


def disarm_watchdog(opened: OpenDevice, label: str) -> None:
    """Stop the watchdog of an opened WatchdogDevice for good, armed or not; twice is allowed.

    Raises:
        DeviceError: IO, it does not take it and goes on.
    """
    status = lib.ns_watchdog_disarm(opened.ctx)
    if status not in {Status.OK, Status.ARG}:  # ARG: closed already
        raise DeviceError(label, Status(status), "the watchdog goes on")


def open_kmsg(device: KmsgDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a kernel log at its end; raises as open_device does."""
    label = f"{name}: kernel log {device.path}"
    checks.check_kmsg(device, label)
    log = _open_log(device, label)
    ctx = ffi.new("ns_kmsg_t *")
    xids = ffi.new("ns_xid_filter_t *")
    for number, row in enumerate(device.accelerators):
        if _open_kmsg_rows(ctx, log.descriptor, [(row[0], None)], xids) != 0:
            allowed = "a PCI bus id such as '00000000:41:00.0'"
            raise checks.wrong(label, f"accelerators[{number}][0]", row[0], allowed)
        if _open_kmsg_rows(ctx, log.descriptor, [row], xids) != 0:
            allowed = "a UUID such as 'GPU-f1648d72-c7c8-9814-2832-7a062b009188'"
            raise checks.wrong(label, f"accelerators[{number}][1]", row[1], allowed)
    check(_open_kmsg_rows(ctx, log.descriptor, device.accelerators, xids), label)
    return OpenDevice(lib.hal_kmsg_ops(), ctx, (xids, log))


def _open_kmsg_rows(
    ctx: Any, descriptor: int, rows: Iterable[tuple[str, str | None]], xids: Any
) -> int:
    texts = [
        ffi.NULL if text is None else ffi.new("char[]", text.encode())
        for row in rows
        for text in row
    ]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    native = ffi.new("ns_kmsg_device_t[]", [{"pci_bus_id": a, "uuid": b} for a, b in pairs])
    return int(lib.ns_kmsg_open(ctx, descriptor, native, len(texts) // 2, xids))


def _open_log(device: KmsgDevice, label: str) -> "_OpenFile":
    """Open the log at its end. A folder or a plain file would be read for ever without an Xid."""
    try:
        log = _OpenFile(os.open(device.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        raise _device_error(error, device.path, label) from None
    mode = os.fstat(log.descriptor).st_mode
    is_log = stat.S_ISCHR(mode)
    if device.is_stand_in:
        is_log = is_log or stat.S_ISREG(mode) or stat.S_ISFIFO(mode)
    if not is_log:
        raise checks.wrong(label, "path", device.path, "a character device such as /dev/kmsg")
    if not stat.S_ISFIFO(mode):  # a FIFO has no end to begin at
        os.lseek(log.descriptor, 0, os.SEEK_END)
    return log


class _OpenFile:
    """A descriptor that is closed with the last that uses it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


def open_gpio(device: GpioDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a GPIO chip and take its lines; raises as open_device does."""
    label = f"{name}: GPIO chip {device.chip_path}"
    checks.check_gpio(device, label)
    ctx = ffi.new("ns_gpio_t *")
    path = ffi.new("char[]", device.chip_path.encode())
    lines = ffi.new("ns_gpio_line_t[]", [_gpio_line(line) for line in device.lines])
    config = {"chip_path": path, "lines": lines, "line_count": len(device.lines)}
    status = lib.ns_gpio_open(ctx, ffi.new("ns_gpio_config_t *", config))
    check(status, label, "the chip has no such offset, or the lines are of too many kinds")
    return OpenDevice(lib.hal_gpio_ops(), ctx)


def _gpio_line(line: GpioLine) -> dict[str, int]:
    flags = lib.NS_GPIO_ACTIVE_LOW if line.active_low else 0
    if line.output is not None:
        flags |= lib.NS_GPIO_OUTPUT | (lib.NS_GPIO_OPEN_DRAIN if line.open_drain else 0)
    if line.edges:
        flags |= lib.NS_GPIO_EDGE_RISING | lib.NS_GPIO_EDGE_FALLING
    return {
        "offset": line.offset,
        "flags": flags,
        "debounce_us": line.debounce_us,
        "is_active": int(line.output or False),
    }
