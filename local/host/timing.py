"""How long the real host takes for what a test cannot wait for (docs/facts/functions.md 11)."""

import msgspec


class Timing(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The measured figures, in seconds."""

    lease_seconds: int = 600
    """How long a received message stays hidden; renewed at half of it. A poison function's message comes back then."""
    outage_seconds: float = 27.0
    """How long storage may refuse connections before the host ends."""
    patience_seconds: float = 10.0
    """What runs may take after SIGTERM."""
    grace_seconds: float = 2.0
    """From an execution's time-out to the end of its worker."""
    deaths_seconds: float = 1800.0
    """The third death of a worker within this time ends the host."""
    singleton_seconds: int = 60
    """A timer's blob lease (15 to 60 by Azure's rules)."""
    singleton_retry_seconds: float = 60.0
    """How often a host asks for a timer's lease that another host has."""
