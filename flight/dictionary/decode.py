"""The ground's side of the dictionary: a frame's bytes back into named values.

It knows nothing of the node but its dictionary document (`flight/dictionary/export.py`), so that it
reads frames of other versions too, and refuses a node whose dictionary is another one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgpack  # type: ignore[import-untyped]  # ships no types
import numpy as np

SCHEMAS = (2, 3)


class DictionaryMismatchError(Exception):
    """The node speaks another dictionary, or the document has a schema that is not known here."""


class FrameError(Exception):
    """The bytes are no frame of this packet."""


class Frame(NamedTuple):
    """One packet. values: by channel name; bad: names whose last sample failed, an older value.

    utc_ns, is_trusted: None, False where the frame does not carry them. mode: "" where it does not.
    """

    packet: str
    sequence: int
    time_ns: int
    values: dict[str, float]
    bad: frozenset[str]
    utc_ns: int | None = None
    is_trusted: bool = False
    mode: str = ""
    cap_w: tuple[float, ...] = ()
    cap_reason: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()


class _Layout(NamedTuple):
    names: tuple[str, ...]
    dtype: np.dtype[Any]


class Decoder:
    """Reads the frames of nodes that have one dictionary.

    Args:
        document: What `nightside dictionary --json` printed.

    Raises:
        DictionaryMismatchError: the document's schema is not known here.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        if document.get("schema") not in SCHEMAS:
            raise DictionaryMismatchError(
                f"dictionary schema {document.get('schema')!r} is not known here; "
                f"known: {', '.join(map(str, SCHEMAS))}"
            )
        self.hash = str(document["hash"])
        self._layouts = {
            packet["name"]: _Layout(tuple(packet["channels"]), np.dtype(packet["encoding"]))
            for packet in document["packets"]
        }

    def check_birth(self, birth: Mapping[str, Any]) -> None:
        """Compare the dictionary that a birth message names with this one.

        Raises:
            DictionaryMismatchError: the node speaks another; its frames must not be read with this.
        """
        theirs = birth.get("dictionary")
        if theirs != self.hash:
            raise DictionaryMismatchError(
                f"the node speaks dictionary {theirs}, this is {self.hash}: take the one of the "
                f"node's version ({birth.get('version', 'unknown')}), "
                "as `nightside dictionary CONFIG --json` prints it there"
            )

    def frame(self, packet: str, payload: bytes) -> Frame:
        """Return the named values of one packet.

        Raises:
            FrameError: there is no such packet, or the bytes are none of it.
        """
        layout = self._layouts.get(packet)
        if layout is None:
            raise FrameError(f"no packet {packet!r} in this dictionary")
        try:
            return _frame(packet, layout, payload)
        except FrameError:
            raise
        except (ValueError, TypeError, KeyError, OverflowError, msgpack.UnpackException) as error:
            raise FrameError(f"packet {packet!r}: {type(error).__name__}: {error}") from None


def _frame(packet: str, layout: _Layout, payload: bytes) -> Frame:
    body = msgpack.unpackb(payload, strict_map_key=False)
    if not isinstance(body, dict):
        raise FrameError(f"packet {packet!r}: is not a map")
    packed, marks = body["v"], body["bad"]
    count = len(layout.names)
    if not isinstance(packed, bytes) or len(packed) != count * layout.dtype.itemsize:
        raise FrameError(f"packet {packet!r}: v does not hold {count} values")
    if not isinstance(marks, bytes) or len(marks) != (count + 7) // 8:
        raise FrameError(f"packet {packet!r}: bad does not hold {count} bits")
    values = np.frombuffer(packed, layout.dtype).tolist()
    bits = np.unpackbits(np.frombuffer(marks, np.uint8), count=count)
    utc_ns = body.get("utc")
    return Frame(
        packet=packet,
        sequence=_integer(body, "seq"),
        time_ns=_integer(body, "t"),
        values=dict(zip(layout.names, values, strict=True)),
        bad=frozenset(name for name, bit in zip(layout.names, bits, strict=True) if bit),
        utc_ns=None if utc_ns is None else _integer(body, "utc"),
        is_trusted=body.get("trusted") is True,
        mode=str(body.get("mode", "")),
        cap_w=tuple(map(float, body.get("cap_w", ()))),
        cap_reason=tuple(map(str, body.get("cap_reason", ()))),
        phase=tuple(map(str, body.get("phase", ()))),
    )


def _integer(body: Mapping[str, Any], key: str) -> int:
    value = body[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise FrameError(f"{key} is no whole number")
    return value
