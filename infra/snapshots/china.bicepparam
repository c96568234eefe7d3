// Azure operated by 21Vianet, where the registration is made by hand.
using '../main.bicep'

param environmentName = 'try'
param location = 'chinanorth3'
param cloud = 'AzureChinaCloud'
param platformIssuer = 'https://id.example.org'
param platformAudience = 'emu.chat'
param platformJwksUrl = 'https://id.example.org/jwks'
param portalTokenUrl = 'https://id.example.org/token'
param stateSecret = 'made-up-for-a-snapshot-of-infra-only'
param alertEmail = ''
param makeAppRegistration = false
param entraClientId = '33333333-3333-4333-8333-333333333333'
param budgetStart = '2026-11-01'
