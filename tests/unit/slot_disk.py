"""A disk that forgets: what was not synchronised may be lost, torn or reordered by a power cut."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from flight.services.slot_file import Access, MemoryFiles

SECTOR_BYTES = 32  # small, so that one record spans several
PATH = Path("/state/node.state")


class PowerCut(BaseException):
    """The machine, or only the process, stops here; nothing may catch it."""


@dataclass
class Inode:
    """A file. durables: contents that a cut may leave, before what is pending."""

    durables: list[bytes] = field(default_factory=lambda: [b""])
    cached: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)

    def after_cut(self) -> Iterator[bytes]:
        """Every content that a cut may leave: any sectors, and every byte prefix of each write."""
        for durable in self.durables:
            yield durable
            before = bytearray(durable)
            for offset, data in self.pending:
                for count in range(len(data) + 1):
                    yield bytes(put(bytearray(before), offset, data[:count]))
                whole = bytearray(put(bytearray(durable), offset, bytes(len(data))))
                yield bytes(whole)  # the size has reached the disk, the contents have not
                yield from self._sectors(durable, offset, data)
                put(before, offset, data)
            yield bytes(before)

    @staticmethod
    def _sectors(durable: bytes, offset: int, data: bytes) -> Iterator[bytes]:
        starts = range(0, len(data), SECTOR_BYTES)
        sizes = range(1, len(starts)) if len(starts) <= 8 else (1, 2)
        for size in sizes:
            for chosen in combinations(starts, size):
                content = bytearray(durable)
                for start in chosen:
                    put(content, offset + start, data[start : start + SECTOR_BYTES])
                yield bytes(content)


def put(content: bytearray, offset: int, data: bytes) -> bytearray:
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data
    return content


@dataclass
class CutDisk:
    """A FileSystem. `before` is called before each system call with its number and name.

    It may raise PowerCut or OSError, or return a smaller number of bytes for pwrite to take.
    """

    before: Callable[[int, str], int | None] = lambda _number, _name: None
    calls: list[str] = field(default_factory=list)
    names: dict[Path, Inode] = field(default_factory=dict)
    durable_names: dict[Path, Inode] = field(default_factory=dict)
    pending_names: list[tuple[Path | None, Path, Inode]] = field(default_factory=list)
    descriptors: dict[int, Inode] = field(default_factory=dict)

    def call(self, name: str) -> int | None:
        self.calls.append(name)
        return self.before(len(self.calls) - 1, name)

    def open(self, path: Path, access: Access) -> int:
        self.call("open")
        if access == "create":
            inode = Inode()
            self.names[path] = inode
            self.pending_names.append((None, path, inode))
        elif path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        descriptor = len(self.calls)
        self.descriptors[descriptor] = self.names[path]
        return descriptor

    def close(self, descriptor: int) -> None:
        self.call("close")
        del self.descriptors[descriptor]

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        self.call("pread")
        return bytes(self.descriptors[descriptor].cached[offset : offset + size])

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        taken = self.call("pwrite")
        data = data if taken is None else data[:taken]
        inode = self.descriptors[descriptor]
        inode.pending.append((offset, data))
        put(inode.cached, offset, data)
        return len(data)

    def fdatasync(self, descriptor: int) -> None:
        self._sync(descriptor, "fdatasync")

    def fsync(self, descriptor: int) -> None:
        self._sync(descriptor, "fsync")

    def _sync(self, descriptor: int, name: str) -> None:
        inode = self.descriptors[descriptor]
        try:
            self.call(name)
        except OSError:  # Linux: the pages count as clean now, whether they reached the disk or not
            halves = [(at, data[: len(data) // 2]) for at, data in inode.pending]
            half = bytearray(inode.durables[0])
            for at, data in halves:
                put(half, at, data)
            inode.durables = [*inode.durables, bytes(inode.cached), bytes(half)]
            inode.pending.clear()
            raise
        for k, durable in enumerate(inode.durables):
            content = bytearray(durable)
            for at, data in inode.pending:
                put(content, at, data)
            inode.durables[k] = bytes(content)
        inode.pending.clear()

    def rename(self, source: Path, target: Path) -> None:
        self.call("rename")
        if source not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        self.names[target] = self.names.pop(source)
        self.pending_names.append((source, target, self.names[target]))

    def fsync_folder(self, folder: Path) -> None:
        self.call("fsync_folder")
        self.durable_names = dict(self.names)
        self.pending_names.clear()

    def after_cut(self) -> Iterator[MemoryFiles]:
        """Every disk that a power cut now may leave, without doubles."""
        seen: set[tuple[frozenset[Path], bytes | None]] = set()
        count = len(self.pending_names)
        for size in range(count + 1):
            for chosen in combinations(range(count), size):
                names = self._named(chosen)
                inode = names.get(PATH)
                contents: Iterator[bytes | None] = iter([None])
                if inode is not None:
                    contents = inode.after_cut()
                for content in contents:
                    key = (frozenset(names), content)
                    if key not in seen:
                        seen.add(key)
                        yield self._left(names, content)

    def _named(self, chosen: tuple[int, ...]) -> dict[Path, Inode]:
        names = dict(self.durable_names)
        for k in chosen:
            source, target, inode = self.pending_names[k]
            if source is not None:
                names.pop(source, None)
            names[target] = inode
        return names

    @staticmethod
    def _left(names: dict[Path, Inode], content: bytes | None) -> MemoryFiles:
        left = MemoryFiles()
        left.files = {path: bytearray(inode.cached) for path, inode in names.items()}
        if content is not None:
            left.files[PATH] = bytearray(content)
        return left

    def rebooted(self) -> "CutDisk":
        """The same disk for another process: all that was cached is seen, nothing is lost."""
        return CutDisk(
            names=self.names,
            durable_names=self.durable_names,
            pending_names=self.pending_names,
        )


def cut_at(number: int) -> Callable[[int, str], None]:
    def before(at: int, _name: str) -> None:
        if at == number:
            raise PowerCut

    return before
