"""Statuses of the C layer and what they become in Python."""

from enum import IntEnum


class Status(IntEnum):
    """ns_status_t (csrc/include/nightside/status.h); what each one means stands there."""

    OK = 0
    ARG = -1
    FULL = -2
    BUSY = -3
    IO = -4
    RANGE = -5
    NACK = -6
    PEC = -7
    TIMEOUT = -8
    ABSENT = -9
    UNSUPPORTED = -10
    STALE = -11
    PROTOCOL = -12
    PAGE = -13
    LAYOUT = -14
    REFUSED = -15
    RESET = -16


class DeviceError(Exception):
    """A device, a bus or a library failed: expected in service, never a bug of the caller.

    Args:
        subject: What failed, e.g. "accel3".
        status: The status of the C layer.
        hint: What to look at next; may be empty.
    """

    def __init__(self, subject: str, status: Status, hint: str = "") -> None:
        super().__init__(f"{subject}: NS_E_{status.name}" + (f" ({hint})" if hint else ""))
        self.subject = subject
        self.status = status


def argument_error(subject: str, hint: str, status: Status = Status.ARG) -> ValueError:
    """Return the error of a caller's mistake, in the form of a DeviceError.

    Args:
        subject: Whose it is, e.g. "rails_a: PMBus device (generic) at 0x10".
        hint: The field, its value, and what it must be; may be empty.
    """
    return ValueError(f"{subject}: NS_E_{status.name}" + (f" ({hint})" if hint else ""))


def check(status: int, subject: str, hint: str = "") -> None:
    """Raise ValueError for a broken contract (NS_E_ARG, NS_E_FULL), DeviceError for the rest."""
    if status == Status.OK:
        return
    if status in {Status.ARG, Status.FULL}:
        raise argument_error(subject, hint, Status(status))
    raise DeviceError(subject, Status(status))
