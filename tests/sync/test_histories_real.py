"""Random histories on the real stack, with faults, redeliveries, dying workers and orphans, against the model.

HISTORIES sets how many; `make soak` runs thousands. Workers die inside a storage call, before it is sent: between any
two writes of a slice. What the message, the clock and the next worker then do is what the host and the timer do.
"""

import asyncio
import itertools
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.flaky import FlakyStorage
from tests.histories import HISTORY, one_of_each, progress, require_met
from tests.rig import make_rig
from tests.stack import play
from tests.worlds import RealWorld

pytestmark = pytest.mark.servers

EXAMPLES = int(os.environ.get("HISTORIES", "20"))
_NEED_A_DOOR = {"storage", "outage", "orphan"}
met = Counter()


@pytest.fixture(scope="session")
def storage(azurite):
    """An account for some hundred histories, then the next one: Azurite gets slower the more an account holds."""
    number = itertools.count()
    return lambda: azurite.connection_string(f"account{1380 + next(number) // 200 % 100:04d}")


async def world_for(directory, storage, history):
    account, kinds = storage(), {step[0] for step in history}
    door = await FlakyStorage(account).open() if kinds & _NEED_A_DOOR else None
    rig = await make_rig(door.connection_string if door else account, directory.settings(), directory.control.tenant())
    if any(step[0] == "fault" and step[1].get("kind") == "stall" for step in history):
        rig.services.graph.longest_request_seconds = 0.5
    return RealWorld(rig, door)


@pytest.mark.timeout(600 + 10 * EXAMPLES)
def test_every_history_ends_in_the_list_that_the_spec_says(directory, storage):
    tell = progress("histories on real parts", EXAMPLES)

    async def one(history):
        await play(await world_for(directory, storage, history), history, met)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(HISTORY)
    def every(history):
        asyncio.run(one(history))
        tell()

    for history in one_of_each(thorough=False):
        every = example(history)(every)
    every()
    print(f"\n{EXAMPLES} histories met: {dict(sorted(met.items()))}")
    require_met(met, EXAMPLES)
