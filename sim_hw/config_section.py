"""What every section of the plant has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Immutable; refuses unknown keys, infinities and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
