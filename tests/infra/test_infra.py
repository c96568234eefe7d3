"""What is deployed is what is pinned; workflows do what CI does; documents name what there is."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from local.tools.infra import INFRA

ROOT = INFRA.parent


def pins(path):
    """Versions by name, as a file of requirements pins them."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[\w+\])?==([^\s;]+)", (ROOT / path).read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize(
    ("wanted", "lock"), [("../../requirements.txt", "lock"), ("dev.txt", "dev-lock"), ("audit.txt", "audit-lock")]
)
def test_a_lock_holds_every_pin_with_hashes(wanted, lock):
    folder = "local/requirements"

    assert pins(f"{folder}/{wanted}").items() <= pins(f"{folder}/{lock}.txt").items()
    for block in re.split(r"^(?=[A-Za-z0-9])", (ROOT / folder / f"{lock}.txt").read_text(), flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_tests_run_on_the_versions_that_are_deployed():
    deployed = pins("local/requirements/lock.txt")

    assert deployed.items() <= pins("local/requirements/dev-lock.txt").items()


def test_every_environment_is_installed_from_a_lock():
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]

    assert len(installs) == 2
    assert all(re.search(r"--require-hashes -r local/requirements/\w+-lock\.txt", line) for line in installs)


def test_every_action_of_a_workflow_is_pinned_by_its_commit():
    paths = [*(ROOT / ".github" / "workflows").iterdir()]
    used = [line.strip() for path in paths for line in path.read_text().splitlines() if "uses:" in line]

    assert used
    assert [line for line in used if not re.fullmatch(r"- uses: [\w/-]+@[0-9a-f]{40}  # v[\d.]+", line)] == []


@pytest.mark.parametrize(
    ("said", "code", "offline", "passes"),
    [
        ("No known vulnerabilities found", 0, "", True),
        ("Found 2 known vulnerabilities in 1 package", 1, "", False),
        ("Found 2 known vulnerabilities in 1 package", 1, "1", False),
        ("ConnectionError", 1, "", False),
        ("ConnectionError", 1, "1", True),
        ("x could not be audited", 0, "", False),
    ],
)
def test_an_audit_that_finds_a_weakness_or_cannot_ask_fails(tmp_path, said, code, offline, passes):
    tools = {"pip-audit": f"echo '{said}'; exit {code}", "python": "true", "checkov": "echo Passed checks: 1"}
    for name, does in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)

    told = subprocess.run(
        ["local/tools/audit", tmp_path], cwd=ROOT, env=os.environ | {"OFFLINE": offline}, timeout=30, check=False
    )

    assert (told.returncode == 0) == passes


def test_workflows_do_what_ci_does():
    check = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yaml").read_text())
    steps = [step.get("run", "") for step in check["jobs"]["check"]["steps"]]

    assert ".ci/run" in steps
    infra = yaml.safe_load((ROOT / ".github" / "workflows" / "infra.yaml").read_text())
    assert "python local/tools/infra.py" in [step.get("run") for step in infra["jobs"]["bicep"]["steps"]]


def test_ci_compiles_infra_with_the_bicep_that_lies_beside_it():
    script = (ROOT / ".ci" / "run").read_text()

    assert "make infra\n" in script
    assert "../shared/tools/bicep" in script


def test_paths_named_in_documents_exist():
    for document in (
        ROOT / "README.md",
        ROOT / "docs/CONTRIBUTING.md",
        ROOT / "docs/SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ):
        for path in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / path).exists(), f"{document.name}: {path}"
        for path in re.findall(
            r"`((?:tests|sync|mapping|local|api|infra|bench|tools)/[\w./-]+\.py)`", document.read_text()
        ):
            assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_tests_named_in_the_threat_model_exist():
    names = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/SECURITY.md").read_text()))
    there = "\n".join(path.read_text() for path in Path(ROOT / "tests").rglob("test_*.py"))

    assert names
    assert {name for name in names if f"def {name}(" not in there} == set()


def test_every_row_of_the_threat_model_names_what_would_fail():
    text = (ROOT / "docs/SECURITY.md").read_text()
    rows = [
        line.split(" | ") for line in text.splitlines() if line.startswith("| ") and not line.startswith("| who wants")
    ]

    assert len(rows) > 25
    for row in rows[1:]:
        named = re.findall(r"`(tests/[\w/.]+|test_\w+)`", row[-1])
        assert named, row[0]
        assert all((ROOT / one).exists() for one in named if one.startswith("tests/")), row[0]


def test_the_dev_container_can_have_core_tools_and_bicep():
    told = (ROOT / ".devcontainer" / "devcontainer.json").read_text()

    # Core Tools do not install on trixie. Pinned by digest: a tag can be moved.
    assert re.search(r'"mcr\.microsoft\.com/devcontainers/python:3\.13-bookworm@sha256:[0-9a-f]{64}"', told)
    assert '"installBicep": true' in told


def release():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "release.yaml").read_text())


def commands(job):
    return "\n".join(step.get("run", "") for step in release()["jobs"][job]["steps"])


def test_a_release_is_tested_kept_and_only_then_deployed():
    build = commands("build")

    assert build.index(".ci/run") < build.index("make package") < build.index("gh release create")
    assert "dist/connector.zip" in build
    assert release()["jobs"]["deploy"]["needs"] == "build"
    assert "sha256sum --check" in commands("deploy")
    assert "/api/health" in commands("deploy")


def test_what_is_deployed_is_the_archive_that_was_kept():
    """So that going back to an older release is the same deployment with another tag."""
    deploy = commands("deploy")

    assert deploy.index("gh release download") < deploy.index("config-zip")
    assert "make package" not in deploy
    assert True in release()  # YAML reads `on` as true.
    assert "tag" in release()[True]["workflow_dispatch"]["inputs"]
    assert "gh workflow run release.yaml" in (ROOT / "infra" / "README.md").read_text()


def test_no_workflow_holds_a_secret_of_azure():
    """GitHub's own token is exchanged (OIDC); one environment decides who may."""
    assert release()["jobs"]["deploy"]["permissions"]["id-token"] == "write"
    assert release()["jobs"]["deploy"]["environment"] == "production"
    for path in (ROOT / ".github" / "workflows").glob("*.yaml"):
        assert "secrets." not in path.read_text()


def test_what_a_workflow_is_told_is_never_part_of_a_command():
    """An expression within `run` would be a way to run something else: a tag is whatever somebody typed."""
    for path in (ROOT / ".github" / "workflows").glob("*.yaml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
