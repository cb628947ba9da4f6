"""[accelerators]: draining, the reset ladder, and notices to workloads."""

from typing import Self

from pydantic import Field, model_validator

from flight.core.section import Section


class AcceleratorsConfig(Section):
    """[accelerators]: how a workload is asked to leave, and how a silent one is brought back."""

    drain_s_max: float = Field(
        60.0,
        ge=0.0,
        le=3600.0,
        description="A workload gets at most so long before a planned switch-off; assumed.",
    )
    checkpoint_margin_s: float = Field(
        30.0,
        ge=0.0,
        le=3600.0,
        description="Told so long before its checkpoint must begin; assumed.",
    )
    reset_wait_s: float = Field(
        5.0,
        ge=1.0,
        le=600.0,
        description="Silent this long: its driver resets it; assumed.",
    )
    reset_s: float = Field(
        20.0,
        ge=1.0,
        le=600.0,
        description="Longest reset or power-cycle until it answers; assumed.",
    )
    reset_count_max: int = Field(
        3, ge=0, le=10, description="Driver resets of one in [rails] retry_window_s; assumed."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.reset_wait_s > self.reset_s:
            raise ValueError(
                f"reset_wait_s = {self.reset_wait_s} must not be longer than reset_s ="
                f" {self.reset_s}: a reset that is under way would be asked for again"
            )
        return self
