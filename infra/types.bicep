// What modules hand to each other, by name and type.

@export()
@description('Tags of azd: the environment on everything, the service on the app that azd deploys to.')
type tagsType = {
  'azd-env-name': string
  *: string
}

@export()
@description('The settings that main.bicep knows and that are no secret; services/settings.py reads them (docs/specification.md 8).')
type connectorSettingsType = {
  ENTRA_CLIENT_ID: string
  ENTRA_MANAGED_IDENTITY_CLIENT_ID: string
  ENTRA_AUTHORITY: string
  GRAPH_ENDPOINT: string
  PLATFORM_ISSUER: string
  PLATFORM_AUDIENCE: string
  PLATFORM_JWKS_URL: string
  PUBLIC_URL: string
  PORTAL_URL: string
  PORTAL_TOKEN_URL: string
  SYNC_SCHEDULE: string
  SLICE_SECONDS: string
}
