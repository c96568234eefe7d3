"""What an attack leaves behind: a line and a count for each refused sign-in, right and proof (docs/operations.md).

Under a flood only some lines are written; the count is always right.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry import metrics

import limits

log = logging.getLogger(__name__)

_refused = metrics.get_meter("emu.chat.entra").create_counter(
    "emu.security.refused", description="Sign-ins, rights and proofs that were refused"
)


@dataclass(slots=True)
class _Minute:
    """The lines of one minute, and how many were left out since the last line."""

    began: float = float("-inf")
    lines: int = 0
    left_out: int = 0


class Refusals:
    """Tells of refusals, so many lines a minute. `now` gives seconds, monotonic."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._minute = _Minute()

    def tell(self, reason: str, call: str, workspace: str = "", person: str = "") -> None:
        """Note a refusal. The person's id is hashed: lines of the same person can be told to be so, and no more."""
        # Before anything that may leave the line out, so that an alarm counts every refusal.
        _refused.add(1, {"reason": reason})
        minute, now = self._minute, self._now()
        if now - minute.began >= 60:  # noqa: PLR2004 - seconds of a minute
            minute.began, minute.lines = now, 0
        # A flood of refused calls must not fill the logs, which cost by size.
        if minute.lines >= limits.REFUSALS_A_MINUTE:
            minute.left_out += 1
            return
        minute.lines += 1
        log.warning(
            "security_refused reason=%s call=%s workspace=%s subject=%s left_out=%d",
            *(reason, call, workspace or "-", subject(person) if person else "-", minute.left_out),
        )
        minute.left_out = 0


def subject(person: str) -> str:
    """A person's id, hashed."""
    # `surrogatepass`, because the id comes from a token that nobody has checked and may be no valid text.
    return hashlib.blake2b(person.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


REFUSALS = Refusals()
"""Those of the process."""
