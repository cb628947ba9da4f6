"""Print requirements of pyproject.toml, one a line.

Usage: requirements.py GROUP...  where a group is `build-system`, `project` or an extra.
"""

import sys
import tomllib
from pathlib import Path


def requirements(group: str) -> list[str]:
    """Return what the build system, the project itself or one of its extras asks for."""
    pyproject = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    if group == "build-system":
        return list(pyproject["build-system"]["requires"])
    if group == "project":
        return list(pyproject["project"]["dependencies"])
    return list(pyproject["project"]["optional-dependencies"][group])


if __name__ == "__main__":
    print("\n".join(line for group in sys.argv[1:] for line in requirements(group)))
