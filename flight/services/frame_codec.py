"""How a recording packs cycles: blocks of rows of 64-bit words, XOR with the row before, sparse,
zlib.

A sensor moves by its noise only, so most words of a row repeat the row before, and what the XOR
leaves of the others is zero in sign, exponent and high mantissa. A block keeps one bit per word
(did it change), then the changed words as eight byte columns, and zlib folds the runs. Both go word
by word, each through all rows of the block: the samples of one channel stand side by side. A
keyframe block needs no block before it; any other continues the last row of its predecessor.

Row, in words: time (ns) | values | desired | cap_w | sample ages (ns) | status and flags (32 bits
each) | codes (bytes: mode, then the cap reason of each accelerator, zero-padded).
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flight.core.types import (
    Decision,
    Float64s,
    Int32s,
    Int64s,
    Mode,
    Snapshot,
    Uint8s,
    Uint32s,
)

Words = NDArray[np.uint64]

BLOCK_ROWS = 10  # one second of cycles
WINDOW_BITS = 14  # of zlib: runs need no larger window, and setting one up costs time
MODES = tuple(Mode)
REASON_CODE_MAX = 255

_MODE_CODES = {mode: code for code, mode in enumerate(MODES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLayout:
    """Sizes of a row: points of the snapshot, writable points, accelerators."""

    points: int
    writables: int
    accelerators: int

    @property
    def words(self) -> int:
        """Words of a row."""
        code_words = (1 + self.accelerators + 7) // 8
        return 1 + 3 * self.points + self.writables + self.accelerators + code_words


class RowView:
    """Named views of the parts of one row; writing to a part writes to the row."""

    def __init__(self, words: Words, layout: FrameLayout) -> None:
        points, accelerators = layout.points, layout.accelerators
        values_at = 1
        desired_at = values_at + points
        cap_at = desired_at + layout.writables
        age_at = cap_at + accelerators
        marks_at = age_at + points
        codes_at = marks_at + points
        marks = words[marks_at:codes_at].view(np.uint32)
        self.time_ns: Int64s = words[:values_at].view(np.int64)
        self.values: Float64s = words[values_at:desired_at].view(np.float64)
        self.desired: Float64s = words[desired_at:cap_at].view(np.float64)
        self.cap_w: Float64s = words[cap_at:age_at].view(np.float64)
        self.age_ns: Int64s = words[age_at:marks_at].view(np.int64)
        self.status: Int32s = marks[:points].view(np.int32)
        self.flags: Uint32s = marks[points:]
        self.codes: Uint8s = words[codes_at:].view(np.uint8)[: 1 + accelerators]


class ReasonTable:
    """Small numbers for cap reasons, in the order in which they first came; 0 stands for none.

    Only 254 different reasons get a number of their own; all later ones share 255, named «other».
    """

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self._codes: dict[str, int] = {"": 0}

    def code(self, reason: str) -> int:
        """Return the number of a reason, 0 .. 255, giving it one when it is new."""
        code = self._codes.get(reason)
        if code is None:
            code = min(len(self.names), REASON_CODE_MAX)
            if code == len(self.names):
                self.names.append(reason if code < REASON_CODE_MAX else "other")
            if code < REASON_CODE_MAX:
                self._codes[reason] = code
        return code


class FrameEncoder:
    """Collects rows and packs them as a block. For one thread, the one that writes the database.

    Args:
        keyframe_every: Blocks from one keyframe to the next, >= 1.
        block_rows: Rows of a full block, >= 1.
    """

    def __init__(
        self, layout: FrameLayout, keyframe_every: int, block_rows: int = BLOCK_ROWS
    ) -> None:
        self.reasons = ReasonTable()
        self.rows = 0  # waiting in the block
        self._keyframe_every = keyframe_every
        self._blocks_since_keyframe = keyframe_every
        self._block_rows = block_rows
        self._words = np.zeros((1 + block_rows, layout.words), np.uint64)  # [0]: the row before
        self._delta = np.zeros(layout.words * block_rows, np.uint64)
        self._row_views = [RowView(row, layout) for row in self._words[1:]]
        self._caps_seen: tuple[tuple[float, ...], tuple[str, ...]] = ((), ())
        self._caps_packed = np.zeros(layout.accelerators, np.float64)
        self._codes_packed = np.zeros(1 + layout.accelerators, np.uint8)

    @property
    def is_full(self) -> bool:
        """Whether the block must be packed before the next row."""
        return self.rows == self._block_rows

    def begin_keyframe(self) -> None:
        """Make the next block a keyframe, because an earlier one did not reach the disk."""
        self._blocks_since_keyframe = self._keyframe_every

    def add(self, now_ns: int, snapshot: Snapshot, decision: Decision) -> None:
        """Put one cycle into the block, which must not be full. Sizes must be those of the layout.

        A decision without desired values (of a cycle that was late before any decision) is kept
        as NaN.
        """
        row = self._row_views[self.rows]
        row.time_ns[0] = now_ns
        row.values[:] = snapshot.values
        row.desired[:] = decision.desired if decision.desired.size else np.nan
        np.subtract(row.time_ns, snapshot.time_ns, out=row.age_ns)
        row.status[:] = snapshot.status
        row.flags[:] = snapshot.flags
        caps = (decision.cap_w, decision.cap_reason)
        if caps != self._caps_seen:
            self._caps_seen = caps
            self._caps_packed[:] = decision.cap_w or 0.0
            self._codes_packed[1:] = [self.reasons.code(r) for r in decision.cap_reason] or 0
        self._codes_packed[0] = _MODE_CODES[decision.mode]
        row.cap_w[:] = self._caps_packed
        row.codes[:] = self._codes_packed
        self.rows += 1

    def pack(self) -> tuple[bool, bytes]:
        """Return whether the block is a keyframe, and its bytes; the block is then empty."""
        rows, words = self.rows, self._words
        is_keyframe = self._blocks_since_keyframe >= self._keyframe_every
        if is_keyframe:
            self._blocks_since_keyframe = 0
            words[0].fill(0)
        self._blocks_since_keyframe += 1
        delta = self._delta[: rows * words.shape[1]].reshape(-1, rows)
        np.copyto(delta, np.bitwise_xor(words[1 : 1 + rows], words[:rows]).T)
        words[0] = words[rows]
        self.rows = 0
        has_changed = delta != 0
        columns = delta[has_changed].view(np.uint8).reshape(-1, 8).T
        packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW_BITS, 8, zlib.Z_RLE)
        body = packer.compress(np.packbits(has_changed).tobytes())
        return is_keyframe, body + packer.compress(columns.tobytes()) + packer.flush()


class FrameDecoder:
    """Unpacks the blocks of one recording in their order, from a keyframe on."""

    def __init__(self, layout: FrameLayout) -> None:
        self._words = layout.words
        self._last: Words | None = None

    def unpack(self, *, is_keyframe: bool, rows: int, packed: bytes) -> Words:
        """Return the rows of the next block as an array of the caller's own, one row per cycle.

        Raises: ValueError, when the bytes are damaged or the first block is no keyframe.
        """
        last = np.zeros(self._words, np.uint64) if is_keyframe else self._last
        if last is None:
            raise ValueError("a recording is read from a keyframe on")
        try:
            plain = np.frombuffer(zlib.decompress(packed), np.uint8)
        except zlib.error as error:
            raise ValueError(f"damaged block: {error}") from error
        mask_bytes = (rows * self._words + 7) // 8
        has_changed = np.unpackbits(plain[:mask_bytes], count=rows * self._words).view(np.bool_)
        changed = int(np.count_nonzero(has_changed))
        if plain.size != mask_bytes + 8 * changed:
            raise ValueError(f"damaged block: {plain.size} bytes do not hold {changed} words")
        delta = np.zeros(rows * self._words, np.uint64)
        columns = plain[mask_bytes:].reshape(8, changed)
        delta[has_changed] = np.ascontiguousarray(columns.T).view(np.uint64).ravel()
        table = np.ascontiguousarray(delta.reshape(self._words, rows).T)
        table[0] ^= last
        for row in range(1, rows):  # ten times as fast as `accumulate` down the columns
            np.bitwise_xor(table[row], table[row - 1], table[row])
        self._last = table[-1].copy()
        return table
