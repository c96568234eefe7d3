// All that is stored of customers: tables in an account of their own, apart from the package and the queues.
import { tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType
param identityName string
param sku string
@description('Reached through a private endpoint only.')
param isPrivate bool
@description('Whether Azure refuses to delete the account until somebody removes the lock.')
param isLocked bool

var tables = ['Connections', 'Contacts', 'Schedule', 'CustomFields']
// Source: learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

// Named by its id, which is known before anything is made: so what-if can tell role assignments.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for one in tables: {
    parent: tableService
    name: one
  }
]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identity.id, storageTableDataContributor)
  scope: account
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'customers-data'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'All contacts and their history. infra/hooks.py removes this lock before azd down, when somebody agrees.'
  }
}

output name string = account.name
output lockId string = isLocked ? lock.id : ''
