"""Compile infra/ with Microsoft's Bicep CLI: no warning, and the template and snapshots that infra/snapshots/ keeps.

The CLI is the one that the variable BICEP names, else `bicep` on PATH, else the one of `az bicep install`. BICEP_CONFIG
names another configuration than infra/bicepconfig.json, for machines that reach no registry.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

INFRA = Path(__file__).parents[2] / "infra"
KEPT = INFRA / "snapshots"
TEMPLATE = KEPT / "template.json"
MADE_FROM = KEPT / "made-from.json"
# Made up, so that everybody's snapshots are the same.
_DEPLOYMENT = {
    "--tenant-id": "11111111-1111-4111-8111-111111111111",
    "--subscription-id": "22222222-2222-4222-8222-222222222222",
    "--location": "westeurope",
    "--deployment-name": "emu-chat",
}
_SECONDS = 120


class InfraError(Exception):
    """What is wrong with infra/, or why that cannot be said."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make infra", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep what is compiled now (make infra-keep)")
    parser.add_argument("--modules", type=Path, help="only write each module of the kept template into this folder")
    arguments = parser.parse_args()
    if arguments.modules is not None:
        _write_modules(arguments.modules)
        return 0
    try:
        bicep = _bicep()
        made = {TEMPLATE.name: _template(bicep), **_snapshots(bicep)}
        made[MADE_FROM.name] = {"bicep": _version(bicep), "sources": sources()}
        if arguments.keep:
            for name, value in made.items():
                (KEPT / name).write_text(_text(value))
        elif _kept(MADE_FROM.name)["bicep"] != made[MADE_FROM.name]["bicep"]:
            print("infra: no warning; another Bicep made what is kept, so that is not compared")
            return 0
        else:
            _compare(made)
    except InfraError as error:
        print(f"infra: {error}", file=sys.stderr)
        return 1
    print("infra: nothing to say")
    return 0


def _compare(made: dict[str, Any]) -> None:
    if changed := [name for name, value in made.items() if value != _kept(name)]:
        raise InfraError(f"not as kept: {', '.join(changed)}. `make infra-keep` keeps it, git diff shows it")


def sources() -> dict[str, str]:
    """Each file that a template or a snapshot is made from, by its path below infra/, with its SHA-256."""
    files = [path for path in INFRA.rglob("*") if path.suffix in (".bicep", ".bicepparam") or path.parent.name == "app"]
    return {path.relative_to(INFRA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def _write_modules(folder: Path) -> None:
    """As checkov reads them: a template each, its resources in a list."""
    for name, made in _kept(TEMPLATE.name)["resources"].items():
        if template := made.get("properties", {}).get("template"):
            flat = template | {"resources": list(template["resources"].values())}
            (folder / f"{name}.json").write_text(_text(flat))


def _bicep() -> str:
    """The CLI's path."""
    if named := os.environ.get("BICEP"):
        if found := shutil.which(named):
            return found
        raise InfraError(f"BICEP names {named}, which cannot be run")
    installed = Path.home() / ".azure" / "bin" / ("bicep.exe" if os.name == "nt" else "bicep")
    if found := shutil.which("bicep") or shutil.which(installed):
        return found
    raise InfraError("there is no Bicep CLI: `az bicep install`, or name one with BICEP=…")


def _version(bicep: str) -> str:
    told = _run([bicep, "--version"])
    found = re.search(r"\d+\.\d+\.\d+", told)
    return found[0] if found else told.strip()


def _template(bicep: str) -> Any:
    """The template that Azure gets, without what the compiler says of itself."""
    return _without_generator(json.loads(_run([bicep, "build", str(INFRA / "main.bicep"), "--stdout", *_config()])))


def _without_generator(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_generator(value) for name, value in part.items() if name != "_generator"}
    return [_without_generator(value) for value in part] if isinstance(part, list) else part


def _snapshots(bicep: str) -> dict[str, Any]:
    """The resources of each way to deploy, by file name.

    Made in a copy: Bicep writes beside the parameters, and its own comparison fails at resources of Microsoft Graph.
    """
    where = [word for option in _DEPLOYMENT.items() for word in option]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        copy = Path(folder, "infra")
        shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("*.json.new", "*.snapshot.json"))
        ways = sorted((copy / KEPT.name).glob("*.bicepparam"))
        commands = [[bicep, "snapshot", str(way), "--mode", "overwrite", *where, *_config()] for way in ways]
        list(pool.map(_run, commands))
        return {path.name: json.loads(path.read_text()) for path in sorted((copy / KEPT.name).glob("*.snapshot.json"))}


def _config() -> list[str]:
    named = os.environ.get("BICEP_CONFIG")
    return ["--config", str(Path(named).resolve())] if named else []


def _run(command: list[str]) -> str:
    """What a command prints. Warnings do not change Bicep's exit code, so they are looked for.

    Raises:
        InfraError
    """
    told = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    said = [line for line in told.stderr.splitlines() if re.search(r"\) : (Warning|Error|Info) ", line)]
    if said or told.returncode:
        raise InfraError("\n".join(said) or f"{told.stdout}{told.stderr}")
    return told.stdout


def _kept(name: str) -> Any:
    path = KEPT / name
    return json.loads(path.read_text()) if path.exists() else None


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
