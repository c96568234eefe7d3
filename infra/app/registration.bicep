// The multi-tenant app: User.Read.All and nothing else, and no secret anywhere. Needs rights in the directory.
extension microsoftGraphV1

param uniqueName string
param redirectUri string
param entraAuthority string
param federationAudience string
param identityPrincipalId string
@description('Object ids.')
param owners string[]
param privacyUrl string
param termsUrl string

var graph = '00000003-0000-0000-c000-000000000000'
var userReadAll = 'df021288-bdef-4463-88db-98f22de89214'

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: 'emu.chat contact sync'
  signInAudience: 'AzureADMultipleOrgs'
  // Puts the signed-in administrator's directory roles (wids) into the ID token, which proves who may consent.
  groupMembershipClaims: 'DirectoryRole'
  // Says when the administrator signed in: an older sign-in than the request proves nothing.
  optionalClaims: { idToken: [{ name: 'auth_time', essential: false }] }
  web: {
    redirectUris: [redirectUri]
    implicitGrantSettings: { enableIdTokenIssuance: false, enableAccessTokenIssuance: false }
  }
  owners: { relationships: owners }
  info: {
    privacyStatementUrl: empty(privacyUrl) ? null : privacyUrl
    termsOfServiceUrl: empty(termsUrl) ? null : termsUrl
  }
  // Nobody in a customer's tenant can add a key to our service principal there, and act with it.
  servicePrincipalLockConfiguration: { isEnabled: true, allProperties: true }
  requiredResourceAccess: [
    {
      resourceAppId: graph
      resourceAccess: [{ id: userReadAll, type: 'Role' }]
    }
  ]

  // The name has to hold the app's own: a bare one is not found (Azure/bicep-types-microsoftgraph 271).
  resource federation 'federatedIdentityCredentials@v1.0' = {
    name: '${uniqueName}/managed-identity'
    issuer: '${entraAuthority}/${tenant().tenantId}/v2.0'
    subject: identityPrincipalId
    audiences: [federationAudience]
  }
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

output clientId string = app.appId
