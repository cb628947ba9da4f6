"""A plant image without C: the fields of plant_image.h as numpy arrays, and a plant on it."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig

HEADER = Path(__file__).parents[2] / "sim_hw" / "csrc" / "plant_image.h"
STRUCTS = {
    "truth": "sim_truth",
    "setpoint": "sim_setpoint",
    "knobs": "sim_knobs",
    "boards": "sim_boards",
}


def blank_image() -> SimpleNamespace:
    """Return an image of zeros with the fields of the header; a scalar has the shape (1,)."""
    text = HEADER.read_text(encoding="ascii")
    image = SimpleNamespace(time_s=np.zeros(1))
    for name, struct in STRUCTS.items():
        body = re.search(rf"struct {struct} \{{(.*?)\}}", text, re.DOTALL)
        assert body is not None
        fields = re.findall(r"double\s+(\w+)\s*(?:\[(\d+)\])?;", body.group(1))
        part = SimpleNamespace(**{field: np.zeros(int(count or 1)) for field, count in fields})
        setattr(image, name, part)
    return image


def running_plant(
    config: PlantConfig | None = None,
    *,
    seed: int = 7,
    orbit: Orbit | None = None,
    start: PlantStart | None = None,
) -> tuple[Plant, SimpleNamespace]:
    """Return a plant with rails on and its image."""
    image = blank_image()
    plant = Plant(
        config or PlantConfig(),
        image,
        orbit or Orbit.circular(),
        start=start or PlantStart(rails_on=True),
        seed=seed,
    )
    return plant, image
