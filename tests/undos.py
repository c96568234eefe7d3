"""Undos in a random history: of a run, of a person's edits, and of undos (spec §6)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from workspace.audit import Action, edits_entry
from workspace.connection import partition_of
from workspace.edits import EditKind
from workspace.run import Mode, RunState

_HOUR = timedelta(hours=1)


class _Edit(NamedTuple):
    kind: EditKind
    at: datetime
    number: int
    """By which the model knows it."""


class Undos:
    """What a history can undo: `runs` by their ids, each with its number in the model, and people's edits."""

    def __init__(self, stack):
        self.stack = stack
        self.runs = []
        self.edits = []
        self.meaning = None
        """What the undo that goes on does to the model."""

    async def of_a_run(self, nth, kills, *, again):
        if self.runs:
            run_id, number = self.runs[-1 - nth % len(self.runs)]
            await self.take_back(run_id, lambda model: model.undo(number), kills, again=again)

    async def of_edits(self, nth, kills, *, again):
        """Of the hour that began with one of the edits."""
        # The model has no part of a run that was cancelled, until the next one has completed.
        if not self.edits or self.stack.incomplete:
            return
        kind, since, _ = self.edits[-1 - nth % len(self.edits)]
        numbers = [one.number for one in self.edits if one.kind is kind and since <= one.at < since + _HOUR]
        rig = self.stack.rig
        record = edits_entry(kind, "p", "P", rig.clock(), len(numbers), since)
        await rig.services.tables.transact(partition_of(rig.workspace), [record])
        wanted = await rig.services.undoing.edits(rig.workspace, record.row_key.partition(":")[2])
        self.stack.met[f"undone {kind}"] += 1
        await self.take_back(wanted, lambda model: model.undo_edits(numbers), kills, again=again)

    async def take_back(self, wanted, meaning, kills, *, again):
        """Undo it, perhaps that undo as well, and resume."""
        whole = await self.undo(wanted, meaning, kills)
        if again and whole:
            self.stack.met["undone again"] += 1
            run_id, number = self.runs[-1]
            await self.undo(run_id, lambda model: model.undo(number), ())
        await self.stack.resume()

    async def undo(self, wanted, meaning, kills):
        """Undo it, once more where that failed; whether it did not."""
        stack, self.meaning = self.stack, meaning
        told = await stack.rig.services.undoing.preview(stack.rig.workspace, wanted)
        stack.kills = list(kills)
        undo = await self.ask(wanted)
        if failed := undo.state is not RunState.COMPLETED:
            stack.failures.clear()
            stack.kills, stack.incomplete = [], True
            undo = await self.ask(wanted)
        else:
            assert undo.counts == told.counts, (undo.counts, told)
        assert undo.state is RunState.COMPLETED, undo
        stack.met["undone"] += 1
        stack.met["left alone"] += undo.counts.skipped
        await stack.check()
        return not failed

    async def ask(self, wanted):
        stack = self.stack
        records = [stack.record(action) for action in (Action.PAUSED, Action.UNDONE)]
        asked = await stack.rig.services.undoing.undo(stack.rig.workspace, wanted, "P", *records)
        await stack.work(asked.id)
        return await stack.rig.run(asked.id)

    def note_run(self, run):
        """A run has completed.

        The model has no part of a run that failed: what the next one did is not what the model's run did.
        """
        if self.stack.incomplete and run.mode is not Mode.UNDO:
            self.runs.clear()
            self.edits.clear()
        elif not self.stack.incomplete:
            self.runs.append((run.id, self.stack.model.ticks))
        self.stack.incomplete = False

    def note_edit(self, kind, at):
        """A person has edited a contact, in the model, too."""
        self.edits.append(_Edit(kind, datetime.fromisoformat(at), self.stack.model.ticks))
