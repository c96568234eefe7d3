"""infra/ against the code: every setting, queue, table and role that is needed is there, and none too many.

The Bicep is parsed, not run: names are what this can hold (the CLI's own checks are a workflow's).
"""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml

from local.tools.parse_bicep import INFRA, parsed
from services import TABLES
from settings import Settings, SettingsError
from sync.messages import POISON_QUEUE, QUEUE
from tests.triggers import triggers

ROOT = INFRA.parent
FILES = sorted(INFRA.rglob("*.bicep"))
ROLES = {
    "StorageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "StorageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "StorageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
# What Azure, and not our code, reads.
PLATFORM = {
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    "OTEL_SERVICE_NAME",
}


def text(name):
    return (INFRA / name).read_text()


def variable(name, file):
    """The value of a `var` in a file, as the parser gives it."""
    return parsed(INFRA / file)["variables"][name]["value"]


def app_settings():
    """Names set on the app: those of the connector module, and those that main hands it."""
    block = re.search(r"    settings: \{\n(.*?)\n    \}\n", text("main.bicep"), re.DOTALL)[1]
    own = re.search(r"union\(settings, \{\n(.*?)\n  \}\)", text("app/connector.bicep"), re.DOTALL)[1]
    return set(re.findall(r"^\s*(\w+):", f"{block}\n{own}", re.MULTILINE))


def settings_that_are_read():
    """Every name that the code looks up, learnt by letting it look: in Azure's way, with nothing but identities."""

    asked = set()

    class Recorder(dict):
        def get(self, name, default=None):
            asked.add(name)
            return super().get(name, default)

    with pytest.raises(SettingsError):
        Settings.read(Recorder())
    return asked


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_parses(path):
    assert parsed(path)["globals"]


def in_azure(names):
    """Values as Azure has them."""
    return dict.fromkeys(names, "https://example.org") | {
        "AzureWebJobsStorage__clientId": "33333333-2222-4333-8444-555555555555",
        "ENTRA_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
        "ENTRA_MANAGED_IDENTITY_CLIENT_ID": "33333333-2222-4333-8444-555555555555",
        "STATE_SECRET": "x" * 32,
        "SYNC_SCHEDULE": "0 0 * * * *",
        "SLICE_SECONDS": "240",
    }


def test_every_setting_that_the_code_needs_is_set_and_none_too_many():
    there = app_settings()
    azure = in_azure(there)

    read = Settings.read(azure)

    assert read.queues.uri
    assert read.tables.uri
    assert read.entra_credential.managed_identity_client_id
    assert read.queues.connection_string is None  # No key anywhere.
    assert there - PLATFORM <= settings_that_are_read() | {"APPLICATIONINSIGHTS_CONNECTION_STRING"} | {
        name for name in there if name.startswith("AzureWebJobsStorage__")
    }


def test_every_setting_that_the_code_looks_for_is_set_or_stands_for_another():
    elsewhere = {
        # With identities, these stay empty; the tables are in the same account as the queues.
        *("AzureWebJobsStorage", "AzureWebJobsStorage__accountName", "DATA_STORAGE", "DATA_STORAGE__tableServiceUri"),
        *("ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE_PATH"),
    }

    assert settings_that_are_read() - app_settings() <= elsewhere


@pytest.mark.parametrize("name", sorted(app_settings() - PLATFORM - {"APPLICATIONINSIGHTS_CONNECTION_STRING"}))
def test_no_setting_can_be_left_out(name):
    """Each one is either needed, or its value is what the code would take anyway: then it says so in one place."""
    azure = in_azure(app_settings())
    whole = Settings.read(azure)
    del azure[name]

    try:
        changed = dataclasses.asdict(Settings.read(azure)) != dataclasses.asdict(whole)
    except SettingsError:
        changed = True

    assert changed or name in ("SYNC_SCHEDULE", "SLICE_SECONDS")


def test_settings_of_the_specification_are_all_known_here():
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    known = app_settings() | {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "ENTRA_CLIENT_SECRET"}

    assert set(example) <= known


def test_queues_and_tables_are_those_of_the_code():
    triggered = {told["queueName"] for told in triggers().values() if told["type"] == "queueTrigger"}

    assert set(variable("queues", "app/storage.bicep")) == {QUEUE, POISON_QUEUE} == triggered
    assert set(variable("tables", "app/storage.bicep")) == set(TABLES)


def test_roles_are_those_needed_and_no_more():
    there = dict(re.findall(r"^  (\w+): '([0-9a-f-]{36})'$", text("app/storage.bicep"), re.MULTILINE))

    assert there == ROLES
    assert variable("monitoringMetricsPublisher", "app/monitoring.bicep") == PUBLISHER
    assignments = sum(path.read_text().count("Microsoft.Authorization/roleAssignments@") for path in FILES)
    assert assignments == 2
    assert re.findall(r"type: 'Role'", text("app/registration.bicep")) == ["type: 'Role'"]
    assert variable("userReadAll", "app/registration.bicep") == "df021288-bdef-4463-88db-98f22de89214"


def test_nothing_has_a_key_or_a_secret():
    assert "allowSharedKeyAccess: false" in text("app/storage.bicep")
    assert text("app/monitoring.bicep").count("isableLocalAuth: true") == 2
    for path in FILES:
        assert "listKeys" not in path.read_text()
        assert "passwordCredentials" not in path.read_text()


def test_what_is_deployed_is_what_runs():
    connector = text("app/connector.bicep")

    assert "runtime: { name: 'python', version: '3.13' }" in connector
    assert json.loads((ROOT / "host.json").read_text())["telemetryMode"] == "OpenTelemetry"
    assert yaml.safe_load((ROOT / "azure.yaml").read_text())["services"]["connector"]["project"] == "dist/app"


def metrics_told():
    return set(re.findall(r'"(emu\.[a-z_.]+)"', (ROOT / "sync" / "telemetry.py").read_text()))


def queries():
    alerts = re.findall(r"query: '''(.*?)'''", text("app/alerts.bicep"), re.DOTALL)
    items = json.loads(text("app/workbook.json"))["items"]
    return [*alerts, *(item["content"]["query"] for item in items if item["type"] == 3)]


@pytest.mark.parametrize("query", queries())
def test_every_query_asks_for_what_the_code_tells(query):
    names = set(re.findall(r"'(emu\.[a-z_.]+)'", query))
    events = set(re.findall(r"startswith '(\w+) '", query))
    code = "\n".join(path.read_text() for path in (ROOT / "sync").glob("*.py"))

    assert names or events
    assert names <= metrics_told()
    for event in events:
        assert f'"{event} workspace=%s' in code
    for outcome in re.findall(r"'(completed|awaiting_approval|failed)'", query):
        assert f'"{outcome}"' in (ROOT / "workspace" / "run.py").read_text()


def test_every_metric_is_documented():
    operations = (ROOT / "docs" / "operations.md").read_text()

    assert {name for name in metrics_told() if f"`{name}`" not in operations} == {"emu.chat.entra"}


def test_every_alert_is_explained():
    operations = (ROOT / "docs" / "operations.md").read_text()
    titles = re.findall(r"title: '((?:[^'\\]|\\.)*)'", text("app/alerts.bicep"))

    assert len(titles) == 4
    for words in ("No run completed", "A message failed every time", "credential is rejected", "failed three times"):
        assert words in operations


def test_the_lock_holds_every_pin_with_hashes():
    lock = (ROOT / "requirements/lock.txt").read_text()
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
    infra = (ROOT / ".github" / "workflows" / "infra.yaml").read_text()
    assert "az bicep build" in infra
    assert "az bicep lint" in infra


def test_files_that_azure_reads_are_json():
    for name in ("main.parameters.json", "bicepconfig.json", "app/workbook.json"):
        assert json.loads(text(name))
    parameters = set(json.loads(text("main.parameters.json"))["parameters"])
    assert parameters <= set(parsed(INFRA / "main.bicep")["parameters"])
    needed = {name for name, told in parsed(INFRA / "main.bicep")["parameters"].items() if "default" not in told}
    assert needed <= parameters


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
