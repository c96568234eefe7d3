"""Quotas that a person never meets: full runs, previews, grant attempts (spec §7)."""

import asyncio

import pytest

import limits
from api.caller import Caller
from api.pace import FullRunPace, OneAtATime
from connect.attempt import LIFE
from errors import TooMany
from tests.api.calls import called
from tests.planted import rows_that_hold
from workspace.connection import WorkspaceId

ADA = Caller("ada", "Ada", WorkspaceId("w-1"), "One", is_admin=True)
BOB = Caller("bob", "Bob", WorkspaceId("w-2"), "Two", is_admin=True)


async def test_a_workspace_that_asks_for_full_runs_again_and_again_is_told_to_wait(rig, directory):
    await rig.connect()
    token = directory.control.token(f"admin@{rig.workspace}")

    answers = [
        await called(rig.services.run_calls.sync, "POST", token, {"mode": mode})
        for mode in ["full"] * (limits.FULL_RUNS_AT_ONCE + 1) + ["delta"]
    ]

    assert [one.status_code for one in answers] == [202] * limits.FULL_RUNS_AT_ONCE + [429, 202]
    assert 0 < int(answers[-2].headers["Retry-After"]) <= limits.SECONDS_A_FULL_RUN


def test_full_runs_are_let_through_again_after_a_pause():
    seconds = 0.0
    pace = FullRunPace(lambda: seconds)
    for _ in range(limits.FULL_RUNS_AT_ONCE):
        pace.take(ADA)
    with pytest.raises(TooMany):
        pace.take(ADA)
    pace.take(BOB)
    seconds += limits.SECONDS_A_FULL_RUN

    pace.take(ADA)


async def test_previews_of_a_workspace_go_one_at_a_time_and_a_few_wait():
    turns, going, most = OneAtATime("busy"), 0, 0

    async def preview(caller):
        nonlocal going, most
        async with turns.only(caller):
            going += 1
            most = max(most, going)
            await asyncio.sleep(0)
            going -= 1

    done = await asyncio.gather(*(preview(ADA) for _ in range(10)), return_exceptions=True)

    assert most == 1
    assert [type(one) for one in done].count(TooMany) == 10 - 1 - limits.PREVIEWS_WAITING
    await preview(ADA)


async def test_open_grant_attempts_are_few_and_those_that_are_over_are_deleted(rig):
    consent = rig.services.consent_calls.consent
    for _ in range(limits.OPEN_ATTEMPTS):
        await consent.begin(rig.workspace, "ada")
    with pytest.raises(TooMany):
        await consent.begin(rig.workspace, "ada")
    rig.clock.offset += 2 * LIFE

    await consent.begin(rig.workspace, "ada")

    assert len(await rows_that_hold(rig.account, "attempt:")) == 1


@pytest.mark.parametrize("call", ["health", "portal", "missing", "refused"])
async def test_every_answer_has_the_headers_that_keep_browsers_careful(rig, call):
    services = rig.services
    answer = {
        "health": lambda: called(services.health.show, "GET", "x"),
        "portal": lambda: called(services.portal.show, "GET", "x", route={"path": "app.js"}),
        "missing": lambda: called(services.portal.show, "GET", "x", route={"path": "nothing"}),
        "refused": lambda: called(services.integration.show, "GET", "x"),
    }[call]

    headers = (await answer()).headers

    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
