"""Wrong input to a command of local/ is one clear line, an exit code that is not 0, within seconds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


NOBODY = "http://127.0.0.1:9/"
"""A registry that does not answer: as without a network."""


@pytest.fixture
def fresh(tmp_path):
    """What `make setup` needs of the tree, in a folder where nothing was built."""
    for name in ("Makefile", "local/requirements/dev-lock.txt", "local/node/package.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "local/node/package-lock.json", tmp_path / "local/node")
    shutil.copytree(ROOT / "local/tools", tmp_path / "local/tools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def make(folder, *words, **environment):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--silent", *words],
        cwd=folder,
        env=plain | environment | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def said_in_one_line(told, said):
    """make itself adds which target it was."""
    lines = [line for line in told.stderr.splitlines() if not line.startswith("make:")]
    return told.returncode != 0 and len(lines) == 1 and said in lines[0]


def test_python_packages_without_a_network_are_one_clear_line(fresh):
    # An environment that is there lacks one package: making one takes longer than all the rest.
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (fresh / ".venv" / "bin" / "python").chmod(0o755)
    with (fresh / "local/requirements/dev-lock.txt").open("a") as file:
        file.write(f"a-package-that-is-not-there==1 --hash=sha256:{64 * '0'}\n")

    told = make(fresh, ".venv/.ready", PIP_INDEX_URL=NOBODY, PIP_NO_CACHE_DIR="1")

    assert said_in_one_line(told, "Python packages could not be fetched: the network"), told.stderr
    assert not (fresh / ".venv" / ".ready").exists()


def test_node_packages_without_a_network_are_one_clear_line(fresh):
    (fresh / ".venv").symlink_to(Path(sys.prefix))
    ready = "local/node/node_modules/.ready"

    told = make(fresh, "-o", ".venv/.ready", ready, npm_config_registry=NOBODY, npm_config_cache=str(fresh / "cache"))

    assert said_in_one_line(told, "Node packages could not be fetched: the network"), told.stderr
    assert not (fresh / ready).exists()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    told = subprocess.run(
        [
            "local/tools/bring",
            "Python packages",
            "sh",
            "-c",
            "echo 'OSError: [Errno 30] Read-only file system'; exit 1",
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (told.returncode, "this folder cannot be written" in told.stderr) == (1, True)
