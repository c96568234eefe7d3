"""Telemetry as it arrives: the app with `azure-monitor-opentelemetry`, begun as in Azure, set by infra/."""

import ast
import subprocess
import sys
from collections import Counter

from local.ingestion import about, bytes_a_run, slices_of
from local.tools.infra import INFRA
from tests.infra.conftest import PERSON, RUNS
from tests.infra.kept import WAYS, app_settings, only, template

ROOT = INFRA.parent
MOST_BYTES_A_RUN = 3_000
"""Of an idle delta: its slice and its page as spans, and one line of log."""


def test_every_slice_arrives(ordinary):
    assert len(set(ordinary.runs)) == RUNS
    assert slices_of(ordinary.envelopes) >= set(ordinary.runs)


def test_no_name_and_no_token_arrives(ordinary):
    # Each token, each link of Graph's and each key holds one of these.
    secrets = ["eyJ", "Bearer", "deltatoken", "skiptoken", "AccountKey", "client_secret"]

    everything = ordinary.posted.decode()

    assert [word for word in [*PERSON.values(), *secrets] if word in everything] == []


def test_an_idle_run_sends_few_bytes(ordinary):
    assert bytes_a_run(ordinary.envelopes) < MOST_BYTES_A_RUN, Counter(map(about, ordinary.envelopes)).most_common(9)


def test_libraries_are_silent_about_their_requests(ordinary):
    kinds = {about(one)[1] for one in ordinary.envelopes if one["data"]["baseType"] == "RemoteDependencyData"}
    loggers = {
        one["data"]["baseData"]["properties"].get("logger_name", "")
        for one in ordinary.envelopes
        if one["data"]["baseType"] == "MessageData"
    }

    assert kinds <= {"slice", "page", "plan", "write"}
    assert not [name for name in loggers if name.partition(".")[0] in ("azure", "httpx", "msal", "httpcore")]


def test_the_app_itself_makes_them_silent():
    """Microsoft's worker has the root logger at INFO; whatever runs the app, its import is enough."""
    script = "import logging, function_app; print(*[logging.getLogger(n).level for n in ('azure', 'httpx', 'msal')])"

    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["30", "30", "30"]


def test_no_line_of_ours_becomes_an_exception_row():
    """Azure keeps an exception's own message instead of the line: no alarm would find it, and it may quote a person."""
    for path in ROOT.glob("**/*.py"):
        if path.relative_to(ROOT).parts[0] in ("local", "tests", "bench", "infra", ".venv", "dist", ".local", ".audit"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert not (isinstance(node.func, ast.Attribute) and node.func.attr == "exception"), path
                assert "exc_info" not in {keyword.arg for keyword in node.keywords}, path


def test_the_sampler_keeps_what_a_run_says_of_itself():
    for way in WAYS:
        settings = app_settings(way)
        assert settings["OTEL_TRACES_SAMPLER"] == "parentbased_always_on"
        assert settings["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "azure_sdk,httpx,requests,urllib,urllib3"


def test_a_day_of_telemetry_has_a_cap():
    capping = only("ours", "Microsoft.OperationalInsights/workspaces")["properties"]["workspaceCapping"]

    assert capping == {"dailyQuotaGb": template()["parameters"]["telemetryGigabytesADay"]["defaultValue"]}
