"""One device of one driver, opened and polled once: for tests of hal."""

from hal import BusHandle, Device, DriverSet, DriverSpec, NodeImage, PointSpec, Status

CYCLE_NS = 100_000_000
NOBODY = 0x44  # no part of REF-1 answers there


def point(channel: int, **more: object) -> PointSpec:
    fields = {"name": f"point{channel}", "driver": 0, "device": 0, "period_ns": CYCLE_NS}
    return PointSpec(channel=channel, **fields, **more)


def statuses(device: Device, bus: BusHandle | None, channels: int) -> list[Status]:
    """Open, poll once, and return what each channel said."""
    driver = DriverSpec(name="driver", bus=bus, devices=(device,))
    image = NodeImage([point(n) for n in range(channels)], [driver])
    drivers = DriverSet(image)
    drivers.poll(CYCLE_NS)
    found = [Status(s) for s in image.snapshot()[2]]
    drivers.close()
    image.close()
    return found
