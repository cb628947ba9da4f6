"""The base of every configuration section of the core."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of the file: frozen, no unknown keys, no infinities or NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
