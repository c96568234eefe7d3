// All that is stored of customers, in an account of its own, apart from the package and the queues: the tables, and the
// daily exports of what a full run cannot bring back.
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
@description('Days for which an export is kept, one that was deleted or replaced included. What was forgotten stands in exports for as long, and another week.')
@minValue(7)
@maxValue(90)
param exportDays int

var tables = ['Connections', 'Contacts', 'Schedule', 'CustomFields']
var exports = 'exports'

// Source: learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
var roles = {
  StorageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  // It may delete an export, which stays to be had for a while; it may not delete a version of one.
  StorageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

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

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    // Of what versions do not keep: versions themselves, once the rule below ended them.
    deleteRetentionPolicy: { enabled: true, days: 7 }
    containerDeleteRetentionPolicy: { enabled: true, days: exportDays }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobService
  name: exports
}

resource ageing 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'exports-end'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${exports}/'] }
            actions: {
              baseBlob: { delete: { daysAfterCreationGreaterThan: exportDays } }
              version: { delete: { daysAfterCreationGreaterThan: exportDays } }
            }
          }
        }
      ]
    }
  }
  dependsOn: [blobService]
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(account.id, identity.id, role.value)
    scope: account
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
    }
  }
]

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
