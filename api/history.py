"""Which runs of the history a caller wants to see, and the history as a table (spec §7)."""

from dataclasses import dataclass
from datetime import datetime

import azure.functions as func

from errors import Refused
from workspace.run import Run, RunState

_ID_LENGTH = 36
HEADS = (
    *("Run", "Mode", "Trigger", "State", "Asked for by", "Created", "Started", "Completed", "Read", "Added", "Linked"),
    *("Updated", "Unchanged", "Removed", "Unlinked", "Skipped", "Error"),
)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """`changed`: without completed runs that changed nothing. `person`: a contact's id, whom the run tells of."""

    outcome: RunState | None
    changed: bool
    person: str

    def keeps(self, run: Run) -> bool:
        """Whether the run itself fits; what it tells of a person stands in its journal."""
        if self.outcome not in (None, run.state):
            return False
        quiet = run.state is RunState.COMPLETED and not _changes(run) and not run.counts.skipped
        return not (quiet and (self.changed or self.person))


def filter_of(req: func.HttpRequest) -> RunFilter:
    """`outcome`, `changed` and `person` of a request.

    Raises:
        Refused
    """
    outcome, changed, person = (req.params.get(name, "") for name in ("outcome", "changed", "person"))
    problems = {}
    if outcome and outcome not in list(RunState):
        problems["outcome"] = f"one of {', '.join(RunState)}"
    if changed not in ("", "true", "false"):
        problems["changed"] = "true or false"
    if person and (len(person) != _ID_LENGTH or set(person) - set("0123456789abcdef-")):
        problems["person"] = "the id of a contact"
    if problems:
        raise Refused("The filter is not valid.", problems)
    return RunFilter(RunState(outcome) if outcome else None, changed == "true", person)


def row_of(run: Run) -> list[str | None]:
    """A run as a row of the table, in the order of `HEADS`."""
    moments = [
        one.isoformat() if one is not None else None for one in (run.created_at, run.started_at, run.completed_at)
    ]
    counts = run.counts
    numbers = (counts.read, counts.added, counts.linked, counts.updated, counts.unchanged, counts.removed)
    return [
        *(run.id, run.mode, run.trigger, run.state, run.requested_by, *moments),
        *(str(one) for one in (*numbers, counts.unlinked, counts.skipped)),
        run.error.message if run.error is not None else None,
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None


def _changes(run: Run) -> int:
    """Contacts that a run changed."""
    counts = run.counts
    return counts.added + counts.linked + counts.updated + counts.removed + counts.unlinked
