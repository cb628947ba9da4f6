"""A plant on a real plant image, without devices or drivers."""

from sim_hw.devices import PlantImage
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig


def running_plant(
    config: PlantConfig | None = None,
    *,
    seed: int = 7,
    orbit: Orbit | None = None,
    start: PlantStart | None = None,
) -> tuple[Plant, PlantImage]:
    """Return a plant with rails on and its image."""
    image = PlantImage()
    plant = Plant(
        config or PlantConfig(),
        image,
        orbit or Orbit.circular(),
        start=start or PlantStart(rails_on=True),
        seed=seed,
    )
    return plant, image
