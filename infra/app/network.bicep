// Storage without a public address: the app reaches it through a virtual network, and Graph through a NAT gateway.
import { tagsType } from '../types.bicep'

param token string
param location string
param tags tagsType
@description('The account of package and queues, and the one of tables and exports.')
param storageName string
param dataName string

var suffix = environment().suffixes.storage
var services = ['blob', 'queue', 'table']
var reached = [
  { account: storageName, service: 'blob' }
  { account: storageName, service: 'queue' }
  { account: dataName, service: 'table' }
  { account: dataName, service: 'blob' }
]

resource address 'Microsoft.Network/publicIPAddresses@2025-01-01' = {
  name: 'pip-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2025-01-01' = {
  name: 'ng-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: address.id }] }
}

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: { addressSpace: { addressPrefixes: ['10.0.0.0/24'] } }

  resource app 'subnets' = {
    name: 'app'
    properties: {
      addressPrefix: '10.0.0.0/26'
      defaultOutboundAccess: false
      natGateway: { id: gateway.id }
      delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
    }
  }

  resource endpoints 'subnets' = {
    name: 'endpoints'
    properties: { addressPrefix: '10.0.0.64/27', defaultOutboundAccess: false }
    // Azure changes one subnet of a network at a time.
    dependsOn: [app]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: 'privatelink.${service}.${suffix}'
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, index) in services: {
    parent: zone[index]
    name: 'vnet'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-01-01' = [
  for (one, index) in reached: {
    name: 'pep-${one.account == dataName ? 'data-' : ''}${one.service}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        {
          name: one.service
          properties: {
            privateLinkServiceId: resourceId('Microsoft.Storage/storageAccounts', one.account)
            groupIds: [one.service]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-01-01' = [
  for (one, index) in reached: {
    parent: endpoint[index]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: one.service, properties: { privateDnsZoneId: zone[indexOf(services, one.service)].id } }] }
  }
]

output subnetId string = network::app.id
