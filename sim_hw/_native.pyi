"""The compiled binding; sim_hw.devices is the only module that touches it."""

from typing import Any

ffi: Any
lib: Any
