"""The documents against the code: paths, commands, counts and events that they name are there."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    *(ROOT / folder / "README.md" for folder in ("local", "infra")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.-]+/)+(?:[\w.-]+)?|\w+\.(?:py|md|json|toml|yaml|txt)")
_PLAIN = re.compile(r"\b(?:[a-z_]+/)+[a-z_]+\.py\b")
NOT_HERE = ("local.settings.json", ".local/", ".venv/", "dist/", "local/node/node_modules", "users/delta")
"""What is built or written by hand, and addresses of Graph."""


def named_paths(text):
    """Paths in backticks, and Python files with a folder anywhere (in drawings, for instance)."""
    spans = {span for span in _CODE.findall(text) if _PATH.fullmatch(span)}
    return spans | set(_PLAIN.findall(text))


def is_there(path, document):
    return path.startswith(NOT_HERE) or any((base / path).exists() for base in (ROOT, document.parent))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_and_links_in_a_document_lead_somewhere(document):
    text = document.read_text()

    links = [link for link in _LINK.findall(text) if not (document.parent / link).exists()]
    paths = sorted(path for path in named_paths(text) if not is_there(path, document))

    assert (links, paths) == ([], [])


def test_a_newcomer_finds_each_rule_in_one_file_named_by_it():
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("## Where a newcomer looks") : text.index("## Why nothing is lost")]

    for question, file in (
        ("Who is in scope?", "mapping/scope.py"),
        ("Who wins", "mapping/conflict.py"),
        ("What does a page do", "sync/plan.py"),
        ("What does a queue message mean?", "sync/messages.py"),
        ("What does Graph's answer mean?", "directory/delta.py"),
    ):
        assert re.search(rf"\| {re.escape(question)}.*`{re.escape(file)}`", table), question


def test_every_folder_of_the_house_stands_in_the_readme():
    table = (ROOT / "README.md").read_text()
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("*.py"))} | {"portal", "infra"}

    assert {folder for folder in folders if f"| `{folder}/` |" not in table} == set()


def test_operations_explain_every_line_of_the_logs_and_no_other():
    product = [path for path in ROOT.glob("*/*.py") if path.parts[-2] not in ("local", "bench", "tests")]
    code = "\n".join(path.read_text() for path in (*product, ROOT / "function_app.py"))
    events = set(re.findall(r'log\.(?:info|warning|error)\(\s*"(\w+)', code))
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("## What the logs say") : text.index("## Reading a run")]
    told = {name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}

    assert told == events


def commands():
    """Every command of the documents' consoles, without its comment."""
    for document in DOCUMENTS:
        for console in re.findall(r"```console\n(.*?)```", document.read_text(), re.DOTALL):
            for line in re.findall(r"^\$ (.*)$", console, re.MULTILINE):
                yield line.split("  #")[0].strip()


def test_commands_in_documents_name_what_is_there():
    told = list(commands())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert "make run" in told
    for command in told:
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            assert target in targets, command
        for module in re.findall(r"python -m ([\w.]+)", command):
            assert importlib.util.find_spec(module) is not None, command
        for path in re.findall(r"(?:-r|pytest|--prefix|cp) ([\w./-]+)", command):
            assert (ROOT / path).exists(), command


def test_make_help_is_aligned_and_complete():
    # `make test` tells the make below it to say in which folder it works.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "help"]
    told = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, timeout=30, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    lines = [re.fullmatch(r"([a-z-]+)( +)(\S.*)", line) for line in told.splitlines()]

    assert {line[1] for line in lines} == set(phony)
    assert {len(line[1] + line[2]) for line in lines} == {15}


def test_the_benchs_help_tells_of_no_times_that_grow_old():
    told = subprocess.run(
        [sys.executable, "-m", "bench", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout

    assert "python -m bench" in told
    assert "make bench-million" in told
    assert not re.search("minutes|an hour", told)
