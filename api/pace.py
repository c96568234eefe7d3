"""How fast one person may write: counted in memory, by each process for itself.

A bucket holds so many edits, and fills up again at a steady rate. It is large enough for an import of a whole list and
small enough that a script cannot write without pause.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import limits
from api.caller import Caller
from errors import TooMany

_MOST_PEOPLE = 10_000
"""Remembered at once; the one that wrote longest ago is forgotten first."""


@dataclass(slots=True)
class EditPace:
    """Edits of contacts by person. `now` gives seconds, monotonic."""

    now: Callable[[], float]
    burst: int = limits.EDITS_AT_ONCE
    per_second: float = limits.EDITS_PER_SECOND
    _left: OrderedDict[tuple[str, str], tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, caller: Caller) -> None:
        """Count an edit.

        Raises:
            TooMany: this person has none left.
        """
        who, now = (caller.workspace_id, caller.person), self.now()
        left, at = self._left.pop(who, (float(self.burst), now))
        left = min(left + (now - at) * self.per_second, self.burst)
        self._left[who] = (max(left - 1, 0.0) if left >= 1 else left), now
        if len(self._left) > _MOST_PEOPLE:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany("You are changing contacts too fast. Go on in a moment.", (1 - left) / self.per_second)
