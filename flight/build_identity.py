"""Which build made a decision: equal identities promise equal decisions to the bit."""

import hashlib
import platform
from functools import cache
from pathlib import Path

import numpy as np


@cache
def build_identity() -> str:
    """Return the hash of flight/core's sources, and the versions and machine that arithmetic
    depends on, e.g. "3f0c9a12d4e5b677 numpy-2.1.0 python-3.11.7 x86_64".
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted((Path(__file__).parent / "core").glob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.name} {len(source)}\n".encode() + source)
    versions = f"numpy-{np.__version__} python-{platform.python_version()} {platform.machine()}"
    return f"{digest.hexdigest()} {versions}"
