"""Ways to deploy: whose registration, under which name, in which cloud and region, and what the outputs tell."""

import json

import pytest

from directory.credentials import assertion_scope
from local.tools.infra import INFRA, KEPT
from tests.infra.kept import WAYS, app_settings, kinds, only, outputs, resources, template

CALLBACK = "/api/integrations/entra/consent/callback"
FEDERATION = "Microsoft.Graph/applications/federatedIdentityCredentials"


def site(way):
    return only(way, "Microsoft.Web/sites")["properties"]


def test_there_is_a_snapshot_for_each_way():
    assert set(WAYS) >= {"ours", "alarmed", "by-hand", "unregistered", "host-name", "private", "us-government", "china"}
    for way in WAYS:
        assert json.loads((KEPT / f"{way}.snapshot.json").read_text())["diagnostics"] == []


def test_our_registration_can_be_used_and_not_be_misused():
    made = only("ours", "Microsoft.Graph/applications")["properties"]

    assert made["signInAudience"] == "AzureADMultipleOrgs"
    assert made["groupMembershipClaims"] == "DirectoryRole"
    assert made["web"]["redirectUris"] == [outputs("ours")["REDIRECT_URI"]]
    # Nobody in a customer's tenant can put a key on our service principal there.
    assert made["servicePrincipalLockConfiguration"] == {"isEnabled": True, "allProperties": True}
    assert {"owners", "info"} <= set(made)
    assert {"privacyUrl", "termsUrl", "registrationOwners"} <= set(template()["parameters"])


@pytest.mark.parametrize("way", ["by-hand", "unregistered", "us-government", "china"])
def test_a_registration_by_hand_makes_nothing_in_the_directory(way):
    assert not [kind for kind in kinds(way) if kind.startswith("Microsoft.Graph")]


@pytest.mark.parametrize("way", WAYS)
def test_the_outputs_tell_what_a_registration_by_hand_needs(way):
    told = outputs(way)

    assert told["REDIRECT_URI"] == app_settings(way)["PUBLIC_URL"] + CALLBACK
    assert told["FEDERATION_ISSUER"] == (
        app_settings(way)["ENTRA_AUTHORITY"] + "/11111111-1111-4111-8111-111111111111/v2.0"
    )
    assert told["FEDERATION_SUBJECT"].endswith(".principalId]")
    for made in resources(way, FEDERATION):
        assert made["properties"]["issuer"] == told["FEDERATION_ISSUER"]
        assert made["properties"]["subject"] == told["FEDERATION_SUBJECT"]
        assert made["properties"]["audiences"] == [told["FEDERATION_AUDIENCE"]]


def test_the_first_deployment_needs_no_client_id_and_the_second_has_it():
    assert app_settings("unregistered")["ENTRA_CLIENT_ID"] == ""
    assert app_settings("by-hand")["ENTRA_CLIENT_ID"] == "33333333-3333-4333-8333-333333333333"


def test_under_azures_name_the_page_is_our_own_and_nobody_else_may_call():
    assert app_settings("ours")["PORTAL_URL"] == app_settings("ours")["PUBLIC_URL"] + "/api/portal/"
    assert site("ours")["siteConfig"]["cors"]["allowedOrigins"] == []


def test_a_host_name_of_ours_is_in_every_address():
    settings = app_settings("host-name")

    assert settings["PUBLIC_URL"] == "https://entra.example.org"
    assert outputs("host-name")["REDIRECT_URI"] == "https://entra.example.org" + CALLBACK
    assert outputs("host-name")["CONNECTOR_URL"] == "https://entra.example.org"
    assert only("host-name", "Microsoft.Graph/applications")["properties"]["web"]["redirectUris"] == [
        "https://entra.example.org" + CALLBACK
    ]


def test_a_page_elsewhere_may_call_from_its_origin():
    assert app_settings("host-name")["PORTAL_URL"] == "https://app.example.org/integrations/entra"
    assert site("host-name")["siteConfig"]["cors"] == {
        "allowedOrigins": ["https://app.example.org"],
        "supportCredentials": False,
    }


@pytest.mark.parametrize(
    ("way", "authority", "graph", "audience", "suffix"),
    [
        (
            "ours",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
            "api://AzureADTokenExchange",
            ".azurewebsites.net",
        ),
        (
            "us-government",
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
            "api://AzureADTokenExchangeUSGov",
            ".azurewebsites.us",
        ),
        (
            "china",
            "https://login.partner.microsoftonline.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "api://AzureADTokenExchangeChina",
            ".chinacloudsites.cn",
        ),
    ],
)
def test_each_cloud_has_its_own_addresses(way, authority, graph, audience, suffix):
    settings = app_settings(way)

    assert settings["ENTRA_AUTHORITY"] == authority
    assert settings["GRAPH_ENDPOINT"] == graph
    assert outputs(way)["FEDERATION_AUDIENCE"] == audience
    assert assertion_scope(settings["ENTRA_AUTHORITY"]) == f"{audience}/.default"
    assert settings["PUBLIC_URL"].endswith(suffix)


def test_the_registration_is_refused_where_the_extension_does_not_reach():
    assert template()["resources"]["registration"]["condition"] == "[variables('registers')]"
    assert "equals(parameters('cloud'), 'AzureCloud'), true(), fail(" in template()["variables"]["registers"]


def test_storage_is_replicated_over_zones_where_there_are_any():
    for way in WAYS:
        for account in resources(way, "Microsoft.Storage/storageAccounts"):
            assert account["sku"]["name"] == "Standard_ZRS"
    without = template()["variables"]["withoutZones"]
    assert set(without) < set(template()["parameters"]["location"]["allowedValues"])
    assert "Standard_LRS" in template()["variables"]["skuHere"]
    assert template()["parameters"]["storageSku"]["defaultValue"] == ""


def test_an_update_recreates_unless_somebody_chooses_otherwise():
    """Rolling updates are in preview; slices resume, so a restart costs seconds."""
    assert site("ours")["functionAppConfig"]["siteUpdateStrategy"] == {"type": "Recreate"}
    assert template()["parameters"]["updateStrategy"]["allowedValues"] == ["Recreate", "RollingUpdate"]


def test_zone_redundant_instances_are_a_choice():
    assert only("ours", "Microsoft.Web/serverfarms")["properties"]["zoneRedundant"] is False
    assert "zoneRedundant" in json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def accounts(way):
    return resources(way, "Microsoft.Storage/storageAccounts")


def test_azure_refuses_to_delete_customers_data_until_the_lock_is_gone():
    lock = only("ours", "Microsoft.Authorization/locks")
    _, data = accounts("ours")

    assert lock["properties"]["level"] == "CanNotDelete"
    assert lock["id"].startswith(data["id"])
    assert outputs("ours")["DATA_LOCK"] == lock["id"]  # What the hook before azd down removes.
    assert resources("private", "Microsoft.Authorization/locks") == []
    assert outputs("private")["DATA_LOCK"] == ""


def test_storage_has_no_public_address_in_a_private_network():
    assert {one["properties"]["publicNetworkAccess"] for one in accounts("ours")} == {"Enabled"}
    for account in accounts("private"):
        assert account["properties"]["publicNetworkAccess"] == "Disabled"
        assert account["properties"]["networkAcls"]["defaultAction"] == "Deny"


def test_the_app_reaches_each_service_that_it_uses_through_an_endpoint():
    host, data = (one["id"] for one in accounts("private"))
    reached = {
        (link["properties"]["privateLinkServiceId"], *link["properties"]["groupIds"])
        for one in resources("private", "Microsoft.Network/privateEndpoints")
        for link in one["properties"]["privateLinkServiceConnections"]
    }
    uris = {name for name in app_settings("private") if name.endswith("ServiceUri")}

    assert reached == {(host, "blob"), (host, "queue"), (data, "table"), (data, "blob")}
    assert uris == {
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__queueServiceUri",
        "DATA_STORAGE__tableServiceUri",
        "DATA_STORAGE__blobServiceUri",
    }
    # A zone a service: both accounts' blobs have their names in one.
    assert len(resources("private", "Microsoft.Network/privateDnsZones")) == len({one for _, one in reached})
    assert len(resources("private", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")) == len(reached)


def test_the_app_stands_in_the_network_and_reaches_graph_through_the_gateway():
    [subnet] = [
        one
        for one in resources("private", "Microsoft.Network/virtualNetworks/subnets")
        if one["properties"].get("delegations")
    ]

    assert site("private")["virtualNetworkSubnetId"] == subnet["id"]
    assert site("ours")["virtualNetworkSubnetId"] is None
    assert subnet["properties"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"
    assert subnet["properties"]["natGateway"]["id"] == only("private", "Microsoft.Network/natGateways")["id"]
    assert not [kind for kind in kinds("ours") if kind.startswith("Microsoft.Network")]
