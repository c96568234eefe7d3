"""Put each mutation into a copy of the project and run its tests there: every one of them has to fail.

The quick, pure tests come first, the ones on real parts only for what those let through.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
PURE = (
    *("tests/mapping", "tests/directory/test_delta.py", "tests/sync/test_plan.py", "tests/workspace"),
    *("tests/sync/test_rollcall.py", "tests/sync/test_undo.py"),
    *("tests/sync/test_histories_found.py", "tests/sync/test_histories_pure.py"),
)
REAL = ("tests/directory", "tests/sync")
_SKIPPED = {".git", ".venv", "node_modules", ".local", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of those to try")
    wanted = [one for one in MUTATIONS if parser.parse_args().only in one.name]
    with tempfile.TemporaryDirectory(prefix="emu-mutants-") as folder:
        copy = _copy(Path(folder) / "project")
        if (failing := _caught_by(copy)) is not None:
            print(f"The tests of {failing} fail without any mutation. Mend that first.")
            return 1
        survivors = [one for number, one in enumerate(wanted, 1) if not _tried(copy, one, number, len(wanted))]
    print(f"{len(wanted) - len(survivors)} of {len(wanted)} mutations caught.")
    for one in survivors:
        print(f"NOT CAUGHT: {one.name} ({one.path})")
    return 1 if survivors else 0


def _copy(to: Path) -> Path:
    shutil.copytree(ROOT, to, ignore=lambda _, names: _SKIPPED & set(names))
    for built in (".venv", "local/node/node_modules"):
        (to / built).symlink_to(ROOT / built)
    return to


def _tried(copy: Path, mutation: Mutation, number: int, of: int) -> bool:
    place = copy / mutation.path
    text = place.read_text()
    if text.count(mutation.old) != 1:
        print(f"{mutation.name}: the place to change is not there once, but {text.count(mutation.old)} times")
        return False
    began = time.monotonic()
    place.write_text(text.replace(mutation.old, mutation.new))
    try:
        ring = _caught_by(copy, mutation.tests)
    finally:
        place.write_text(text)
    seconds = time.monotonic() - began
    print(f"{number:3}/{of} {mutation.name:<52} {ring or 'NOT CAUGHT':<12} {seconds:5.1f} s", flush=True)
    return ring is not None


def _caught_by(copy: Path, tests: tuple[str, ...] = ()) -> str | None:
    """The ring whose tests fail, None when all pass."""
    for ring, paths in (("its own", tests),) if tests else (("pure", PURE), ("real parts", REAL)):
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "--dist", "loadfile", *paths]
        environment = os.environ | {"HISTORIES": "40", "HISTORIES_PURE": "300"}
        tried = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        code = tried.returncode
        if " failed" in tried.stdout:
            return ring
        if code != 0:
            raise SystemExit(f"pytest ended with {code}:\n{tried.stdout}{tried.stderr}")
    return None


if __name__ == "__main__":
    sys.exit(main())
