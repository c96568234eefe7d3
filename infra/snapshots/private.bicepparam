// Storage has no public address; Azure would let it be deleted.
using '../main.bicep'

param environmentName = 'try'
param location = 'westeurope'
param cloud = 'AzureCloud'
param platformIssuer = 'https://id.example.org'
param platformAudience = 'emu.chat'
param platformJwksUrl = 'https://id.example.org/jwks'
param portalTokenUrl = 'https://id.example.org/token'
param stateSecret = 'made-up-for-a-snapshot-of-infra-only'
param alertEmail = ''
param budgetStart = '2026-11-01'
param privateNetwork = true
param lockData = false
