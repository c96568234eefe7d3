"""States and attempts end after ten minutes, and each step is taken once (spec §2)."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from msgspec.structs import replace

from connect.attempt import (
    LIFE,
    Attempt,
    Leg,
    Stage,
    StateRefused,
    at_stage,
    hash_of,
    matches,
    read_state,
    sign_state,
)
from workspace.connection import WorkspaceId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "a-secret-of-at-least-32-characters"
ATTEMPT = Attempt("0" * 32, WorkspaceId("w"), "ada", NOW + LIFE)


def test_a_state_is_read_as_it_was_signed():
    state = sign_state(ATTEMPT, Leg.SIGN_IN, SECRET)

    assert read_state(state, SECRET, NOW) == ("w", ATTEMPT.id, Leg.SIGN_IN)


def test_a_state_ends_after_ten_minutes():
    state = sign_state(ATTEMPT, Leg.CONSENT, SECRET)

    read_state(state, SECRET, NOW + timedelta(minutes=10))
    with pytest.raises(StateRefused):
        read_state(state, SECRET, NOW + timedelta(minutes=10, seconds=1))


@pytest.mark.parametrize(
    "forged",
    [
        jwt.encode({"aud": "emu.chat/entra/consent", "w": "w", "a": "a", "leg": "consent", "exp": 9e9}, "x" * 32),
        jwt.encode({"aud": "another", "w": "w", "a": "a", "leg": "consent", "exp": 9e9}, SECRET),
        jwt.encode({"aud": "emu.chat/entra/consent", "a": "a", "leg": "consent", "exp": 9e9}, SECRET),
        jwt.encode({"aud": "emu.chat/entra/consent", "w": "w", "a": "a", "leg": "both", "exp": 9e9}, SECRET),
        jwt.encode({"aud": "emu.chat/entra/consent", "w": "w", "a": "a", "leg": "consent"}, SECRET),
    ],
    ids=["another secret", "another audience", "no workspace", "an unknown leg", "no end"],
)
def test_a_state_that_is_not_ours_is_refused(forged):
    with pytest.raises(StateRefused):
        read_state(forged, SECRET, NOW)


@pytest.mark.parametrize("stage", list(Stage))
def test_an_attempt_takes_each_step_once_and_in_time(stage):
    attempt = replace(ATTEMPT, stage=stage)

    assert at_stage(attempt, stage, NOW) == attempt
    for other in set(Stage) - {stage}:
        with pytest.raises(StateRefused):
            at_stage(attempt, other, NOW)
    with pytest.raises(StateRefused):
        at_stage(attempt, stage, NOW + LIFE + timedelta(seconds=1))
    with pytest.raises(StateRefused):
        at_stage(None, stage, NOW)


def test_a_code_is_kept_as_its_hash():
    stored = hash_of("secret")

    assert matches(stored, "secret")
    assert not matches(stored, "Secret")
    assert not matches(stored, "\ud800")
    assert not matches("", "")
