"""Mistakes in what Microsoft's notifications mean, and in what emu.chat is told."""

from tests.mutations.mutation import Mutation

_DOORBELL = ("tests/sync/test_doorbell.py",)
_EVENTS = ("tests/sync/test_events.py",)

DOORBELL = (
    Mutation(
        "a doorbell during a run is forgotten",
        "connect/dispatch.py",
        "await self._follow(workspace)",
        "pass",
        _DOORBELL,
    ),
    Mutation(
        "a run that goes on covers a doorbell",
        "workspace/state.py",
        "if request.trigger is Trigger.NOTIFICATION and run.state is RunState.RUNNING:",
        "if False:",
        _DOORBELL,
    ),
    Mutation(
        "approved removals cover a doorbell",
        "sync/doorbell.py",
        "run.state is RunState.QUEUED and run.reads",
        "run.state is RunState.QUEUED",
        _DOORBELL,
    ),
    Mutation(
        "the clientState is not compared",
        "sync/doorbell.py",
        "hmac.compare_digest(told[0], wanted[0]), ",
        "",
        _DOORBELL,
    ),
    Mutation(
        "the subscription's id is not compared",
        "sync/doorbell.py",
        ", hmac.compare_digest(told[1], wanted[1])",
        "",
        _DOORBELL,
    ),
    Mutation(
        "doorbells are not gathered",
        "sync/doorbell.py",
        "began + limits.DOORBELL_PAUSE - now if began is not None else timedelta()",
        "timedelta()",
        _DOORBELL,
    ),
    Mutation(
        "each doorbell has a message of its own",
        "sync/doorbell.py",
        "if last is None or now - last >= limits.DOORBELL_PAUSE:",
        "if True:",
        _DOORBELL,
    ),
    Mutation(
        "a message that was not queued is believed to be",
        "sync/doorbell.py",
        """        message = Ring(tuple(due), max(due.values()))
""",
        """        message = Ring(tuple(due), max(due.values()))
        self._due |= due
""",
        _DOORBELL,
    ),
    Mutation(
        "a new subscription is not known for long",
        "sync/doorbell.py",
        "limits.DOORBELL_CHECKED_SECONDS if fits else limits.DOORBELL_DOUBTED_SECONDS",
        "limits.DOORBELL_CHECKED_SECONDS",
        _DOORBELL,
    ),
    Mutation(
        "a paused connection takes a doorbell",
        "sync/doorbell.py",
        "connection is not None and connection.stage is Stage.ACTIVE",
        "connection is not None",
        _DOORBELL,
    ),
    Mutation(
        "a full run that a pause ended is forgotten",
        "workspace/state.py",
        "if any(one.mode is Mode.FULL for one in ended):",
        "if False:",
        ("tests/sync/test_pausing.py",),
    ),
    Mutation(
        "a repeated first page forgets others whom it had changed",
        "sync/slice.py",
        "settle_others(plan, await self.contacts.read(self.partition, others) if others else {}, stamp, earlier)",
        "pass",
        ("tests/sync/test_histories_found.py",),
    ),
    Mutation(
        "an orphan's older word is written late",
        "sync/writes.py",
        "elif contact is not None and not done and contact_id not in written:",
        "elif False:",
        ("tests/sync/test_histories_found.py",),
    ),
    Mutation(
        "the first address of a round decides",
        "sync/plan.py",
        "before is None or _is_passing(before, configuration, stamp)",
        "before is None",
        ("tests/sync/test_plan.py",),
    ),
    Mutation(
        "the contact of an earlier word stays beside the one taken over",
        "contacts/contact.py",
        "if replaced is not None:",
        "if False:",
        ("tests/sync/test_histories_found.py",),
    ),
    Mutation(
        "a lost subscription is believed to be there", "sync/subscribing.py", "if bell is None:", "if False:", _DOORBELL
    ),
    Mutation(
        "a subscription runs out",
        "sync/subscribing.py",
        "limits.SUBSCRIPTION_LIFE / 3",
        "limits.SUBSCRIPTION_LIFE / 3_000",
        _DOORBELL,
    ),
    Mutation(
        "what a dead worker made stays at Microsoft",
        "sync/subscribing.py",
        "if one.notification_url == address:",
        "if False:",
        _DOORBELL,
    ),
    Mutation(
        "an event's row is deleted before it is sent",
        "workspace/outbox.py",
        """                await self._queue.send(row.read(CloudEvent).json())
                # Another process may have sent it as well.
                with contextlib.suppress(Conflict):
                    await self._tables.transact(partition_of(workspace), [Operation(Verb.DELETE, row.row_key)])
""",
        """                with contextlib.suppress(Conflict):
                    await self._tables.transact(partition_of(workspace), [Operation(Verb.DELETE, row.row_key)])
                await self._queue.send(row.read(CloudEvent).json())
""",
        _EVENTS,
    ),
    Mutation(
        "an event that was sent stays in the outbox",
        "workspace/outbox.py",
        "await self._tables.transact(partition_of(workspace), [Operation(Verb.DELETE, row.row_key)])",
        "pass",
        _EVENTS,
    ),
    Mutation(
        "the timer sends no events",
        "connect/dispatch.py",
        "await self._send_events(message.workspace_id)",
        "pass",
        _EVENTS,
    ),
)
