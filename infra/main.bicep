// Everything that the connector needs in one subscription. `azd up` fills in the parameters.
targetScope = 'subscription'

import { clouds } from 'clouds.bicep'

@minLength(1)
@maxLength(40)
@description('Name of the environment; part of every name.')
param environmentName string

@description('Where everything stands: the regions that offer Flex Consumption, by Microsoft\'s own samples (2026-06). The last four, of the national clouds, are not known to; `az functionapp list-flexconsumption-locations` says it for today.')
@metadata({ azd: { type: 'location' } })
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
  'usgovarizona'
  'usgovvirginia'
  'chinaeast3'
  'chinanorth3'
])
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

@description('How storage is replicated. Empty: across zones (ZRS) where the region has them, else within one building (LRS).')
@allowed(['', 'Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = ''

@description('Spread instances over zones. Flex Consumption then keeps two instances ready for each group of functions, all the time, which are paid for.')
param zoneRedundant bool = false

@description('Reach storage through private endpoints only, and everything else through a NAT gateway with a fixed address. Costs some dollars a day.')
param privateNetwork bool = false

@description('Let Azure refuse to delete what is stored of customers, until somebody removes the lock. azd down offers to.')
param lockData bool = true

@description('Days for which the daily exports are kept.')
@minValue(7)
@maxValue(90)
param exportDays int = 30

@description('What an update does with running slices. Recreate ends them, and they resume; RollingUpdate is in preview.')
@allowed(['Recreate', 'RollingUpdate'])
param updateStrategy string = 'Recreate'

@description('Make the app registration too: in the public cloud, by people with rights in the directory. Without it, give entraClientId.')
param makeAppRegistration bool = true

@description('Client id of an app registration that somebody else made; only without makeAppRegistration. Empty at the first deployment, whose outputs say what to register.')
param entraClientId string = ''

@description('Object ids of the registration\'s owners, with commas; whoever deploys may be one of them.')
param registrationOwners string = ''

@description('Where organisations read about privacy before they consent.')
param privacyUrl string = ''

@description('Where organisations read the terms of service before they consent.')
param termsUrl string = ''

@description('Issuer of emu.chat\'s tokens.')
param platformIssuer string

@description('Audience of emu.chat\'s tokens.')
param platformAudience string

@description('Where the keys of emu.chat\'s tokens are.')
param platformJwksUrl string

@description('Host name under which browsers reach the app, such as entra.emu.chat: of a proxy or an Azure Front Door before it. Empty for Azure\'s own name.')
param publicHost string = ''

@description('Where the Integrations page is; empty for the one that the app serves itself.')
param portalUrl string = ''

@description('Where that page gets the signed-in person\'s token.')
param portalTokenUrl string

@secure()
@minLength(32)
@description('Signs grant attempts. azd makes one at the first deployment and keeps it in its environment.')
@metadata({ azd: { type: 'generate', config: { length: 48, noSpecial: true } } })
param stateSecret string

@description('Who is told by the alarms: an e-mail address. azd asks for it; empty means nobody.')
param alertEmail string

@description('A month\'s costs of this resource group, in the subscription\'s currency, beyond which the same address is told; 0 for no budget.')
@minValue(0)
param monthlyBudget int = 100

@description('The first day of the month in which the budget begins: by default of this one.')
param budgetStart string = '${utcNow('yyyy-MM')}-01'

@description('Gigabytes of telemetry that a day may bring; what comes after is lost until the next day, and an alarm says so.')
@minValue(1)
param telemetryGigabytesADay int = 1

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var identityName = 'id-${token}'
var appName = 'func-${token}'
var here = clouds[cloud]
var publicUrl = empty(publicHost) ? 'https://${appName}.${here.siteSuffix}' : 'https://${publicHost}'
var ownPortal = '${publicUrl}/api/portal/'
var portal = empty(portalUrl) ? ownPortal : portalUrl
// A page elsewhere calls the app from its own origin: scheme and host, without a path.
var portalOrigin = '${split(portal, '/')[0]}//${split(portal, '/')[2]}'
var redirectUri = '${publicUrl}/api/integrations/entra/consent/callback'
var withoutZones = ['australiasoutheast', 'northcentralus', 'southindia', 'ukwest', 'westcentralus', 'westus']
var skuHere = contains(withoutZones, location) ? 'Standard_LRS' : 'Standard_ZRS'
var sku = empty(storageSku) ? skuHere : storageSku
// Microsoft's extension for Bicep reaches Graph in the public cloud only.
var registers = !makeAppRegistration
  ? false
  : cloud == 'AzureCloud' ? true : fail('makeAppRegistration works in the public cloud only: set it to false')
var clientId = registers ? registration!.outputs.clientId : entraClientId

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
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    identityName: identityName
    sku: sku
    isPrivate: privateNetwork
  }
  dependsOn: [identity]
}

module data 'app/data.bicep' = {
  scope: group
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    identityName: identityName
    sku: sku
    isPrivate: privateNetwork
    isLocked: lockData
    exportDays: exportDays
  }
  dependsOn: [identity]
}

module network 'app/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    storageName: 'st${token}'
    dataName: 'stdata${token}'
  }
  dependsOn: [storage, data]
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityName: identityName
    gigabytesADay: telemetryGigabytesADay
  }
  dependsOn: [identity]
}

module registration 'app/registration.bicep' = if (registers) {
  scope: group
  params: {
    uniqueName: 'emu-chat-entra-${token}'
    redirectUri: redirectUri
    entraAuthority: here.authority
    federationAudience: here.federationAudience
    identityPrincipalId: identity.outputs.principalId
    owners: empty(registrationOwners) ? [] : split(registrationOwners, ',')
    privacyUrl: privacyUrl
    termsUrl: termsUrl
  }
}

module connector 'app/connector.bicep' = {
  scope: group
  params: {
    name: appName
    location: location
    tags: union(tags, { 'azd-service-name': 'connector' })
    storageName: storage.outputs.name
    dataName: data.outputs.name
    subnetId: privateNetwork ? network!.outputs.subnetId : ''
    deploymentContainer: storage.outputs.deploymentContainer
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsConnectionString: monitoring.outputs.connectionString
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    zoneRedundant: zoneRedundant
    updateStrategy: updateStrategy
    allowedOrigins: portalOrigin == publicUrl ? [] : [portalOrigin]
    stateSecret: stateSecret
    settings: {
      ENTRA_CLIENT_ID: clientId
      ENTRA_MANAGED_IDENTITY_CLIENT_ID: identity.outputs.clientId
      ENTRA_AUTHORITY: here.authority
      GRAPH_ENDPOINT: here.graph
      PLATFORM_ISSUER: platformIssuer
      PLATFORM_AUDIENCE: platformAudience
      PLATFORM_JWKS_URL: platformJwksUrl
      PUBLIC_URL: publicUrl
      PORTAL_URL: portal
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
    insightsId: monitoring.outputs.insightsId
    healthUrl: '${publicUrl}/api/health'
    askedFrom: here.askedFrom
    email: alertEmail
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
  }
}

output CONNECTOR_URL string = publicUrl
output PORTAL string = portal
output ENTRA_CLIENT_ID string = clientId

// What a registration made by hand needs.
output REDIRECT_URI string = redirectUri
output FEDERATION_ISSUER string = '${here.authority}/${tenant().tenantId}/v2.0'
output FEDERATION_SUBJECT string = identity.outputs.principalId
output FEDERATION_AUDIENCE string = here.federationAudience

// For the hook before azd down.
output DATA_LOCK string = data.outputs.lockId
