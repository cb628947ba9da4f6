"""The node image against a plain model: writers that die at any store, readers, epochs, requests,
evidence and durable marks in random order.

The writers that may die are the C files of the image compiled with a hook before each store; the
readers are the ones that fly, on the same file.
"""

import mmap
import shutil
import subprocess
import tempfile
from pathlib import Path

import cffi
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hal import ControllerDevice, DriverSpec, NodeImage, PointSpec, Status
from hal.build_native import INCLUDE, MARKED
from hal.evidence import Cause, RequestKind

CSRC = INCLUDE.parent.parent
DEAD = 1
NOBODY = 0xFFFFFFFF
HORIZON_NS = 60_000_000_000
CAPACITY, PER_CAUSE = 16, 16  # of an image that hal makes
POINTS_EACH, DRIVERS = 3, 2
DRIVER = st.integers(0, DRIVERS - 1)
LIVES = st.just(0)
MAY_DIE = st.one_of(LIVES, st.integers(1, 40))  # the longest writer makes 35 stores
EPOCH = st.integers(1, 4)

MODEL_DECLARATIONS = """
int32_t model_publish(const ns_image_t *, uint32_t, const ns_samples_t *, unsigned);
int32_t model_write_desired(const ns_image_t *, const double *, uint32_t, uint64_t, unsigned);
int32_t model_send_request(const ns_image_t *, uint32_t, const ns_request_t *, uint64_t *,
                           unsigned);
int32_t model_take_request(const ns_image_t *, uint32_t, uint64_t, int64_t, ns_request_t *,
                           uint64_t *, unsigned);
int32_t model_put_evidence(const ns_image_t *, uint32_t, ns_evidence_t *, unsigned);
"""

ffi = cffi.FFI()
for header in ("status", "image"):
    for part in MARKED.findall((INCLUDE / f"{header}.h").read_text(encoding="utf-8")):
        ffi.cdef(part)
ffi.cdef(MODEL_DECLARATIONS)

POINTS = tuple(
    PointSpec(
        name=f"{driver}.{i}", driver=driver, device=0, channel=i, period_ns=1, writable=i < 2,
        low=-1e9, high=1e9,
    )
    for driver in range(DRIVERS)
    for i in range(POINTS_EACH)
)  # fmt: skip
SPECS = tuple(
    DriverSpec(name=f"d{i}", bus=None, devices=(ControllerDevice(channel_count=POINTS_EACH),))
    for i in range(DRIVERS)
)
WRITABLE = sum(point.writable for point in POINTS)


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    """Compile the image with seams, once."""
    compiler = shutil.which("cc")
    assert compiler, "these tests compile C: a C compiler named cc is needed"
    library = tmp_path_factory.mktemp("image") / "image_model.so"
    sources = [*(CSRC / "image").glob("*.c"), CSRC / "tests/image_model.c"]
    sources += (CSRC / "codec").glob("*.c")
    subprocess.run(
        [compiler, "-std=c11", "-O1", "-shared", "-fPIC", "-DNS_TEST_SEAMS", f"-I{INCLUDE.parent}",
         *map(str, sources), "-lm", "-o", str(library)],
        check=True,
    )  # fmt: skip
    return ffi.dlopen(str(library))


class Ring:
    """What the requests of one driver should be."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, int]] = []  # device, epoch, deadline; ticket 1 first
        self.taken = 0
        self.results: dict[int, Status] = {}

    def is_stale(self, ticket: int, epoch_now: int, now_ns: int) -> bool:
        _, epoch, deadline_ns = self.sent[ticket - 1]
        return epoch < epoch_now or not 0 < deadline_ns - now_ns <= HORIZON_NS

    def take(self, epoch_now: int, now_ns: int, stores: float) -> int | None:
        """Take with so many stores left; return the ticket, 0 for none, None for a death."""
        while self.taken < len(self.sent):
            ticket = self.taken + 1
            stale = self.is_stale(ticket, epoch_now, now_ns)
            if stale and ticket not in self.results:
                if stores < 1:
                    return None
                self.results[ticket] = Status.STALE
                stores -= 1
            if stores < 1:
                return None
            self.taken = ticket
            stores -= 1
            if not stale:
                return ticket
        return 0

    def status(self, ticket: int) -> Status | None:
        is_forgotten = any(t > ticket and (t - ticket) % CAPACITY == 0 for t in self.results)
        return Status.STALE if is_forgotten else self.results.get(ticket)


class Log:
    """What the evidence of one driver should be: slots of sequences per cause, 0 for empty."""

    def __init__(self) -> None:
        self.slots = {cause: [0] * PER_CAUSE for cause in Cause}
        self.records: dict[int, list[int]] = {}  # sequence: cause, number, repeats
        self.losses = dict.fromkeys(Cause, 0)
        self.newest = 0
        self.durable = 0

    def held(self, sequence: int) -> int:
        return sequence if sequence > self.durable else 0

    def put(self, cause: Cause, number: int, stores: float) -> int | None:
        """Put with so many stores left; return the sequence, None for a death."""
        slots = self.slots[cause]
        last = max(self.held(s) for s in slots)
        if last and self.records[last][1] == number:
            if stores < 1:
                return None
            self.records[last][2] += 1
            return last
        free = [i for i, s in enumerate(slots) if not self.held(s)]
        half = range(PER_CAUSE // 2, PER_CAUSE)
        index = free[0] if free else min(half, key=lambda i: slots[i])
        evicts = not free
        if stores >= 1:
            self.newest += 1
        if evicts and stores >= 2:
            self.losses[cause] += 1
        if stores >= 2 + evicts:
            slots[index] = 0
        if stores < 34 + evicts:  # sequence, a loss, word 0 twice, 31 others
            return None
        slots[index] = self.newest
        self.records[self.newest] = [cause, number, 0]
        return self.newest

    def after(self, sequence: int) -> list[int]:
        kept = (s for slots in self.slots.values() for s in slots)
        return sorted(s for s in kept if s > sequence)


class ImageUnderWriters(RuleBasedStateMachine):
    lib = None

    @initialize()
    def create(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "node.img"
        self.image = NodeImage(POINTS, SPECS, path)
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.block = ffi.from_buffer(self.memory, require_writable=True)
        self.other = ffi.new("ns_image_t *")
        assert self.lib.ns_image_attach(self.block, len(self.memory), self.other) == 0
        self.number = 0
        self.current = [0] * DRIVERS
        self.desired: list[tuple[float, int] | None] = [(0.0, 0)] * WRITABLE  # None: cut short
        self.write_count = [0] * WRITABLE
        self.epochs = {0}
        self.beats = 0
        self.now_ns = 0
        self.rings = [Ring() for _ in range(DRIVERS)]
        self.logs = [Log() for _ in range(DRIVERS)]

    @rule(driver=DRIVER, die_at=MAY_DIE)
    def publish(self, driver: int, die_at: int) -> None:
        self.number += 1
        n = self.number
        parts = [
            ffi.new("double[]", [n + i for i in range(POINTS_EACH)]),
            ffi.new("int64_t[]", [n * 10 + i for i in range(POINTS_EACH)]),
            ffi.new("int32_t[]", [-n] * POINTS_EACH),
            ffi.new("uint32_t[]", [n] * POINTS_EACH),
        ]
        samples = ffi.new("ns_samples_t *", parts)
        status = self.lib.model_publish(self.other, driver, samples, die_at)
        has_died = 0 < die_at <= 3 * POINTS_EACH + 1
        assert status == (DEAD if has_died else 0)
        if not has_died:
            self.current[driver] = n

    @rule(
        mask=st.lists(st.booleans(), min_size=WRITABLE, max_size=WRITABLE),
        epoch=EPOCH,
        die_at=MAY_DIE,
    )
    def write_desired(self, mask: list[bool], epoch: int, die_at: int) -> None:
        self.number += 1
        values = [float(self.number + i) if m else np.nan for i, m in enumerate(mask)]
        array = ffi.new("double[]", values)
        status = self.lib.model_write_desired(self.other, array, WRITABLE, epoch, die_at)
        stores = die_at - 1 if die_at else 1000
        for i in (i for i, m in enumerate(mask) if m):
            if stores >= 1:
                self.desired[i] = (values[i], epoch) if stores >= 4 else None
            if stores >= 2:
                self.epochs.add(epoch)
            stores -= 4
        assert status == (DEAD if stores < 0 and die_at else 0)

    @rule(epoch=EPOCH)
    def beat(self, epoch: int) -> None:
        before = self.image.heartbeat
        self.image.beat(epoch)
        assert self.image.heartbeat != before
        assert self.image.heartbeat >> 32 == epoch

    @rule(seconds=st.integers(0, 90))
    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000

    @rule(driver=DRIVER, epoch=EPOCH, ahead_s=st.integers(-1, 61), die_at=MAY_DIE)
    def send(self, driver: int, epoch: int, ahead_s: int, die_at: int) -> None:
        ring = self.rings[driver]
        deadline_ns = self.now_ns + ahead_s * 1_000_000_000
        row = {"kind": 2, "device": NOBODY, "epoch": epoch, "deadline_ns": deadline_ns}
        ticket = ffi.new("uint64_t *")
        request = ffi.new("ns_request_t *", row)
        status = self.lib.model_send_request(self.other, driver, request, ticket, die_at)
        if len(ring.sent) - ring.taken >= CAPACITY:
            assert status == Status.FULL
        elif status != DEAD:
            ring.sent.append((NOBODY, epoch, deadline_ns))
            assert status == Status.OK
            assert ticket[0] == len(ring.sent)
        else:
            assert die_at <= 7
        self.epochs.add(epoch)  # a death may have left it behind

    @rule(driver=DRIVER, ahead_s=st.integers(1, 60))
    def send_by_hal(self, driver: int, ahead_s: int) -> None:
        ring = self.rings[driver]
        deadline_ns = self.now_ns + ahead_s * 1_000_000_000
        ticket = self.image.send_request(
            f"d{driver}", RequestKind.RESET, device=0, epoch=4, deadline_ns=deadline_ns
        )
        if len(ring.sent) - ring.taken >= CAPACITY:
            assert ticket is None
            return
        ring.sent.append((0, 4, deadline_ns))
        self.epochs.add(4)
        assert ticket == len(ring.sent)

    @rule(driver=DRIVER, epoch_now=EPOCH, die_at=MAY_DIE, finish=st.booleans())
    def take(self, driver: int, epoch_now: int, die_at: int, finish: bool) -> None:
        ring = self.rings[driver]
        request, ticket = ffi.new("ns_request_t *"), ffi.new("uint64_t *")
        status = self.lib.model_take_request(
            self.other, driver, epoch_now, self.now_ns, request, ticket, die_at
        )
        expected = ring.take(epoch_now, self.now_ns, die_at - 1 if die_at else 1000)
        if not expected:
            assert status == (DEAD if expected is None else Status.STALE)
            return
        assert status == Status.OK
        assert ticket[0] == expected
        found = (request.device, request.epoch, request.deadline_ns)
        assert found == ring.sent[expected - 1]
        if finish:
            self.finish(driver, expected)

    def finish(self, driver: int, ticket: int) -> None:
        done = self.lib.ns_image_finish_request(self.other, driver, ticket, Status.IO)
        assert done == Status.OK
        self.rings[driver].results.setdefault(ticket, Status.IO)

    @rule(driver=DRIVER)
    def restart_driver(self, driver: int) -> None:
        ring = self.rings[driver]
        assert self.lib.ns_image_drop_requests(self.other, driver) == Status.OK
        for ticket in range(max(1, len(ring.sent) - CAPACITY + 1), len(ring.sent) + 1):
            ring.results.setdefault(ticket, Status.STALE)
        ring.taken = len(ring.sent)

    @rule(
        driver=DRIVER,
        cause=st.sampled_from([Cause.REFLEX, Cause.LAPSE]),
        number=st.integers(0, 3),
        times=st.integers(1, 12),
        die_at=MAY_DIE,
    )
    def put(self, driver: int, cause: Cause, number: int, times: int, die_at: int) -> None:
        log = self.logs[driver]
        for k in range(times):
            shown = number + k % 2
            record = ffi.new("ns_evidence_t *", {"cause": cause, "point": shown, "size": 1})
            record.bytes[0] = shown
            last = k == times - 1
            status = self.lib.model_put_evidence(self.other, driver, record, die_at if last else 0)
            stores = die_at - 1 if die_at and last else 1000
            expected = log.put(cause, shown, stores)
            assert status == (DEAD if expected is None else Status.OK)
            assert expected is None or record.sequence == expected

    @rule(driver=DRIVER, share=st.floats(0, 1))
    def mark_durable(self, driver: int, share: float) -> None:
        log = self.logs[driver]
        sequence = int(share * log.newest)
        self.image.mark_durable(f"d{driver}", sequence)
        log.durable = max(log.durable, sequence)

    @invariant()
    def samples_are_those_of_the_last_whole_publish(self) -> None:
        values, time_ns, status, flags = self.image.snapshot()
        for driver, n in enumerate(self.current):
            here = slice(driver * POINTS_EACH, (driver + 1) * POINTS_EACH)
            if n == 0:
                assert np.isnan(values[here]).all()
                assert (status[here] == Status.STALE).all()
                continue
            assert values[here].tolist() == [n + i for i in range(POINTS_EACH)]
            assert time_ns[here].tolist() == [n * 10 + i for i in range(POINTS_EACH)]
            assert status[here].tolist() == [-n] * POINTS_EACH
            assert flags[here].tolist() == [n] * POINTS_EACH

    @invariant()
    def desired_values_are_whole_or_stale(self) -> None:
        slot = ffi.new("ns_desired_t *")
        for i, expected in enumerate(self.desired):
            status = self.lib.ns_image_read_desired(self.other, i, slot)
            if expected is None:
                assert status == Status.STALE
                continue
            assert status == Status.OK
            assert (slot.value, slot.epoch) == expected
            assert slot.write_count >= self.write_count[i]
            self.write_count[i] = slot.write_count

    @invariant()
    def the_newest_epoch_covers_all_that_was_done(self) -> None:
        used = [self.image.heartbeat >> 32, *(d[1] for d in self.desired if d)]
        used += [epoch for ring in self.rings for _, epoch, _ in ring.sent]
        assert max(used) <= self.image.epoch <= max(*self.epochs, *used)

    @invariant()
    def each_request_is_answered_for(self) -> None:
        for driver, ring in enumerate(self.rings):
            first = max(1, len(ring.sent) - CAPACITY - 2)
            for ticket in range(first, len(ring.sent) + 1):
                assert self.image.request_status(f"d{driver}", ticket) == ring.status(ticket)
            with pytest.raises(ValueError, match="ticket"):
                self.image.request_status(f"d{driver}", len(ring.sent) + 1)

    @invariant()
    def evidence_is_whole_and_losses_are_counted(self) -> None:
        for driver, log in enumerate(self.logs):
            assert self.image.durable(f"d{driver}") == log.durable
            found = self.image.evidence(f"d{driver}")
            assert [record.sequence for record in found] == log.after(log.durable)
            for record in found:
                cause, number, repeats = log.records[record.sequence]
                assert (record.cause, record.point, record.data[0]) == (cause, number, number)
                assert record.repeat_count == repeats
            assert self.image.evidence_losses(f"d{driver}") == log.losses

    def teardown(self) -> None:
        if hasattr(self, "image"):
            ffi.release(self.block)
            self.memory.close()
            self.image.close()
            self.folder.cleanup()


def test_the_image_does_what_the_model_says(writers):
    ImageUnderWriters.lib = writers
    examples = max(20, settings.default.max_examples // 4)
    chosen = settings(max_examples=examples, stateful_step_count=40)
    run_state_machine_as_test(ImageUnderWriters, settings=chosen)
