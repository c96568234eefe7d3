// The function app on Flex Consumption.
param name string
param location string
param tags object
param storageName string
param deploymentContainer string
param identityId string
param identityClientId string
param insightsConnectionString string
param maximumInstanceCount int
param instanceMemoryMB int
@secure()
param settings object

var host = environment().suffixes.storage

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
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
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
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
      // Runs that go on are drained, not killed.
      siteUpdateStrategy: { type: 'RollingUpdate' }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, {
    AzureWebJobsStorage__blobServiceUri: 'https://${storageName}.blob.${host}'
    AzureWebJobsStorage__queueServiceUri: 'https://${storageName}.queue.${host}'
    AzureWebJobsStorage__tableServiceUri: 'https://${storageName}.table.${host}'
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
    OTEL_SERVICE_NAME: 'emu-chat-entra'
  })
}
