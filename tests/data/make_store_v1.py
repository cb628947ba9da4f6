"""Makes store_v1.bin: a store as schema 1 wrote it. Run it again only if the file is lost."""

from pathlib import Path

import msgpack

from flight.services.slot_file import SLOT_BYTES, encode_slot

STATES = (
    {"starts": 6, "phase": "ended", "mode": "NOMINAL", "latched": [], "parameters": {}},
    {
        "starts": 7,
        "phase": "running",
        "mode": "SAFE",
        "latched": ["accel3", "pump_a"],
        "parameters": {"guard.setpoint_c": 80.0},
    },
)


def main() -> None:
    first, second = (encode_slot(1, 11 + k, msgpack.packb(state)) for k, state in enumerate(STATES))
    path = Path(__file__).with_name("store_v1.bin")
    path.write_bytes(first.ljust(SLOT_BYTES, b"\0") + second)


if __name__ == "__main__":
    main()
