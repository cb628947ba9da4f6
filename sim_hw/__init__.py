"""The simulated world: plant, devices, faults, scenarios, virtual time."""
