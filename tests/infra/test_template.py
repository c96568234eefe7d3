"""What infra/ compiles to, against the code: every setting, queue, table and role that is needed, and none too many."""

import dataclasses
import json
import re

import pytest

from local.tools.infra import INFRA, KEPT, MADE_FROM, sources
from services import EXPORTS, TABLES
from services.settings import Settings, SettingsError
from sync.messages import EVENTS_QUEUE
from tests.infra.kept import WAYS, app_settings, kinds, module, only, resources, template
from tests.triggers import triggers

ROOT = INFRA.parent
# Source: learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
# What Azure, and not our code, reads.
PLATFORM = {
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsDisableHomepage",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
}
# Newer ones are in preview, or there are none. Looked up in the types of Bicep 0.49.2.
OLD_BUT_NEWEST = {
    "Microsoft.Authorization/locks": "2020-05-01",
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/webtests": "2022-06-15",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
}
TWO_YEARS_BEFORE_THE_LAST_LOOK = "2024-11-26"


def settings_that_are_read():
    """Every name that the code looks up, learnt by letting it look: where nothing is set, and as in Azure."""
    asked = set()

    class Recorder(dict):
        def get(self, name, default=None):
            asked.add(name)
            return super().get(name, default)

    with pytest.raises(SettingsError):
        Settings.read(Recorder())
    Settings.read(Recorder(in_azure()))
    return asked


def in_azure(way="ours"):
    """The environment that the app meets: what a snapshot says, and made-up values for what Azure fills in."""
    return {name: _made_up(name) if value.startswith("[") else value for name, value in app_settings(way).items()}


def _made_up(name):
    if name.lower().replace("_", "").endswith("clientid"):
        return "11111111-2222-4333-8444-555555555555"
    return "x" * 32 if name == "STATE_SECRET" else "https://example.org"


def test_what_is_kept_was_made_from_these_sources():
    """Without the compiler: who changes infra/ has to run `make infra-keep`, and the tests below see the change."""
    assert json.loads(MADE_FROM.read_text())["sources"] == sources()
    assert {path.name.removesuffix(".snapshot.json") for path in KEPT.glob("*.snapshot.json")} == set(WAYS)


def test_every_setting_that_the_code_needs_is_set_and_none_too_many():
    read = Settings.read(in_azure())

    assert read.queues.uri
    assert read.tables.uri
    assert read.entra_credential.managed_identity_client_id
    assert read.queues.connection_string is None  # No key anywhere.
    assert set(app_settings()) - PLATFORM <= settings_that_are_read()


def test_every_setting_that_the_code_looks_for_is_set_or_stands_for_another():
    elsewhere = {
        # With identities and tables in an account of their own, these stay empty.
        *("AzureWebJobsStorage", "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__tableServiceUri"),
        *("DATA_STORAGE", "DATA_STORAGE__accountName"),
        *("ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE_PATH"),
        # On, unless an operator switches it off.
        "CHANGE_NOTIFICATIONS",
    }

    assert settings_that_are_read() - set(app_settings()) <= elsewhere


@pytest.mark.parametrize("name", sorted(set(app_settings()) - PLATFORM))
def test_no_setting_can_be_left_out(name):
    """Each one is either needed, or its value is what the code would take anyway: then it says so in one place."""
    azure = in_azure()
    whole = Settings.read(azure)
    del azure[name]

    try:
        changed = dataclasses.asdict(Settings.read(azure)) != dataclasses.asdict(whole)
    except SettingsError:
        changed = True

    assert changed or name in ("ENTRA_AUTHORITY", "GRAPH_ENDPOINT", "SYNC_SCHEDULE", "SLICE_SECONDS")


def test_settings_of_the_specification_are_all_known_here():
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    known = set(app_settings()) | {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "ENTRA_CLIENT_SECRET"}

    assert set(example) <= known


@pytest.mark.parametrize("name", ["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "AzureWebJobsDisableHomepage"])
def test_the_host_is_held_alike_here_and_in_azure(name):
    """docs/facts/functions.md 11: one anonymous body of 99 MB would end an instance."""
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]

    assert app_settings()[name] == example[name] == {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1048576"}.get(name, "true")


def names(kind):
    return {one["name"].rpartition("/")[2] for one in resources("ours", kind)}


def test_queues_and_tables_are_those_of_the_code():
    triggered = {told["queueName"] for told in triggers().values() if told["type"] == "queueTrigger"}

    assert names("Microsoft.Storage/storageAccounts/queueServices/queues") == {*triggered, EVENTS_QUEUE}
    assert names("Microsoft.Storage/storageAccounts/tableServices/tables") == set(TABLES)


def test_roles_are_those_needed_and_no_more():
    given = {
        (one["id"].partition("/providers/")[2].split("/")[2], ROLES[one["properties"]["roleDefinitionId"][-36:]])
        for one in resources("ours", "Microsoft.Authorization/roleAssignments")
    }
    host, data = (one["name"] for one in resources("ours", "Microsoft.Storage/storageAccounts"))
    insights = only("ours", "Microsoft.Insights/components")["name"]
    asked = only("ours", "Microsoft.Graph/applications")["properties"]["requiredResourceAccess"]

    assert given == {
        (host, "Storage Blob Data Owner"),
        (host, "Storage Queue Data Contributor"),
        (data, "Storage Table Data Contributor"),
        (data, "Storage Blob Data Contributor"),
        (insights, "Monitoring Metrics Publisher"),
    }
    # User.Read.All of Microsoft Graph, as an application, and nothing else.
    assert [(one["resourceAppId"], one["resourceAccess"]) for one in asked] == [
        ("00000003-0000-0000-c000-000000000000", [{"id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role"}])
    ]


def test_exports_are_kept_for_a_time_in_every_version_and_then_end():
    """What somebody deletes or overwrites can be had for a while; what was forgotten is gone after it."""
    host, data = resources("ours", "Microsoft.Storage/storageAccounts/blobServices")
    [rule] = only("ours", "Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]["rules"]

    assert data["properties"]["isVersioningEnabled"] is True
    assert data["properties"]["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 30}
    assert data["properties"]["deleteRetentionPolicy"] == {"enabled": True, "days": 7}
    assert "isVersioningEnabled" not in host["properties"]
    assert rule["definition"]["filters"]["prefixMatch"] == [f"{EXPORTS}/"]
    assert {kind: told["delete"] for kind, told in rule["definition"]["actions"].items()} == {
        kind: {"daysAfterCreationGreaterThan": 30} for kind in ("baseBlob", "version")
    }
    assert template()["parameters"]["exportDays"]["minValue"] == 7


def test_tables_are_in_an_account_of_their_own():
    """Whoever may write the package, or fills the queues' account, does not reach what is stored of customers."""
    tables = resources("ours", "Microsoft.Storage/storageAccounts/tableServices/tables")
    queues = resources("ours", "Microsoft.Storage/storageAccounts/queueServices/queues")
    [package, exports] = resources("ours", "Microsoft.Storage/storageAccounts/blobServices/containers")
    [data] = {one["name"].partition("/")[0] for one in tables}

    assert data not in {one["name"].partition("/")[0] for one in [*queues, package]}
    assert exports["name"] == f"{data}/default/{EXPORTS}"
    assert f"'{data}'" in app_settings()["DATA_STORAGE__tableServiceUri"]
    assert f"'{data}'" not in app_settings()["AzureWebJobsStorage__queueServiceUri"]


@pytest.mark.parametrize("way", WAYS)
def test_what_if_can_tell_every_role_assignment(way):
    """Named by what is known before anything is made: an expression would be 'cannot be predicted' there."""
    for one in resources(way, "Microsoft.Authorization/roleAssignments"):
        assert re.fullmatch(r"[0-9a-f-]{36}", one["name"])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_has_a_key_or_a_secret(way):
    for account in resources(way, "Microsoft.Storage/storageAccounts"):
        assert account["properties"]["allowSharedKeyAccess"] is False
        assert account["properties"]["allowBlobPublicAccess"] is False
    assert only(way, "Microsoft.OperationalInsights/workspaces")["properties"]["features"]["disableLocalAuth"] is True
    assert only(way, "Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True
    whole = json.dumps(template())
    assert "listKeys" not in whole
    assert "passwordCredentials" not in whole


def test_the_state_secret_is_secure_all_the_way():
    assert template()["parameters"]["stateSecret"]["type"] == "securestring"
    assert module("connector")["parameters"]["stateSecret"]["type"] == "securestring"
    assert app_settings()["STATE_SECRET"] == "[parameters('stateSecret')]"
    assert "made-up-for-a-snapshot" not in (KEPT / "ours.snapshot.json").read_text()


@pytest.mark.parametrize("name", sorted(set(template()["resources"]) - {"group"}))
def test_modules_take_typed_parameters(name):
    for told in module(name)["parameters"].values():
        assert told.get("type") != "object"
        assert told.get("type") != "array" or "items" in told


def test_modules_are_named_by_the_compiler():
    """A name of our own could be met again within a deployment."""
    for name in set(template()["resources"]) - {"group"}:
        assert "deployment().name" in template()["resources"][name]["name"]


@pytest.mark.parametrize("way", WAYS)
def test_api_versions_are_recent(way):
    for kind in kinds(way):
        for one in resources(way, kind):
            version = one.get("apiVersion", "")
            assert version == OLD_BUT_NEWEST.get(kind, version)
            assert not version or kind in OLD_BUT_NEWEST or version >= TWO_YEARS_BEFORE_THE_LAST_LOOK, kind


def test_what_is_deployed_is_what_runs():
    config = only("ours", "Microsoft.Web/sites")["properties"]["functionAppConfig"]

    assert config["runtime"] == {"name": "python", "version": "3.13"}
    host = json.loads((ROOT / "host.json").read_text())
    assert host["telemetryMode"] == "OpenTelemetry"
    assert "applicationInsights" not in host["logging"]  # OpenTelemetry ignores it.
