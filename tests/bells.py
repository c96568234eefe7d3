"""Microsoft's notifications in a history: rung, doubled, late, lost, forged, and while a run goes on (spec §6)."""

import asyncio

from msgspec.structs import replace

from errors import TryLater
from tests.rig import Killed
from workspace.connection import Stage

_MOST_MESSAGES = 40
_MOST_TRIES = 10


class Bells:
    """Those of one history's stack. A doorbell is Microsoft's: it tries again where emu.chat does not take it."""

    def __init__(self, stack):
        self.stack, self.world, self.met = stack, stack.world, stack.met
        self.late = []
        self.at_next_message = None

    async def take(self, kind, patience):
        notification = await self.world.notification()
        if notification is None:
            self.met["no subscription"] += 1
            return
        self.met[f"ring {kind}"] += 1
        self.met["rung in a pause"] += self.stack.paused
        match kind:
            case "rung":
                await self.ring(notification)
            case "doubled":
                await self.ring(notification, notification)
            case "late":
                self.late.append([notification, patience])
            case "during":
                self.at_next_message = notification
            case "forged":
                await self.forge(notification)

    async def forge(self, notification):
        """One that does not know the secret does nothing."""
        before = self.world.waiting(), await self.stack.rig.state()
        await self.sent(replace(notification, client_state=f"x{notification.client_state}"))
        await self.sent(replace(notification, subscription_id=f"{notification.subscription_id}x"))
        assert (self.world.waiting(), await self.stack.rig.state()) == before

    async def ring(self, *copies):
        """Let the bell ring; what it tells of is in the list when everything is done that it asked for."""
        for one in copies:
            await self.sent(one)
        poisoned = self.world.met["poisoned"]
        await self.settle()
        connection, _ = await self.stack.rig.services.workspaces.load(self.stack.rig.workspace)
        if connection.stage is Stage.ACTIVE and self.world.met["poisoned"] == poisoned:
            assert not self.stack.model.unheard, "a doorbell was lost"

    async def sent(self, notification):
        """Microsoft sends, and again until it is taken. What a process knows of earlier ones must not matter."""
        doorbell = self.stack.rig.services.dispatch.doorbell
        for _ in range(_MOST_TRIES):
            doorbell._known.clear()
            try:
                await doorbell.ring([notification])
            except (TryLater, Killed):
                continue
            return
        raise AssertionError("the doorbell takes nothing")

    async def settle(self):
        """Let every message come, whenever it is due."""
        for _ in range(_MOST_MESSAGES):
            if (letter := await self.world.next_message()) is None:
                break
            await self.stack.deliver(letter.message, letter)
            await self.stack.work(None)
        else:
            raise AssertionError("the doorbells do not end")
        await self.stack.follow_failures()
        if not self.stack.incomplete:
            await self.stack.check()

    async def let_late_ones_come(self):
        for one in self.late:
            one[1] -= 1
        due, self.late = (
            [one for one, patience in self.late if patience <= 0],
            [one for one in self.late if one[1] > 0],
        )
        for notification in due:
            await self.sent(notification)
        if due:
            await self.settle()

    async def while_it_rings(self, work):
        """Do a worker's work, and meanwhile let the bell ring that waits for that."""
        if (notification := self.at_next_message) is None:
            await work
            return
        self.at_next_message = None
        ringing = asyncio.create_task(self.stack.rig.services.dispatch.doorbell.ring([notification]))
        try:
            await work
        finally:
            try:
                await ringing
            except (TryLater, Killed):
                # Storage or the queue is away while this message is worked on: Microsoft tries again later.
                self.late.append([notification, 1])
