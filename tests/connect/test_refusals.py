"""An attack leaves a trace: a line and a count for each refused sign-in, right and proof."""

import limits
from connect.refusals import Refusals, subject
from tests.api.calls import called


def lines(caplog):
    return [one.getMessage() for one in caplog.records if "security_refused" in one.getMessage()]


async def test_a_call_without_a_good_token_leaves_a_line(rig, caplog):
    await called(rig.services.integration.show, "GET", "forged")

    assert len(lines(caplog)) == 1
    assert "reason=not_signed_in" in lines(caplog)[0]


async def test_a_member_who_tries_what_only_an_administrator_may_leaves_a_line(rig, directory, caplog):
    person = f"member@{rig.workspace}"

    answer = await called(rig.services.run_calls.sync, "POST", directory.control.token(person), {"mode": "full"})

    assert answer.status_code == 403
    assert len(lines(caplog)) == 1
    assert f"reason=not_allowed call=named workspace={rig.workspace} subject=" in lines(caplog)[0]
    assert "member" not in lines(caplog)[0]
    assert "subject=-" not in lines(caplog)[0]


async def test_a_forged_return_from_microsoft_leaves_a_line(rig, caplog):
    await rig.services.consent_calls.consent.returned({"state": "forged", "tenant": "x"})

    assert "reason=consent_expired call=callback workspace=-" in lines(caplog)[0]


async def test_a_return_for_a_workspace_says_whose_it_is(rig, caplog):
    address, _ = await rig.services.consent_calls.consent.begin(rig.workspace, "ada")
    state = address.partition("state=")[2].partition("&")[0]

    await rig.services.consent_calls.consent.returned({"state": state, "admin_consent": "True", "tenant": "forged"})

    assert f"reason=consent_not_valid call=callback workspace={rig.workspace}" in lines(caplog)[0]


async def test_a_code_that_is_not_good_leaves_a_line(rig, directory, caplog):
    token = directory.control.token(f"admin@{rig.workspace}")

    await called(rig.services.consent_calls.complete, "POST", token, {"code": "x", "verifier": "y"})

    assert f"reason=consent_code call=named workspace={rig.workspace} subject=" in lines(caplog)[0]


def test_a_flood_fills_no_log_and_what_was_left_out_is_told(caplog):
    seconds = 0.0
    refusals = Refusals(lambda: seconds)
    for _ in range(limits.REFUSALS_A_MINUTE + 500):
        refusals.tell("not_signed_in", "show")
    seconds = 60.0

    refusals.tell("not_signed_in", "show")

    assert len(lines(caplog)) == limits.REFUSALS_A_MINUTE + 1
    assert "left_out=500" in lines(caplog)[-1]


def test_a_subject_is_the_same_for_the_same_person_and_tells_nothing_else():
    assert subject("ada") == subject("ada") != subject("bob")
