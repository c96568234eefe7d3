"""The house's own rules: which way imports go, what starts what, what is needed at import."""

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from local.host.routes import read_routes
from local.host.wire import Function
from tests.triggers import triggers

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    "errors",
    "limits",
    "mapping",
    "storage",
    "directory",
    "workspace",
    "contacts",
    "sync",
    "connect",
    "api",
    "services",
    "function_app",
]
"""Each knows only what stands before it."""
PURE = [
    "errors.py",
    "mapping/*.py",
    "storage/transaction.py",
    "storage/document.py",
    "storage/filters.py",
    "storage/rows.py",
    "connect/attempt.py",
    "connect/exported.py",
    "workspace/connection.py",
    "connect/tenant.py",
    "contacts/contact.py",
    "contacts/changes.py",
    "contacts/edits.py",
    "directory/delta.py",
    "workspace/state.py",
    "workspace/audit.py",
    "sync/failures.py",
    "workspace/journal.py",
    "sync/messages.py",
    "sync/batch.py",
    "sync/plan.py",
    "sync/undo.py",
    "sync/quality.py",
    "sync/rollcall.py",
    "sync/timetable.py",
    "workspace/edits.py",
    "workspace/quality.py",
    "workspace/run.py",
]
IMPURE = {
    "azure",
    "aiohttp",
    "httpx",
    "requests",
    "msal",
    "msgraph",
    "os",
    "time",
    "asyncio",
    "random",
    "subprocess",
    "socket",
}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def files_of(layer):
    single = ROOT / f"{layer}.py"
    return [single] if single.exists() else sorted((ROOT / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer):
    later = set(LAYERS[LAYERS.index(layer) + 1 :])

    for path in files_of(layer):
        assert not set(imports_of(path)) & (later | {"local", "bench", "tests"}), path


def test_the_host_takes_each_of_our_routes_and_no_order_decides_between_two():
    """One bad route turns the whole app off; the functions' alphabet decides between two (facts/functions.md 11)."""
    routes = {name: one for name, one in triggers().items() if one["type"] == "httpTrigger"}
    read_routes([Function(name, one) for name, one in routes.items()], "api")

    for (name, one), (other_name, other) in itertools.combinations(routes.items(), 2):
        if set(one["methods"]) & set(other["methods"]):
            assert not overlap(one["route"].split("/"), other["route"].split("/")), (name, other_name)


def overlap(one, other):
    """Whether a path may fit both templates, given as segments."""
    if not one or not other:
        return one == other or (one or other)[0].startswith("{*")
    if one[0].startswith("{*") or other[0].startswith("{*"):
        return True
    same = one[0].lower() == other[0].lower() or "{" in one[0] + other[0]
    return same and overlap(one[1:], other[1:])


@pytest.mark.parametrize("pattern", PURE)
def test_what_decides_touches_no_clock_network_or_environment(pattern):
    paths = sorted(ROOT.glob(pattern))

    assert paths
    for path in paths:
        assert not set(imports_of(path)) & IMPURE, path


def test_services_alone_read_the_environment():
    readers = {layer for layer in LAYERS for path in files_of(layer) if "os.environ" in path.read_text()}

    assert readers == {"services"}


def test_the_app_is_indexed_without_any_setting():
    script = "import function_app; print(*sorted(one.get_function_name() for one in function_app.app.get_functions()))"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, timeout=60, check=False
    )

    assert told.stdout.split() == sorted(TRIGGERS), told.stderr


TRIGGERS = [
    "add_contact",
    "approve_run",
    "begin_consent",
    "cancel_run",
    "preview_undo",
    "undo_run",
    "preview_undo_of_edits",
    "undo_edits",
    "show_quality",
    "list_people_behind",
    "download_people_behind",
    "change_contact",
    "complete_consent",
    "disconnect",
    "download_contacts",
    "download_pending",
    "download_runs",
    "discard_run",
    "export_workspaces",
    "end_other_connection",
    "give_up_hourly_run",
    "find_people",
    "give_up_run",
    "list_audit",
    "list_changes",
    "list_contact_lists",
    "list_contacts",
    "list_fields",
    "list_pending",
    "list_runs",
    "pause",
    "preview_config",
    "preview_people",
    "receive_notifications",
    "remove_contact",
    "rename_contact_list",
    "resume",
    "return_from_consent",
    "review_consent",
    "save_config",
    "show_config",
    "show_contact",
    "show_health",
    "show_integration",
    "show_portal",
    "show_run",
    "show_status",
    "start_hourly_runs",
    "start_run",
    "work_on_hourly_run",
    "work_on_run",
]


def imported_by(statement):
    """The modules that a fresh process has after an import."""
    script = f"import sys, {statement}; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, timeout=60, check=True
    )
    return set(told.stdout.split())


def test_the_sdk_of_blobs_is_not_imported_with_the_app():
    """The export alone needs blobs, once a day: their SDK must not cost every cold start."""
    assert "azure.storage.blob" not in imported_by("function_app, services")


def test_none_of_graphs_models_is_imported_by_who_asks_graph():
    """They are most of the SDK: a cold start must not pay for them."""
    imported = imported_by("function_app, services, directory.sdk")

    assert "msgraph.graph_request_adapter" in imported
    assert [name for name in imported if name.startswith("msgraph.generated.models")] == []


def test_the_root_holds_no_more_than_a_newcomer_reads():
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
    ).stdout.splitlines()

    assert len({name.partition("/")[0] for name in names}) <= 30
