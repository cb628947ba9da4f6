"""A file with two slots, A and B: a state is written over the older one, so one is always whole.

Two slots in one file, not two files: after the file has been built its folder, its size and its
blocks never change again, so that an update needs no metadata, no free space and one fdatasync.
The slots are SLOT_BYTES apart and share no block of a disk. What two files would add, another
inode, is had by building the file anew (`.new`, then rename) when a slot cannot be written.

A slot: magic, schema, length of the body, sequence, CRC-32C over these and the body, body. The
newest complete slot counts. A building writes the same state into both slots, with one sequence.

Trouble with the disk is a value (SlotTrouble), never an exception.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from struct import Struct
from typing import Final, Literal, NamedTuple, Protocol

from hal.codec import crc32c

MAGIC: Final = b"NSSLOT\r\n"
HEADER: Final = Struct("<8sIIQ")  # magic, schema, length, sequence
CHECKSUM: Final = Struct("<I")
OVERHEAD_BYTES: Final = HEADER.size + CHECKSUM.size
SLOT_BYTES: Final = 65536  # sixteen pages; a state of REF-1 has about 1 KiB
SLOT_NAMES: Final = ("a", "b")
BAD_WRITES_MAX: Final = 3  # EIO so often in a row: the file is built anew on other blocks

Access = Literal["read", "write", "create"]


class FileSystem(Protocol):
    """The system calls of a slot file. All of them raise OSError."""

    def open(self, path: Path, access: Access) -> int:
        """Return a descriptor; "create" empties a file that is there."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        """Return at most size bytes from an offset; fewer only at the end of the file."""

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        """Write at an offset; return how many bytes were taken."""

    def fdatasync(self, descriptor: int) -> None:
        """Return when the contents are on the disk."""

    def fsync(self, descriptor: int) -> None:
        """Return when contents and metadata are on the disk."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, replacing what had it."""

    def fsync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""


class OsFiles:
    """The file system of the machine. Implements FileSystem."""

    _FLAGS: Final = {
        "read": os.O_RDONLY,
        "write": os.O_RDWR,
        "create": os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    }

    def open(self, path: Path, access: Access) -> int:
        """Implements FileSystem."""
        return os.open(path, self._FLAGS[access] | os.O_CLOEXEC, 0o600)

    def close(self, descriptor: int) -> None:
        """Implements FileSystem."""
        os.close(descriptor)

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        """Implements FileSystem."""
        return os.pread(descriptor, size, offset)

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        """Implements FileSystem."""
        return os.pwrite(descriptor, data, offset)

    def fdatasync(self, descriptor: int) -> None:
        """Implements FileSystem."""
        os.fdatasync(descriptor)

    def fsync(self, descriptor: int) -> None:
        """Implements FileSystem."""
        os.fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Implements FileSystem."""
        source.replace(target)

    def fsync_folder(self, folder: Path) -> None:
        """Implements FileSystem."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class MemoryFiles:
    """Files that live as long as this object, for flights in virtual time. Implements FileSystem.

    `files` may be handed to the next run of a simulated node: it is its disk.
    """

    def __init__(self) -> None:
        self.files: dict[Path, bytearray] = {}
        self._open: dict[int, bytearray] = {}
        self._next = 1

    def open(self, path: Path, access: Access) -> int:
        """Implements FileSystem."""
        if access == "create":
            self.files[path] = bytearray()
        elif path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        descriptor, self._next = self._next, self._next + 1
        self._open[descriptor] = self.files[path]
        return descriptor

    def close(self, descriptor: int) -> None:
        """Implements FileSystem."""
        del self._open[descriptor]

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        """Implements FileSystem."""
        return bytes(self._open[descriptor][offset : offset + size])

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        """Implements FileSystem."""
        content = self._open[descriptor]
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data
        return len(data)

    def fdatasync(self, descriptor: int) -> None:
        """Implements FileSystem: nothing waits."""

    def fsync(self, descriptor: int) -> None:
        """Implements FileSystem: nothing waits."""

    def rename(self, source: Path, target: Path) -> None:
        """Implements FileSystem."""
        if source not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(source))
        self.files[target] = self.files.pop(source)

    def fsync_folder(self, folder: Path) -> None:
        """Implements FileSystem: nothing waits."""


class TroubleKind(StrEnum):
    """What is wrong with a slot or with the file."""

    SHORT = "short"  # the file ends inside the slot
    EMPTY = "empty"  # nothing but zeros
    MAGIC = "magic"  # something else stands there
    LENGTH = "length"  # the length cannot be
    CHECKSUM = "checksum"  # a torn write, or bits have flipped
    READ = "read"  # the disk answers an error
    WRITE = "write"  # as above
    TOO_LARGE = "too_large"  # the body does not fit
    BODY = "body"  # complete, but not what its schema says
    GONE = "gone"  # no file, although one was kept aside earlier


class SlotTrouble(NamedTuple):
    """One thing that is wrong. slot: a, b, or file for all of it. errno: of the disk, else 0."""

    slot: str
    kind: TroubleKind
    text: str
    errno: int = 0


class Slot(NamedTuple):
    """A complete slot."""

    name: str
    schema: int
    sequence: int
    body: bytes


class Loaded(NamedTuple):
    """What a file holds. slots: the complete ones, newest first. is_first: no file ever was."""

    slots: tuple[Slot, ...]
    troubles: tuple[SlotTrouble, ...]
    is_first: bool = False


def encode_slot(schema: int, sequence: int, body: bytes) -> bytes:
    """Return the bytes of a slot, without padding."""
    header = HEADER.pack(MAGIC, schema, len(body), sequence)
    return header + CHECKSUM.pack(crc32c(body, crc32c(header))) + body


def decode_slot(name: str, data: bytes) -> Slot | SlotTrouble:
    """Return the slot, or what is wrong with it."""
    if len(data) < OVERHEAD_BYTES:
        return SlotTrouble(name, TroubleKind.SHORT, f"{len(data)} bytes of it are there")
    magic, schema, length, sequence = HEADER.unpack_from(data)
    if magic != MAGIC:
        if not any(data):
            return SlotTrouble(name, TroubleKind.EMPTY, "it was never written")
        return SlotTrouble(name, TroubleKind.MAGIC, f"begins with {magic.hex()}")
    if length > len(data) - OVERHEAD_BYTES:
        return SlotTrouble(name, TroubleKind.LENGTH, f"body of {length} bytes")
    body = data[OVERHEAD_BYTES : OVERHEAD_BYTES + length]
    wanted = CHECKSUM.unpack_from(data, HEADER.size)[0]
    found = crc32c(body, crc32c(data[: HEADER.size]))
    if found != wanted:
        text = f"checksum {found:08x}, written with {wanted:08x}"
        return SlotTrouble(name, TroubleKind.CHECKSUM, text)
    return Slot(name, schema, sequence, body)


class SlotFile:
    """Reads and writes one slot file. `load` comes first; one thread at a time, one process.

    Args:
        path: Of the file; its folder must exist. `.new`, `.newer` and `.damaged` beside it are
            used too.
        slot_bytes: Of each slot; it belongs to the format and is smaller only in tests.
    """

    def __init__(
        self, path: Path, *, files: FileSystem | None = None, slot_bytes: int = SLOT_BYTES
    ) -> None:
        self.sequence = 0  # of the newest state that is known
        self._path = path
        self._files: FileSystem = OsFiles() if files is None else files
        self._slot_bytes = slot_bytes
        self._newest = "a"
        self._must_build = True
        self._is_settled = False  # what was found is known to be on the disk, its name too
        self._bad_writes = 0
        self._aside = ""

    def load(self) -> Loaded:
        """Return what the file holds; of every damage a trouble."""
        self._is_settled = False
        found: list[Slot | SlotTrouble] = []
        try:
            with self._opened(self._path, "read") as descriptor:
                for k, name in enumerate(SLOT_NAMES):
                    found.append(self._read_slot(descriptor, k, name))
        except FileNotFoundError:
            return self._absent()
        except OSError as error:
            found.append(_trouble("file", TroubleKind.READ, error))
        slots = [item for item in found if isinstance(item, Slot)]
        slots.sort(key=lambda slot: -slot.sequence)  # stable: of two equal ones, a
        troubles = tuple(item for item in found if isinstance(item, SlotTrouble))
        if slots:
            self._newest, self.sequence = slots[0].name, slots[0].sequence
        self._must_build = not slots
        self._aside = "" if slots else ".damaged"
        return Loaded(tuple(slots), troubles)

    def use(self, slot: Slot) -> None:
        """Take a slot for the good one, which is not written over; the newest is, unless told."""
        self._newest = slot.name

    def keep_aside(self, suffix: str) -> None:
        """Keep the whole file under another name at the next write, e.g. `.newer`.

        One that was kept aside under this name before is replaced.
        """
        self._must_build, self._aside = True, suffix

    def write(self, schema: int, body: bytes) -> SlotTrouble | None:
        """Write a state; return None when it is durable, else what went wrong.

        Guarantees: until it is durable, the newest complete slot of before is untouched.
        """
        if len(body) > self._slot_bytes - OVERHEAD_BYTES:
            return SlotTrouble("file", TroubleKind.TOO_LARGE, f"a state of {len(body)} bytes")
        data = encode_slot(schema, self.sequence + 1, body)
        try:
            if self._must_build:
                self._build(data)
            else:
                self._overwrite(data)
        except OSError as error:
            self._bad_writes = self._bad_writes + 1 if error.errno == errno.EIO else 0
            if self._bad_writes >= BAD_WRITES_MAX or isinstance(error, FileNotFoundError):
                self._must_build = True
            return _trouble("file", TroubleKind.WRITE, error)
        self._bad_writes = 0
        return None

    def _read_slot(self, descriptor: int, k: int, name: str) -> Slot | SlotTrouble:
        try:
            data = self._files.pread(descriptor, self._slot_bytes, k * self._slot_bytes)
        except OSError as error:
            return _trouble(name, TroubleKind.READ, error)
        return decode_slot(name, data)

    def _absent(self) -> Loaded:
        """Tell a first start from a file that went away while another took its place."""
        self._must_build, self._aside = True, ""
        for suffix in (".newer", ".damaged"):
            with contextlib.suppress(OSError), self._opened(self._beside(suffix), "read"):
                text = f"only {self._beside(suffix).name} is there"
                return Loaded((), (SlotTrouble("file", TroubleKind.GONE, text),))
        return Loaded((), (), is_first=True)

    def _overwrite(self, data: bytes) -> None:
        """Write over the older slot."""
        target = "b" if self._newest == "a" else "a"
        with self._opened(self._path, "write") as descriptor:
            if not self._is_settled:  # the one that stays may be in memory only, as yet
                self._files.fdatasync(descriptor)
                self._files.fsync_folder(self._path.parent)
                self._is_settled = True
            self._put(descriptor, data, SLOT_NAMES.index(target) * self._slot_bytes)
            self._files.fdatasync(descriptor)
        self._newest = target
        self.sequence += 1

    def _build(self, data: bytes) -> None:
        """Write the whole file under another name, then give it its own."""
        new = self._beside(".new")
        with self._opened(new, "create") as descriptor:
            self._put(descriptor, 2 * data.ljust(self._slot_bytes, b"\0"), 0)
            self._files.fsync(descriptor)
        if self._aside:
            with contextlib.suppress(FileNotFoundError):  # an earlier try may have come so far
                self._files.rename(self._path, self._beside(self._aside))
        self._files.rename(new, self._path)
        self._must_build, self._aside, self._newest = False, "", "a"
        self.sequence += 1
        self._is_settled = False
        self._files.fsync_folder(self._path.parent)
        self._is_settled = True

    def _put(self, descriptor: int, data: bytes, offset: int) -> None:
        while data:
            count = self._files.pwrite(descriptor, data, offset)
            if count <= 0:
                raise OSError(errno.EIO, "the disk takes nothing")
            data, offset = data[count:], offset + count

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    @contextlib.contextmanager
    def _opened(self, path: Path, access: Access) -> Iterator[int]:
        descriptor = self._files.open(path, access)
        try:
            yield descriptor
        finally:
            with contextlib.suppress(OSError):  # what counts was synchronised before
                self._files.close(descriptor)


def _trouble(slot: str, kind: TroubleKind, error: OSError) -> SlotTrouble:
    return SlotTrouble(slot, kind, error.strerror or str(error), error.errno or 0)
