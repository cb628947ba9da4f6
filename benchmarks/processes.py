"""What the benchmarks start as a process of its own."""

import os

from benchmarks.table import RESULTS

COMPILED = RESULTS / "compiled"


def compiled_environment() -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules, as those of an installation
    are: where it may not, compiling is most of the time of a start.
    """
    wanted = {name: word for name, word in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**wanted, "PYTHONPYCACHEPREFIX": str(COMPILED.resolve())}
