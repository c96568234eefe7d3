// What differs between Azure's clouds. Sources: learn.microsoft.com/graph/deployments,
// learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity,
// learn.microsoft.com/azure/azure-monitor/app/availability (location population tags: whence the app is asked).

@export()
@description('Each cloud by the name that environment() gives it.')
var clouds = {
  AzureCloud: {
    #disable-next-line no-hardcoded-env-urls // A table by cloud; environment() knows only the cloud that deploys.
    authority: 'https://login.microsoftonline.com'
    graph: 'https://graph.microsoft.com'
    federationAudience: 'api://AzureADTokenExchange'
    siteSuffix: 'azurewebsites.net'
    askedFrom: ['emea-nl-ams-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']
  }
  AzureUSGovernment: {
    authority: 'https://login.microsoftonline.us'
    graph: 'https://graph.microsoft.us'
    federationAudience: 'api://AzureADTokenExchangeUSGov'
    siteSuffix: 'azurewebsites.us'
    askedFrom: ['usgov-va-azr', 'usgov-phx-azr', 'usgov-tx-azr']
  }
  AzureChinaCloud: {
    authority: 'https://login.partner.microsoftonline.cn'
    graph: 'https://microsoftgraph.chinacloudapi.cn'
    federationAudience: 'api://AzureADTokenExchangeChina'
    siteSuffix: 'chinacloudsites.cn'
    askedFrom: ['mc-cne2-azr', 'mc-cnn2-azr', 'mc-cnn-azr']
  }
}
