"""Write the hand-made inputs of the fuzz targets: `make_corpus.py FOLDER` makes FOLDER/TARGET/NAME.

Each is a short story in the words of its target (see the head of csrc/fuzz/fuzz_TARGET.c), so that
the engine starts past the first refusals. Inputs that once found a fault stay here under `found_`.
"""

import struct
import sys
from pathlib import Path

POLL_REPLY, VERSION = 0x81, 1
UUID = b"GPU-11111111-2222-3333-4444-555555555555"


def crc32c(message: bytes) -> int:
    """Return the CRC-32C of a message, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in message:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def stuff(message: bytes) -> bytes:
    """Return a message of at most 253 bytes stuffed by COBS."""
    return b"".join(bytes([len(run) + 1]) + run for run in message.split(b"\0"))


def frame(kind: int, sequence: int, payload: bytes) -> bytes:
    """Return a whole frame as it is on the wire."""
    body = struct.pack("<BBH", VERSION, kind, sequence) + payload
    return stuff(body + struct.pack("<I", crc32c(body))) + b"\0"


def codec() -> dict[str, bytes]:
    """Format, VOUT_MODE or width of the coefficients, what the format needs, word, value, word."""
    tail = struct.pack("<Hdh", 0x079E, 48.0, 3072)
    wide = struct.pack("<iib", 19199000, -1800, 9)
    return {
        "linear11": bytes([0, 0]) + tail,
        "linear16": bytes([1, 0x14]) + tail,
        "direct": bytes([2, 0]) + struct.pack("<hhb", 4062, 0, -2) + tail,
        "direct_falling": bytes([2, 0]) + struct.pack("<hhb", -807, 20475, -1) + tail,
        "direct_wide": bytes([2, 1]) + wide + tail,
        "vid": b"".join(
            bytes([3, table]) + struct.pack("<Hdh", 0x52, 1.1, 64) for table in range(7)
        ),
        "half": bytes([4, 0]) + struct.pack("<Hdh", 0x7BFF, 0.85, -54),
        "not_numbers": bytes([0, 0]) + struct.pack("<Hdh", 0xFFFF, float("nan"), -1),
        "found_vanishing_linear16": bytes.fromhex("2e065baa0a"),
    }


def frames() -> dict[str, bytes]:
    """Bytes as from the wire; also as the body of a frame without its check code."""
    return {
        "poll": frame(0x01, 7, b""),
        "set": frame(0x02, 0xBEEF, bytes([3]) + struct.pack("<f", 5000.0)),
        "reply": frame(POLL_REPLY, 0, bytes([2, 0]) + struct.pack("<ff", 25.0, 1.5)),
        "longest": frame(POLL_REPLY, 1, bytes(range(240))),
        "body": struct.pack("<BBH", VERSION, POLL_REPLY, 1) + bytes([0, 0]),
        "block_full": bytes([0xFF]) + b"\x11" * 254 + bytes([2, 1]),
        "zeros": bytes(40),
        "past_the_end": bytes([9, 1, 2]),
    }


def controller() -> dict[str, bytes]:
    """Channels - 1, then per round a reply (kind, size, payload), a channel and a value to set."""
    values = struct.pack("<ff", 25.0, 1.5)
    good = bytes([0, 10, 2, 0]) + values + bytes([1]) + struct.pack("<d", 0.5) + bytes([0, 1, 0])
    odd = struct.pack("<ff", float("nan"), float("inf"))
    return {
        "good": bytes([1]) + good * 3,
        "not_numbers": bytes([1, 0, 10, 2, 0]) + odd,
        "other_count": bytes([1, 0, 10, 3, 0]) + values,
        "other_sequence": bytes([1, 1, 7, 7, 10, 2, 0]) + values,
        "other_type": bytes([1, 2, 0x82, 10, 2, 0]) + values,
        "noise": bytes([1, 3, 12]) + frame(POLL_REPLY, 1, b"\x02\x00")[:12],
        "failures": bytes([1]) + b"".join(bytes([4, code, 0] + [0] * 8) for code in range(17)),
    }


def pmbus() -> dict[str, bytes]:
    """Bits of the config, part, page; then per transfer a kind and bytes."""
    words = struct.pack("<H", 0xD300)
    parts = {f"part_{part}": bytes([0x33, part, 1]) + (b"\0" + words) * 90 for part in range(11)}
    return {
        **parts,
        "plain": bytes([0, 0, 0]) + (b"\0" + words) * 60,
        "paged": bytes([1, 0, 3]) + (b"\0\0" + words) * 60,
        "checked": bytes([6, 0, 0]) + (b"\0" + words + b"\0") * 60,
        "checked_and_paged": bytes([7, 0, 31]) + (b"\0" + words + b"\0") * 60,
        "wrong_check_codes": bytes([2, 0, 0]) + (b"\x10" + words + b"\0") * 30,
        "wrong_pages": bytes([1, 0, 3]) + (b"\x08\x05") * 60,
        "floating": bytes([0, 0, 0]) + b"\0\xff\xff" * 80,
        "deaf": bytes([4, 0, 0]) + b"\x07" * 80,
        "blocks": bytes([0, 0, 0]) + (b"\0\x20" + bytes(range(32))) * 8,
        "long_blocks": bytes([0, 0, 0]) + (b"\0\xff" + bytes(range(32))) * 8,
        "switching": bytes([5, 0, 1]) + (bytes(90) + b"\x17" + bytes(30) + b"\x16\x42") * 4,
    }


def image() -> dict[str, bytes]:
    """Changes of the rows, bytes cut off, changes; a change is offset, size, bytes."""

    def change(offset: int, value: bytes) -> bytes:
        return struct.pack("<HB", offset, len(value)) + value

    whole = bytes(3) + bytes(2)  # no change of the rows, nothing cut off
    words = {f"header_{at}": whole + change(at, b"\xff\xff\xff\xff") for at in range(0, 128, 4)}
    return {
        "whole": whole,
        "cut": bytes(3) + struct.pack("<H", 1),
        "cut_to_the_header": bytes(3) + struct.pack("<H", 4096 * 2),
        "point_of_no_driver": change(48, b"\2"),
        "name_without_end": change(0, b"x" * 16) + change(16, b"x" * 16) + change(32, b"x" * 16),
        "driver_table": whole + change(128 + 60, b"\xff\xff\xff\x7f"),
        **words,
    }


def nvml() -> dict[str, bytes]:
    """Every answer: what is filled in, then the code; fields by kind and eight bytes."""
    handle = b"\x10" + bytes(7) + b"\0"
    fields = b"".join(bytes([kind]) + struct.pack("<Q", 700_000) for kind in (1, 3, 3, 2, 4, 5, 6))
    return {
        "ordinary": bytes(400),
        "fields": b"\0" + handle + b"\0\0" + handle + b"\0" + fields * 4,
        "not_numbers": b"\0" + handle + b"\0\0" + handle + b"\0" + (b"\0" + b"\xff" * 8) * 40,
        "other_uuid": b"\0" + handle + b"\xff" + UUID.replace(b"1", b"9") + bytes(60),
        "lost": b"\0" + handle + b"\0\0" + b"\x3f" * 200,
        "reset_required": b"\0" + handle + b"\0\0" + b"\x43" * 200,
        "unknown_codes": b"\0" + handle + b"\0\0" + b"\xff" * 200,
        "found_not_a_number": bytes.fromhex("8008080808080808")
        + bytes.fromhex("1e1e1e1e1e1e0000000000000025000000") + b"\x77" + b"\xff" * 8,
    }  # fmt: skip


def kmsg() -> dict[str, bytes]:
    """Records, each also behind its size / 2 for the reader."""
    lines = {
        "fallen": b"NVRM: Xid (PCI:0000:41:00): 79, pid=1234, GPU has fallen off the bus.",
        "function": b"NVRM: Xid (PCI:0000:41:00.0): 31, pid=7, name=python3, Ch 00000008",
        "double_bit": b"NVRM: Xid (PCI:0000:c1:00): 48, DBE (double bit error) on FBPA 3",
        "uuid": b"NVRM: GPU at PCI:0000:41:00: " + UUID,
        "without_number": b"NVRM: GPU 0000:41:00.0: GPU has fallen off the bus.",
        "old": b"NVRM: Xid (0000:41:00): 13, 0003 00000000 0000a1c0 00000ca8 00000000",
        "huge_number": b"NVRM: Xid (PCI:0000:41:00): 99999999999999999999, pid=1",
        "escapes": b"NVRM: Xid \\x28PCI:0000:41:00\\x29: 79\\x0a",
        "other": b"usb 1-1: new high-speed USB device",
    }
    found = {}
    for name, text in lines.items():
        record = b"4,1234,5678901,-;" + text + b"\n SUBSYSTEM=pci\n DEVICE=+pci:0000:41:00.0\n"
        found[name] = record
        found[name + "_read"] = bytes([len(record) // 2]) + record + b"\1\0"
    found["from_a_process"] = b"12,1,1,-;" + lines["fallen"] + b"\n"
    found["without_prefix"] = lines["fallen"]
    return found


TARGETS = {
    "codec": codec, "frame": frames, "controller": controller, "pmbus": pmbus, "image": image,
    "nvml": nvml, "kmsg": kmsg,
}  # fmt: skip


def main(folder: Path) -> None:
    """Write all inputs below `folder`."""
    for target, inputs in TARGETS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, content in inputs().items():
            (folder / target / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
