"""What the scenario action `workload` takes: kinds, parameters, ranges, sources."""

from collections.abc import Mapping
from typing import NamedTuple


class WorkloadParameter(NamedTuple):
    """A number that a workload takes.

    Args:
        name: With its unit last. low, high: Ends included.
        source: What the number means and where the default comes from.
    """

    name: str
    default: float
    low: float
    high: float
    source: str


WORKLOAD_KINDS = ("constant", "bursty", "trace", "training", "inference")

_DAY_S = 86_400.0
_BUSY = WorkloadParameter("utilisation_ratio", 1.0, 0.0, 1.0, "while it computes; assumed")

# Phases of synchronous steps, and that all swing together: arXiv 2508.14318 (read). Checkpoints
# each 15 to 30 minutes: secondary. Lengths and levels depend on the model trained: assumed.
TRAINING: tuple[WorkloadParameter, ...] = (
    _BUSY,
    WorkloadParameter("step_s", 3.0, 0.6, 600.0, "a step at full clock; assumed"),
    WorkloadParameter("step_spread_ratio", 0.05, 0.0, 0.5, "of a step's length; assumed"),
    WorkloadParameter("reduce_share", 0.2, 0.0, 0.9, "of a step: all-reduce; assumed"),
    WorkloadParameter("reduce_utilisation_ratio", 0.35, 0.0, 1.0, "in the all-reduce; assumed"),
    WorkloadParameter("checkpoint_period_s", 900.0, 1.0, _DAY_S, "secondary: 15 to 30 min"),
    WorkloadParameter("checkpoint_s", 20.0, 0.0, 3600.0, "length of a checkpoint; assumed"),
    WorkloadParameter(
        "checkpoint_utilisation_ratio", 0.05, 0.0, 1.0, "while a checkpoint is written; assumed"
    ),
    WorkloadParameter("restart_s", 60.0, 0.0, 3600.0, "loads the last checkpoint; assumed"),
    WorkloadParameter(
        "wait_s", 600.0, 0.0, _DAY_S, "for a lost accelerator, then without it; assumed"
    ),
)

# Poisson arrivals: the usual model of requests from many users. Levels are assumed.
INFERENCE: tuple[WorkloadParameter, ...] = (
    _BUSY,
    WorkloadParameter("demand_ratio", 0.6, 0.0, 10.0, "mean load asked of each; assumed"),
    WorkloadParameter("demand_swing_ratio", 0.4, 0.0, 1.0, "of the mean, up and down; assumed"),
    WorkloadParameter("demand_period_s", _DAY_S, 1.0, 1e7, "a day, or an orbit's period"),
    WorkloadParameter("demand_peak_s", 0.0, 0.0, 1e7, "of the run, when most is asked; assumed"),
    WorkloadParameter("service_s", 5.0, 0.3, 3600.0, "mean of a request at full clock; assumed"),
    WorkloadParameter("queue_max", 32.0, 0.0, 1e6, "requests that wait; more are refused; assumed"),
)

_LENGTHS = tuple(
    WorkloadParameter(name, default, 1e-3, _DAY_S, "mean length, drawn exponentially; assumed")
    for name, default in (("busy_s", 120.0), ("idle_s", 60.0))
)
PARAMETERS: Mapping[str, tuple[WorkloadParameter, ...]] = {
    "constant": (_BUSY,),
    "bursty": (_BUSY, *_LENGTHS),
    "trace": (),
    "training": TRAINING,
    "inference": INFERENCE,
}
"""By kind of workload."""

NAMES = tuple(
    dict.fromkeys(
        ("kind", "file", *(parameter.name for kind in PARAMETERS.values() for parameter in kind))
    )
)
"""Every key that the action may have."""


def numbers_of(kind: str, given: Mapping[str, float | bool | str]) -> dict[str, float]:
    """Return all numbers of one kind: those given, and the defaults of the rest."""
    return {
        parameter.name: float(given.get(parameter.name, parameter.default))
        for parameter in PARAMETERS[kind]
    }
