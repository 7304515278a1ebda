"""Types of voters' options that have a range; `build_voter` checks them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Confidence = Annotated[float, Field(ge=0, le=1)]
"""How sure a vote is."""
Coverage = Annotated[float, Field(gt=0, le=1)]
"""Share of the rows to vote on."""
Margin = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A difference of weights."""
Count = Annotated[int, Field(ge=0)]
"""A number of things."""
