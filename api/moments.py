"""How moments stand in answers (docs/openapi.yaml is made from them)."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

type Moment = Annotated[datetime, Meta(tz=True)]
type Stamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A moment as it is stored with a contact."""
