"""What is deployed is what is pinned; workflows do what CI does; documents name what there is."""

import re
from pathlib import Path

import yaml

from local.tools.infra import INFRA

ROOT = INFRA.parent


def test_the_lock_holds_every_pin_with_hashes():
    lock = (ROOT / "local/requirements/lock.txt").read_text()
    wanted = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)(?:\[\w+\])?==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    )
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[\w+\])?==(\S+)", lock, re.MULTILINE))

    assert {name.lower(): version for name, version in wanted.items()}.items() <= {
        name.lower(): version for name, version in locked.items()
    }.items()
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


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


def test_the_dev_container_can_have_core_tools_and_bicep():
    told = (ROOT / ".devcontainer" / "devcontainer.json").read_text()

    assert "python:3.13-bookworm" in told  # Core Tools do not install on trixie.
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
