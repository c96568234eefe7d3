// Everything that the connector needs in one subscription. `azd up` fills in the parameters.
targetScope = 'subscription'

import { clouds } from 'clouds.bicep'

@minLength(1)
@maxLength(40)
@description('Name of the environment; part of every name.')
param environmentName string

@minLength(1)
@description('Where everything stands.')
param location string

@description('The cloud that this is deployed to: AzureCloud, AzureUSGovernment or AzureChinaCloud.')
param cloud string = environment().name

@description('Instances that one kind of function may have at most (each group counts by itself).')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Make the app registration too. Off for people without rights in the directory: then give entraClientId.')
param makeAppRegistration bool = true

@description('Client id of an app registration that somebody else made; only without makeAppRegistration.')
param entraClientId string = ''

@description('Issuer of emu.chat\'s tokens.')
param platformIssuer string

@description('Audience of emu.chat\'s tokens.')
param platformAudience string

@description('Where the keys of emu.chat\'s tokens are.')
param platformJwksUrl string

@description('Where the Integrations page is; empty for the one that the app serves itself.')
param portalUrl string = ''

@description('Where that page gets the signed-in person\'s token.')
param portalTokenUrl string

@secure()
@minLength(32)
@description('Signs grant attempts. azd makes one (main.parameters.json) and keeps it in its environment.')
param stateSecret string

@description('Who is told by the alerts; empty for nobody.')
param alertEmail string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var identityName = 'id-${token}'
var appName = 'func-${token}'
var here = clouds[cloud]
var publicUrl = 'https://${appName}.${here.siteSuffix}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  scope: group
  params: { name: identityName, location: location, tags: tags }
}

module storage 'app/storage.bicep' = {
  scope: group
  params: { name: 'st${token}', location: location, tags: tags, identityName: identityName }
  dependsOn: [identity]
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: { token: token, location: location, tags: tags, identityName: identityName }
  dependsOn: [identity]
}

module registration 'app/registration.bicep' = if (makeAppRegistration) {
  scope: group
  params: {
    uniqueName: 'emu-chat-entra-${token}'
    redirectUri: '${publicUrl}/api/integrations/entra/consent/callback'
    entraAuthority: here.authority
    identityPrincipalId: identity.outputs.principalId
  }
}

module connector 'app/connector.bicep' = {
  scope: group
  params: {
    name: appName
    location: location
    tags: union(tags, { 'azd-service-name': 'connector' })
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsConnectionString: monitoring.outputs.connectionString
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    stateSecret: stateSecret
    settings: {
      ENTRA_CLIENT_ID: makeAppRegistration ? registration!.outputs.clientId : entraClientId
      ENTRA_MANAGED_IDENTITY_CLIENT_ID: identity.outputs.clientId
      ENTRA_AUTHORITY: here.authority
      GRAPH_ENDPOINT: here.graph
      PLATFORM_ISSUER: platformIssuer
      PLATFORM_AUDIENCE: platformAudience
      PLATFORM_JWKS_URL: platformJwksUrl
      PUBLIC_URL: publicUrl
      PORTAL_URL: empty(portalUrl) ? '${publicUrl}/api/portal/' : portalUrl
      PORTAL_TOKEN_URL: portalTokenUrl
      SYNC_SCHEDULE: '0 0 * * * *'
      SLICE_SECONDS: '240'
    }
  }
}

module alerts 'app/alerts.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

output CONNECTOR_URL string = publicUrl
output PORTAL string = empty(portalUrl) ? '${publicUrl}/api/portal/' : portalUrl
output ENTRA_CLIENT_ID string = makeAppRegistration ? registration!.outputs.clientId : entraClientId
