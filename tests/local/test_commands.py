"""Wrong input to a command of local/ is one clear line, an exit code that is not 0, within seconds."""

import subprocess
import sys

import pytest

from local.demo import changed_people
from tests.test_documents import ROOT


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("local.host", "--port", 99999), "'99999' is not a whole number from 0 to 65535"),
        (("local.microsoft", "--port", "x"), "'x' is not a whole number from 0 to 65535"),
        (("local.demo", "--people", -5), "'-5' is not a whole number from 0 to"),
        (("local.demo", "--latency-ms", "slow"), "'slow' is not a number from 0 to"),
        (("local.host", "--settings", "/nonexistent"), "/nonexistent is missing"),
        (("local.host", "--settings", "/"), "/ cannot be read"),
    ],
    ids=str,
)
def test_a_wrong_value_is_one_clear_line(words, said):
    told = run(*words)

    assert told.returncode != 0
    assert (said in told.stderr, len(told.stderr.splitlines()), told.stdout) == (True, 1, "")


@pytest.mark.parametrize(
    ("module", "option"), [("local.azurite", "--location"), ("local.microsoft", "--state")], ids=str
)
def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path, module, option):
    (tmp_path / "file").touch()

    told = run(module, option, tmp_path / "file" / "below")

    assert told.returncode == 1
    assert (f"the folder {tmp_path}" in told.stderr, len(told.stderr.splitlines())) == (True, 1)


def test_each_person_of_the_demo_whose_change_is_told_changes():
    users = [
        {"id": f"{n}", "removed": None, "accountEnabled": True, "companyName": "Contoso" if n % 2 else None}
        for n in range(20)
    ]
    by_id = {user["id"]: user for user in users}

    steps = changed_people(users)

    assert len(steps) == 12
    assert all(by_id[user].get(name) != value for _, user, values in steps for name, value in values.items())
