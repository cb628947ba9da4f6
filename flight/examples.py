"""Where the shipped examples are: beside the source in a clone, else inside the package."""

from pathlib import Path


def examples_dir() -> Path:
    """Return the folder that holds configs/, scenarios/ and orbits/."""
    here = Path(__file__).resolve().parent
    beside = here.parent / "examples"
    return beside if (beside / "configs").is_dir() else here / "_packaged" / "examples"


def default_config_path() -> Path:
    """Return the configuration of the reference node REF-1."""
    return examples_dir() / "configs" / "ref1.toml"


def default_scenario_path() -> Path:
    """Return the default fault plan: one orbit, a pump stop and a latch-up."""
    return examples_dir() / "scenarios" / "first_orbit.toml"
