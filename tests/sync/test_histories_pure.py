"""Thousands of random histories on the production shell, over tables, a queue and a Microsoft in memory.

HISTORIES_PURE sets how many. No server, no socket: what is left of the real thing is all that decides.
"""

import ast
import asyncio
import logging
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.histories import HISTORY, URL, one_of_each, progress, require_met
from tests.memory_rig import make_memory_rig
from tests.stack import play
from tests.worlds import MemoryWorld

EXAMPLES = int(os.environ.get("HISTORIES_PURE", "800"))
met = Counter()


@pytest.fixture
def quiet():
    """Hundreds of thousands of warnings about made-up troubles tell nothing, and take a third of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(600 + EXAMPLES)
def test_every_history_ends_in_the_list_that_the_spec_says(quiet):
    tell = progress("histories in memory", EXAMPLES)
    with asyncio.Runner() as runner:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        )
        @given(HISTORY)
        def every(history):
            runner.run(play(MemoryWorld(make_memory_rig(notification_url=URL)), history, met))
            tell()

        for history in one_of_each(thorough=True):
            every = example(history)(every)
        every()
    print(f"\n{EXAMPLES} histories met: {dict(sorted(met.items()))}")
    require_met(met, EXAMPLES)


def test_the_model_is_not_the_engine():
    """A model that imported the engine could not find it wrong."""
    tree = ast.parse((Path(__file__).parents[1] / "model.py").read_text())

    assert {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} == {"dataclasses"}
