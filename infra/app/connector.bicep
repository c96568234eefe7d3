// The function app on Flex Consumption.
import { connectorSettingsType, tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType
param storageName string
param dataName string
param deploymentContainer string
param identityId string
param identityClientId string
param insightsConnectionString string
param maximumInstanceCount int
param instanceMemoryMB int
param zoneRedundant bool
param updateStrategy 'Recreate' | 'RollingUpdate'
@description('Where a page stands that calls the app from elsewhere.')
param allowedOrigins string[]
@description('The subnet from which the app reaches its storage; empty for none.')
param subnetId string
param settings connectorSettingsType
@secure()
param stateSecret string

var host = environment().suffixes.storage

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      // Calls carry a token in a header and no cookies.
      cors: { allowedOrigins: allowedOrigins, supportCredentials: false }
    }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainer
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        triggers: { http: { perInstanceConcurrency: 32 } }
      }
      #disable-next-line BCP037 // Azure takes it (functions-flex-consumption site updates), the published types do not have it yet.
      siteUpdateStrategy: { type: updateStrategy }
    }
  }
}

// Each one by name: so a snapshot shows them.
resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    ENTRA_CLIENT_ID: settings.ENTRA_CLIENT_ID
    ENTRA_MANAGED_IDENTITY_CLIENT_ID: settings.ENTRA_MANAGED_IDENTITY_CLIENT_ID
    ENTRA_AUTHORITY: settings.ENTRA_AUTHORITY
    GRAPH_ENDPOINT: settings.GRAPH_ENDPOINT
    PLATFORM_ISSUER: settings.PLATFORM_ISSUER
    PLATFORM_AUDIENCE: settings.PLATFORM_AUDIENCE
    PLATFORM_JWKS_URL: settings.PLATFORM_JWKS_URL
    PUBLIC_URL: settings.PUBLIC_URL
    PORTAL_URL: settings.PORTAL_URL
    PORTAL_TOKEN_URL: settings.PORTAL_TOKEN_URL
    STATE_SECRET: stateSecret
    SYNC_SCHEDULE: settings.SYNC_SCHEDULE
    SLICE_SECONDS: settings.SLICE_SECONDS
    AzureWebJobsStorage__blobServiceUri: 'https://${storageName}.blob.${host}'
    AzureWebJobsStorage__queueServiceUri: 'https://${storageName}.queue.${host}'
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    DATA_STORAGE__tableServiceUri: 'https://${dataName}.table.${host}'
    DATA_STORAGE__blobServiceUri: 'https://${dataName}.blob.${host}'
    DATA_STORAGE__clientId: identityClientId
    // The host reads bodies whole, before any check of ours: 99 MB from anybody would end an instance.
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1048576'
    AzureWebJobsDisableHomepage: 'true'
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
    OTEL_SERVICE_NAME: 'emu-chat-entra'
    // Without it, five spans a second are kept, whatever a run's own flag says.
    OTEL_TRACES_SAMPLER: 'parentbased_always_on'
    // A span for each call to storage and to Graph, with addresses, would be nine tenths of all telemetry.
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,httpx,requests,urllib,urllib3'
    // A row a minute and instance that says again what every row says.
    APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true'
  }
}
