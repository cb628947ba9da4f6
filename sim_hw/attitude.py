"""How the node is turned: where its array and its radiator face.

The radiator is a flat panel, free on both sides or mounted on the body with one; the array has one
face. Three modes:

sun_edge_on
    The array's normal points at the Sun. The panel holds the Sun in its plane and is turned about
    the line to the Sun until the Earth's centre lies in it, too: edge-on to both.
nadir
    The panel looks away from the Earth; its other side, if free, at the Earth's centre. The array
    turns about one axis, the orbit's normal, so that it is off the Sun by beta.
tumbling
    Nothing points: the body turns evenly about an axis that is fixed in space, drawn by seed.
"""

import math
import random
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from sim_hw.sun import Float64s

AttitudeMode = Literal["sun_edge_on", "nadir", "tumbling"]


class Pointing(NamedTuple):
    """Cosines of the angles between the normals of array and panel, the Sun and the nadir."""

    array_sun: Float64s
    array_nadir: Float64s
    panel_sun: Float64s  # of the face that every panel has; the other has the opposite sign
    panel_nadir: Float64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Attitude:
    """A mode with what it needs.

    Args:
        tumbling_period_s: Of one turn.
        tumbling_seed: Draws the axis and the first orientation.
    """

    mode: AttitudeMode = "sun_edge_on"
    tumbling_period_s: float = 900.0
    tumbling_seed: int = 1

    def pointing(
        self, time_s: Float64s, nadir: Float64s, orbit_normal: Float64s, sun: Float64s
    ) -> Pointing:
        """Return the cosines at some instants; directions are unit vectors, (n, 3)."""
        if self.mode == "sun_edge_on":
            nothing = np.zeros(time_s.shape)
            return Pointing(np.ones(time_s.shape), dots(sun, nadir), nothing, nothing)
        if self.mode == "nadir":
            sun_nadir, off_plane = dots(sun, nadir), dots(sun, orbit_normal)
            array_sun = np.sqrt(np.maximum(1.0 - off_plane * off_plane, 0.0))
            # The array's normal is the Sun's direction without its part along the axis.
            array_nadir = sun_nadir / np.maximum(array_sun, 1e-12)
            return Pointing(array_sun, array_nadir, -sun_nadir, -np.ones(time_s.shape))
        array, panel = self._tumbled(time_s)
        return Pointing(dots(array, sun), dots(array, nadir), dots(panel, sun), dots(panel, nadir))

    def _tumbled(self, time_s: Float64s) -> tuple[Float64s, Float64s]:
        """Return the normals of array and panel, which stand at right angles on the body."""
        draw = random.Random(f"tumbling {self.tumbling_seed}")
        axis, array, other = (_unit([draw.gauss(0.0, 1.0) for _ in range(3)]) for _ in range(3))
        panel = _unit(np.cross(array, other).tolist())
        angle = math.tau * time_s / self.tumbling_period_s
        return _turned(array, axis, angle), _turned(panel, axis, angle)


def dots(left: Float64s, right: Float64s) -> Float64s:
    """Return the products of rows of two (n, 3) arrays."""
    products: Float64s = np.einsum("ij,ij->i", left, right)
    return products


def _unit(vector: list[float]) -> Float64s:
    array = np.array(vector)
    return array / math.sqrt(float(array @ array))


def _turned(vector: Float64s, axis: Float64s, angle: Float64s) -> Float64s:
    """Turn a vector about an axis by several angles (formula of Rodrigues)."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = axis * float(axis @ vector)
    turned: Float64s = along + (vector - along) * cos + np.cross(axis, vector) * sin
    return turned
