"""The slot file under power cuts, torn and reordered writes, flipped bits and refusing disks.

Invariant: what is loaded was written, and is at least as new as what was acknowledged.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from flight.services.slot_file import (
    OVERHEAD_BYTES,
    Loaded,
    MemoryFiles,
    SlotFile,
    TroubleKind,
    encode_slot,
)
from tests.unit.slot_disk import PATH, CutDisk, PowerCut, cut_at

SLOT_BYTES = 160
WRITES = 4
CALLS_MAX = 60
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES)


def body(number: int) -> bytes:
    return Random(number).randbytes(60 + 30 * (number % 3))  # longer and shorter than before


def slot_file(files: CutDisk | MemoryFiles) -> SlotFile:
    return SlotFile(PATH, files=files, slot_bytes=SLOT_BYTES)


class Flight:
    """Writes numbered states to a disk until it is cut."""

    def __init__(self, disk: CutDisk, first: int = 0, acknowledged: int = -1) -> None:
        self.disk = disk
        self.tried = self.acknowledged = acknowledged
        self.first = first
        self.was_cut = False
        self.troubles: list[TroubleKind] = []

    def fly(self, writes: int = WRITES) -> "Flight":
        try:
            file = slot_file(self.disk)
            loaded = file.load()
            newest = -1 if not loaded.slots else number_of(loaded)
            assert newest >= self.acknowledged, f"lost by a crash: {loaded}"
            for number in range(self.first, self.first + writes):
                self.tried = number
                trouble = file.write(2, body(number))
                if trouble is None:
                    self.acknowledged = number
                else:
                    self.troubles.append(trouble.kind)
        except PowerCut:
            self.was_cut = True
        return self


def number_of(loaded: Loaded) -> int:
    known = {body(number): number for number in range(40)}
    assert loaded.slots[0].body in known, f"never written: {loaded.slots[0]}"
    return known[loaded.slots[0].body]


def check_after_cut(flight: Flight, where: str) -> int:
    """Load every disk that a cut may leave; return how many there were."""
    count = 0
    for files in flight.disk.after_cut():
        count += 1
        file = slot_file(files)
        loaded = file.load()
        newest = number_of(loaded) if loaded.slots else -1
        assert flight.acknowledged <= newest <= flight.tried, f"{where}: {loaded}"
        assert file.write(2, body(30)) is None, where
        assert number_of(slot_file(files).load()) == 30, where
    return count


def test_power_cut_at_every_system_call_and_every_byte_loses_nothing_acknowledged() -> None:
    disks = 0
    for number in range(CALLS_MAX):
        flight = Flight(CutDisk(before=cut_at(number))).fly()
        disks += check_after_cut(flight, f"cut at call {number} of {flight.disk.calls}")
        if not flight.was_cut:
            break
    else:
        pytest.fail("the flight has more calls than were cut")
    assert flight.acknowledged == WRITES - 1
    assert disks > 300, "too few ways to fail: does the disk forget anything?"


def test_killed_process_then_power_cut_loses_nothing_acknowledged() -> None:
    """What the second process finds may be in memory only: it must not write over the other."""
    for kill in range(CALLS_MAX):
        first = Flight(CutDisk(before=cut_at(kill))).fly(2)
        for number in range(CALLS_MAX):
            disk = kept_copy(kill)
            disk.before = cut_at(number)
            second = Flight(disk, first=10, acknowledged=first.acknowledged)
            second.tried = first.tried
            second.fly(2)
            check_after_cut(second, f"killed at call {kill}, cut at call {number}: {disk.calls}")
            if not second.was_cut:
                break
        if not first.was_cut:
            break
    assert not first.was_cut


def kept_copy(kill: int) -> CutDisk:
    """The disk after a kill, flown anew so that each trial has its own."""
    return Flight(CutDisk(before=cut_at(kill))).fly(2).disk.rebooted()


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("length", [1, 2, 5, 100])
def test_an_error_at_any_system_call_is_a_value_and_costs_nothing_acknowledged(
    code: int, length: int
) -> None:
    for number in range(CALLS_MAX):

        def before(at: int, _name: str, number: int = number) -> None:
            if number <= at < number + length:
                raise OSError(code, "refused")

        disk = CutDisk(before=before)
        flight = Flight(disk).fly()
        check_after_cut(flight, f"errno {code} at calls {number} to {number + length}")
        disk.before = lambda _at, _name: None
        after = Flight(disk, first=10, acknowledged=flight.acknowledged)
        file = slot_file(disk)
        file.load()
        assert file.write(2, body(11)) is None, f"{number}: not written when the disk is well"
        after.acknowledged = after.tried = 11
        check_after_cut(after, f"after errno {code} at calls {number} to {number + length}")


@pytest.mark.parametrize("taken", [1, 7, 100])
def test_short_writes_are_continued(taken: int) -> None:
    disk = CutDisk(before=lambda _at, name: taken if name == "pwrite" else None)
    assert Flight(disk).fly().acknowledged == WRITES - 1
    assert Flight(CutDisk(before=lambda _at, n: 0 if n == "pwrite" else None)).fly().troubles


def written(*numbers: int) -> MemoryFiles:
    files = MemoryFiles()
    file = slot_file(files)
    file.load()
    for number in numbers:
        assert file.write(2, body(number)) is None
    return files


def test_each_flipped_bit_of_each_slot_leaves_the_newest_of_what_is_whole() -> None:
    files = written(0, 1, 2)
    good = bytes(files.files[PATH])
    newest = 0 if good[OVERHEAD_BYTES:].startswith(body(2)) else 1  # place of the newest slot
    lost = 0
    for bit in range(8 * len(good)):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        files.files[PATH] = data
        loaded = slot_file(files).load()
        place, inside = divmod(bit // 8, SLOT_BYTES)
        size = OVERHEAD_BYTES + len(body(2 if place == newest else 1))
        is_hit = inside < size
        assert number_of(loaded) == (1 if place == newest and is_hit else 2), f"bit {bit}"
        assert len(loaded.troubles) == is_hit, f"bit {bit}: {loaded}"
        lost += is_hit
    assert lost == 8 * (2 * OVERHEAD_BYTES + len(body(1)) + len(body(2)))


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"", ["short", "short"]),
        (bytes(2 * SLOT_BYTES), ["empty", "empty"]),
        (b"\xa5" * 2 * SLOT_BYTES, ["magic", "magic"]),
        (b"[node]\nname = 1\n" * 50, ["magic", "magic"]),
        (encode_slot(2, 9, b"x" * 200)[:SLOT_BYTES] * 2, ["length", "length"]),
        (encode_slot(2, 9, body(1))[:-1] + b"\0" * 300, ["checksum", "magic"]),
    ],
)
def test_a_file_of_anything_is_named_and_kept_aside(content: bytes, kinds: list[str]) -> None:
    files = MemoryFiles()
    files.files[PATH] = bytearray(content)
    file = slot_file(files)
    loaded = file.load()
    assert not loaded.slots and not loaded.is_first
    names = [trouble.kind.value for trouble in loaded.troubles]
    assert names == kinds or names[0] == kinds[0], loaded
    assert bytes(files.files[PATH]) == content, "loading writes nothing"
    assert file.write(2, body(1)) is None
    assert number_of(slot_file(files).load()) == 1
    assert bytes(files.files[PATH.with_name(PATH.name + ".damaged")]) == content


def test_an_unreadable_slot_leaves_the_other_and_an_unreadable_file_is_kept() -> None:
    disk = CutDisk()
    Flight(disk).fly(3)
    for number in (0, 1, 2):  # open, first slot, second slot
        again = disk.rebooted()

        def before(at: int, _name: str, number: int = number) -> None:
            if at == number:
                raise OSError(errno.EIO, "input/output error")

        again.before = before
        loaded = slot_file(again).load()
        assert loaded.troubles and loaded.troubles[0].kind is TroubleKind.READ
        assert len(loaded.slots) == (0 if number == 0 else 1)
        assert not loaded.is_first


def test_only_a_file_that_never_was_is_a_first_start() -> None:
    assert slot_file(MemoryFiles()).load().is_first
    files = written(0)
    files.files[PATH.with_name(PATH.name + ".newer")] = files.files.pop(PATH)
    loaded = slot_file(files).load()
    assert not loaded.is_first and loaded.troubles[0].kind is TroubleKind.GONE


def test_a_state_that_does_not_fit_is_refused_and_the_old_one_stays() -> None:
    files = written(0, 1)
    file = slot_file(files)
    file.load()
    trouble = file.write(2, b"x" * SLOT_BYTES)
    assert trouble is not None and trouble.kind is TroubleKind.TOO_LARGE
    assert number_of(slot_file(files).load()) == 1


def test_a_slot_that_cannot_be_written_is_left_for_a_new_file() -> None:
    disk = CutDisk()
    Flight(disk).fly(1)
    bad = disk.names[PATH]

    def before(_at: int, name: str) -> None:
        if name == "pwrite" and bad in disk.descriptors.values():
            raise OSError(errno.EIO, "a bad block")

    disk.before = before
    flight = Flight(disk, first=1, acknowledged=0).fly(5)
    assert len(flight.troubles) == 3 and flight.acknowledged == 5
    assert disk.names[PATH] is not bad


def test_a_file_that_was_removed_in_flight_is_built_again() -> None:
    files = written(0)
    file = slot_file(files)
    file.load()
    del files.files[PATH]
    assert file.write(2, body(1)) is not None
    assert file.write(2, body(2)) is None
    assert number_of(slot_file(files).load()) == 2


def test_a_full_disk_does_not_stop_updates() -> None:
    """All blocks are taken when the file is built: an update needs no new one."""
    disk = CutDisk()
    Flight(disk).fly(1)
    size = len(disk.names[PATH].cached)
    assert size == 2 * SLOT_BYTES
    full = refusing(lambda inode_grows: inode_grows, disk)
    assert Flight(full, first=1, acknowledged=0).fly(5).acknowledged == 5


def refusing(is_refused: Callable[[bool], bool], disk: CutDisk) -> CutDisk:
    class Full(CutDisk):
        def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
            if is_refused(offset + len(data) > len(self.descriptors[descriptor].cached)):
                raise OSError(errno.ENOSPC, "no space left")
            return super().pwrite(descriptor, data, offset)

    return Full(names=disk.names, durable_names=disk.durable_names)


def test_the_real_file_system_keeps_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "node.state"
    file = SlotFile(path)
    assert file.load().is_first
    for number in range(5):
        assert file.write(2, body(number)) is None
    again = SlotFile(path)
    assert number_of(again.load()) == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["node.state"]
    path.write_bytes(b"garbage")
    third = SlotFile(path)
    assert not third.load().slots
    assert third.write(2, body(5)) is None
    assert (tmp_path / "node.state.damaged").read_bytes() == b"garbage"
    assert number_of(SlotFile(path).load()) == 5


def test_a_folder_that_is_not_there_is_a_value(tmp_path: Path) -> None:
    file = SlotFile(tmp_path / "no" / "node.state")
    assert file.load().is_first
    trouble = file.write(2, body(0))
    assert trouble is not None and trouble.errno == errno.ENOENT
