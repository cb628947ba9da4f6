"""Every benchmark and tool can be loaded: they are run seldom, and move with what they measure."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("benchmarks", "tools")
    for path in (ROOT / folder).glob("*.py")
    if path.name != "__main__.py"  # runs at once
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_loaded(script: str) -> None:
    name = f"loaded_{Path(script).stem}"
    spec = importlib.util.spec_from_file_location(name, ROOT / script)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
