"""azure.yaml, main.parameters.json and the hooks: what azd does in which order, and with what."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local.tools.infra import INFRA
from tests.infra.kept import template

ROOT = INFRA.parent
HOOKS = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]
SERVICE = yaml.safe_load((ROOT / "azure.yaml").read_text())["services"]["connector"]
CLIENT = "33333333-3333-4333-8333-333333333333"
LOCK = "/subscriptions/s/providers/Microsoft.Authorization/locks/keep"


def parameters():
    return json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def test_azd_fills_in_what_the_template_knows_and_everything_it_needs():
    known = template()["parameters"]
    needed = {name for name, told in known.items() if "defaultValue" not in told}

    assert set(parameters()) <= set(known)
    # A value there, even an empty one, would keep azd from making it.
    assert needed - set(parameters()) == {"stateSecret"}


def test_azd_makes_the_state_secret_itself():
    """Required parameters are resolved before any hook: a hook cannot make it."""
    told = template()["parameters"]["stateSecret"]

    assert told["metadata"]["azd"]["type"] == "generate"
    assert told["metadata"]["azd"]["config"]["length"] >= told["minLength"]
    assert "preprovision" not in HOOKS


def test_azd_asks_for_an_address_and_a_region_that_can_hold_the_app():
    known = template()["parameters"]

    assert "defaultValue" not in known["alertEmail"]
    assert parameters()["alertEmail"] == {"value": "${ALERT_EMAIL}"}  # With a default, azd would not ask.
    assert known["location"]["metadata"]["azd"] == {"type": "location"}
    assert "westeurope" in known["location"]["allowedValues"]


def test_the_package_is_built_by_the_service_and_not_by_the_project():
    """`azd deploy` runs the service's hooks alone."""
    assert "prepackage" in SERVICE["hooks"]
    assert "prepackage" not in HOOKS
    assert (ROOT / SERVICE["project"]).resolve() == ROOT
    assert SERVICE["dist"] == "dist/app"


@pytest.fixture
def bare_path(tmp_path):
    """A PATH with python3 and git on it, and nothing of the developers' set-up."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, program in {"python3": Path(sys.executable).resolve(), "git": shutil.which("git")}.items():
        (folder / name).symlink_to(program)
    return str(folder)


def test_a_fresh_clone_packages_with_python_and_git_alone(tmp_path, bare_path):
    clone = tmp_path / "clone"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in files.stdout.split("\0"):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, clone / name)
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)

    command = SERVICE["hooks"]["prepackage"]["posix"]["run"]
    subprocess.run(["/bin/sh", "-c", command], cwd=clone, env={"PATH": bare_path}, check=True, timeout=60)

    built = {path.relative_to(clone / SERVICE["dist"]).as_posix() for path in (clone / SERVICE["dist"]).rglob("*")}
    assert {"function_app.py", "host.json", "requirements.txt"} <= built


def hook(name, said="", path="", **azd):
    """Run a hook as azd does; `said` is what somebody types."""
    command = HOOKS[name]["posix"]["run"].replace("python3", sys.executable)
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env={"PATH": path, **azd},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_warning_is_printed_when_nobody_is_told_by_the_alarms():
    silent = hook("postprovision", ENTRA_CLIENT_ID=CLIENT, ALERT_EMAIL="")
    told = hook("postprovision", ENTRA_CLIENT_ID=CLIENT, ALERT_EMAIL="operators@example.org")

    assert "WARNING: nobody is told" in silent.stdout
    assert told.stdout == ""


def test_without_a_registration_its_values_are_printed_and_the_next_steps():
    values = {
        "REDIRECT_URI": "https://app/callback",
        "FEDERATION_ISSUER": "https://login/issuer",
        "FEDERATION_SUBJECT": "principal",
        "FEDERATION_AUDIENCE": "api://audience",
    }

    said = hook("postprovision", ALERT_EMAIL="a@b", ENTRA_CLIENT_ID="", **values).stdout

    for name, value in values.items():
        assert f"{name}={value}" in said
    assert "azd env set ENTRA_CLIENT_ID" in said
    assert set(values) <= set(template()["outputs"])


@pytest.fixture
def azure_cli(tmp_path):
    """A folder with an `az` that only writes down what it was asked for."""
    folder = tmp_path / "az"
    folder.mkdir()
    script = folder / "az"
    script.write_text(f'#!/bin/sh\necho "$*" >> {folder}/asked\n')
    script.chmod(0o755)
    return folder


def asked(azure_cli):
    return (azure_cli / "asked").read_text().splitlines() if (azure_cli / "asked").exists() else []


def test_taking_down_deletes_registration_and_lock_when_somebody_says_yes(azure_cli):
    done = hook("predown", "yes\nyes\n", str(azure_cli), ENTRA_CLIENT_ID=CLIENT, DATA_LOCK=LOCK)

    assert done.returncode == 0
    assert asked(azure_cli) == [f"ad app delete --id {CLIENT}", f"lock delete --ids {LOCK}"]
    assert HOOKS["predown"]["posix"]["interactive"] is True
    assert HOOKS["predown"]["windows"]["interactive"] is True


def test_the_registration_survives_a_no(azure_cli):
    done = hook("predown", "\n", str(azure_cli), ENTRA_CLIENT_ID=CLIENT)

    assert done.returncode == 0
    assert f"az ad app delete --id {CLIENT}" in done.stdout
    assert asked(azure_cli) == []


def test_nobody_there_is_a_no_and_a_lock_that_stays_stops_azd(azure_cli):
    done = hook("predown", "", str(azure_cli), ENTRA_CLIENT_ID=CLIENT, DATA_LOCK=LOCK)

    assert done.returncode == 1
    assert asked(azure_cli) == []


def test_a_registration_of_somebody_else_is_not_ours_to_delete(azure_cli):
    done = hook("predown", "yes\n", str(azure_cli), ENTRA_CLIENT_ID=CLIENT, MAKE_APP_REGISTRATION="false")

    assert (done.returncode, asked(azure_cli)) == (0, [])


def test_what_does_not_succeed_stops_azd(tmp_path):
    done = hook("predown", "yes\n", str(tmp_path), ENTRA_CLIENT_ID=CLIENT)

    assert done.returncode == 1
    assert "did not succeed: az ad app delete" in done.stderr


def test_both_shells_run_the_same():
    for told in (*HOOKS.values(), *SERVICE["hooks"].values()):
        assert told["posix"]["run"].removeprefix("python3 ") == told["windows"]["run"].removeprefix("python ")
        assert (ROOT / told["posix"]["run"].split()[1]).exists()
