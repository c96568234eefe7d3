"""Build what is deployed: dist/app, and the same as dist/connector.zip. Nothing but what DEPLOYED lists.

`requirements.txt` in it is the lock, so that the installation in Azure checks every hash.
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOYED = {
    "api": ("py",),
    "connect": ("py",),
    "contacts": ("py",),
    "directory": ("py",),
    "mapping": ("py",),
    "portal": ("css", "html", "js", "svg"),
    "storage": ("py",),
    "sync": ("py",),
    "workspace": ("py",),
    "errors.py": ("py",),
    "function_app.py": ("py",),
    "host.json": ("json",),
    "limits.py": ("py",),
    "services": ("py",),
}
"""Folders and files of the root that are deployed, with the endings that may stand there."""

_LOCK = "local/requirements/lock.txt"
_DATED = (2020, 1, 1, 0, 0, 0)
"""The same files make the same archive."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make package", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where it goes (default: dist)")
    out = parser.parse_args().out
    app, archive = out / "app", out / "connector.zip"
    shutil.rmtree(app, ignore_errors=True)
    for name in names():
        target = app / ("requirements.txt" if name == _LOCK else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(app.rglob("*")):
            if path.is_file():
                zipped.writestr(zipfile.ZipInfo(str(path.relative_to(app)), _DATED), path.read_bytes())
    size = archive.stat().st_size / 1024
    print(f"{archive.relative_to(out.parent)}: {len(names())} files, {size:.0f} KB")
    return 0


def names() -> list[str]:
    """Files of the repository that are deployed."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(name for name in told.stdout.splitlines() if (ROOT / name).is_file() and _deployed(name))


def _deployed(name: str) -> bool:
    endings = DEPLOYED.get(name.partition("/")[0], ())
    return name == _LOCK or name.rpartition(".")[2] in endings


if __name__ == "__main__":
    sys.exit(main())
