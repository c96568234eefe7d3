"""What is deployed runs by itself: unpacked elsewhere, with nothing of the repository beside it but the local host."""

import contextlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from local.azurite import free_ports
from local.host.process import start_host
from local.office import ENTRA, Office, host_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    built = [sys.executable, "local/tools/package.py", "--out", out]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return out / "connector.zip"


def test_nothing_is_in_it_that_does_not_belong(archive):
    names = zipfile.ZipFile(archive).namelist()

    tops = {name.partition("/")[0] for name in names}
    assert tops >= {"function_app.py", "host.json", "requirements.txt", "portal", "sync", "workspace"}
    assert not tops & {"tests", "local", "bench", "infra", "docs", "tools", "node_modules", ".venv", "Makefile"}
    assert "local.settings.json" not in names
    assert "--hash=sha256:" in zipfile.ZipFile(archive).read("requirements.txt").decode()
    everything = b"\n".join(zipfile.ZipFile(archive).read(name) for name in names)
    for secret in (b"local-only", b"AccountName=account", b"PRIVATE KEY-----"):
        assert secret not in everything


@pytest.mark.parametrize("name", [".env", "private.pem", "notes.txt", "sync/.env", "api/key.pem"])
def test_a_secret_that_lies_about_is_neither_packaged_nor_committed(name, tmp_path):
    planted = ROOT / name
    assert not planted.exists()
    planted.write_text("SECRET=planted")
    try:
        subprocess.run([sys.executable, "local/tools/package.py", "--out", tmp_path], cwd=ROOT, check=True, timeout=60)
        untracked = subprocess.run(
            ["git", "status", "--porcelain", "--", name], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
    finally:
        planted.unlink()

    archive = zipfile.ZipFile(tmp_path / "connector.zip")
    assert b"SECRET=planted" not in b"".join(archive.read(one) for one in archive.namelist())
    # What git ignores is not committed by `git add --all`; a text in the root is nobody's secret.
    assert untracked == "" or name == "notes.txt"


def test_the_same_files_make_the_same_archive(archive, tmp_path):
    subprocess.run([sys.executable, "local/tools/package.py", "--out", tmp_path], cwd=ROOT, check=True, timeout=60)

    assert (tmp_path / "connector.zip").read_bytes() == archive.read_bytes()


@pytest.fixture
def deployed(archive, tmp_path, azurite, directory):
    """The host, from a folder that has the unpacked archive and the local host's own code, and nothing else."""
    app, beside = tmp_path / "app", tmp_path / "beside"
    zipfile.ZipFile(archive).extractall(app)
    shutil.copytree(ROOT / "local", beside / "local", ignore=shutil.ignore_patterns("__pycache__"))
    port = free_ports()[0]
    settings = host_settings(azurite.connection_string("account1490"), directory, port)
    directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    running = start_host(settings, tmp_path / "host.log", port=port, root=app, beside=beside)
    yield running
    running.stop()


def test_the_archive_alone_connects_syncs_and_serves_the_page(deployed, directory, tenant):
    tenant.do(*(("hire", {"givenName": f"P{number}"}) for number in range(30)))
    with contextlib.closing(Office(deployed.url, directory, tenant)) as office:
        run = office.set_up()

        assert run["counts"]["added"] == 30
        assert len(office.contacts()) == 30
        assert httpx.get(f"{deployed.url}/api/health").status_code == 200
        assert 'src="app.js"' in httpx.get(f"{deployed.url}/api/portal/").text
        assert office.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})["run"]


def test_the_app_is_indexed_from_the_archive_with_the_deployed_packages_alone(archive, tmp_path):
    """No module of the developer's packages is imported: they would be missing in Azure."""
    zipfile.ZipFile(archive).extractall(tmp_path)
    script = "import sys, function_app, services; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert not set(told.stdout.split()) & {"pytest", "hypothesis", "rich", "yaml", "trustme", "local", "tests", "bench"}
