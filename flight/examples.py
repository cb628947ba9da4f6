"""Where the shipped examples are: beside the source in a clone, else inside the package."""

from pathlib import Path


def examples_dir() -> Path:
    """Return the folder that holds configs/, scenarios/ and orbits/."""
    here = Path(__file__).resolve().parent
    beside = here.parent / "examples"
    return beside if (beside / "configs").is_dir() else here / "_packaged" / "examples"


DEFAULT_NODE = "ref1"


def config_path(node: str) -> Path:
    """Return the configuration of one of `node_names`."""
    return examples_dir() / "configs" / f"{node}.toml"


def node_names() -> list[str]:
    """Return the names of the nodes that have an example configuration."""
    return sorted(path.stem for path in (examples_dir() / "configs").glob("*.toml"))


def default_config_path() -> Path:
    """Return the configuration of the reference node REF-1."""
    return config_path(DEFAULT_NODE)


_SCENARIOS = {  # by power system and cooling
    ("own", "loop"): "first_orbit",
    ("allotment", "loop"): "ai1_orbit",
    ("own", "conduction"): "edge_orbit",
}


def default_scenario_path(power_system: str = "own", cooling: str = "loop") -> Path | None:
    """Return the fault plan that a node of this kind flies by itself; None: there is none.

    That of REF-1: one orbit, a pump stop and a latch-up.
    """
    name = _SCENARIOS.get((power_system, cooling))
    return None if name is None else examples_dir() / "scenarios" / f"{name}.toml"
