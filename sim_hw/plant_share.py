"""Memory of one plant image that other processes can map: a sealed, anonymous file.

The memory is a memfd, so nothing is left behind by a simulation that was killed. It is sealed
against shrinking, so that no client can be killed by a file that was cut short while it was mapped.
Others reach it as /proc/PID/fd/N, with the rights of the user who simulates; the path is of no use
once this process is gone. Layout: csrc/nvml/nvml_share.h.
"""

import fcntl
import mmap
import os
import struct
import weakref
from pathlib import Path

SHARE_VARIABLE = "NIGHTSIDE_SIM_NVML"
"""Environment variable that tells the simulated NVML library of another process where to look."""

HEADER_BYTES = 4096
_HEADER = struct.Struct("<QIIQQQ")  # sim_share_header_t
_MAGIC = 0x31544E414C50534E  # "NSPLANT1"
_VERSION = 1
_OWNER_PID_OFFSET = 24
_OWNER_PID = struct.Struct("<Q")
_MODE = 0o600  # the rights of the file itself; /proc asks for those of the process as well


class PlantShare:
    """Zeroed memory for one plant image, behind a header that names its owner.

    Args:
        image_bytes: Size of sim_plant_image_t, > 0.

    Attributes:
        memory: The image's own part, writable; valid for as long as anything refers to it.
        path: Where other processes of this host find it, until this object is gone.

    The process that makes this object must keep it: a fork does not make a second owner.

    Raises:
        OSError: The system has no memory files.
    """

    def __init__(self, image_bytes: int) -> None:
        size = HEADER_BYTES + image_bytes
        descriptor = os.memfd_create("nightside-plant", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.fchmod(descriptor, _MODE)
            os.ftruncate(descriptor, size)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            whole = mmap.mmap(descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        pid = os.getpid()
        header = (_MAGIC, _VERSION, HEADER_BYTES, image_bytes, pid, _start_ticks(pid))
        _HEADER.pack_into(whole, 0, *header)
        self.memory = memoryview(whole)[HEADER_BYTES:]
        self.path = f"/proc/{pid}/fd/{descriptor}"
        self._end = weakref.finalize(self, _end, whole, descriptor)

    def end(self) -> None:
        """Say that the simulation is over: clients lose their accelerators, new ones see no driver.

        The memory itself stays valid here. A second call does nothing.
        """
        self._end()


def _end(whole: mmap.mmap, descriptor: int) -> None:
    _OWNER_PID.pack_into(whole, _OWNER_PID_OFFSET, 0)
    os.close(descriptor)


def _start_ticks(pid: int) -> int:
    """Return field 22 of /proc/PID/stat; the name before it, in brackets, may hold anything."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(text[text.rindex(")") + 2 :].split()[19])
