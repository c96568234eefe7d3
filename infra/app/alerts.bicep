// Reasons to wake an operator (docs/operations.md says what to do at each). Its tests run every query.
import { tagsType } from '../types.bicep'

param token string
param location string
param tags tagsType
param workspaceId string
param insightsId string
param healthUrl string
@description('Three places from which the app is asked whether it is well.')
param askedFrom string[]
param email string
@description('A month\'s costs in the subscription\'s currency, of which four fifths, the whole and the forecast are told; 0 for no budget.')
param monthlyBudget int
@description('The first day of the month in which the budget began.')
param budgetStart string

type alarmType = {
  name: string
  title: string
  severity: 1 | 2 | 3
  @description('How far back a query looks, and how often.')
  window: string
  every: string
  operator: 'LessThan' | 'GreaterThan' | 'GreaterThanOrEqual'
  threshold: int
  query: string
}

var alarms alarmType[] = [
  {
    // Without a guard: when the app or its timer is dead, no row is left that a guard could look at.
    name: 'timer-silent'
    title: 'The timer did not tick for two hours'
    severity: 1
    window: 'PT2H'
    every: 'PT15M'
    operator: 'LessThan'
    threshold: 1
    query: '''
      AppMetrics
      | where Name == 'emu.schedule.workspaces'
      | summarize Value = count()
    '''
  }
  {
    name: 'no-run-completed'
    title: 'No run completed for two hours'
    severity: 1
    window: 'PT2H'
    every: 'PT30M'
    operator: 'LessThan'
    threshold: 1
    query: '''
      AppMetrics
      | summarize
          Visits = countif(Name == 'emu.schedule.workspaces' and Max > 0),
          Ended = countif(Name == 'emu.sync.runs' and tostring(Properties.outcome) in ('completed', 'awaiting_approval'))
      | extend Value = iff(Visits > 0, Ended, 1)
    '''
  }
  {
    // Where the timer ticked for most of two days, at least one day's export must have ended with every workspace in it.
    name: 'no-export'
    title: 'No day\'s export held every workspace for two days'
    severity: 2
    window: 'P2D'
    every: 'PT6H'
    operator: 'LessThan'
    threshold: 1
    query: '''
      AppMetrics
      | summarize
          Ticks = countif(Name == 'emu.schedule.workspaces'),
          Whole = countif(Name == 'emu.export.workspaces' and tostring(Properties.whole) =~ 'true')
      | extend Value = iff(Ticks >= 40, Whole, 1)
    '''
  }
  {
    name: 'poison-messages'
    title: 'A message failed every time'
    severity: 2
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
    query: '''
      AppMetrics
      | where Name == 'emu.queue.poisoned'
      | summarize Value = sum(Sum)
    '''
  }
  {
    name: 'events-wait'
    title: 'Events wait to be told'
    severity: 2
    window: 'PT1H'
    every: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    query: '''
      AppMetrics
      | where Name == 'emu.events.wait'
      | summarize Value = sum(Sum)
    '''
  }
  {
    name: 'credential-rejected'
    title: 'Microsoft or Azure rejects the app\'s own credential'
    severity: 1
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
    query: '''
      AppMetrics
      | where Name == 'emu.credential.rejected'
      | summarize Value = sum(Sum)
    '''
  }
  {
    name: 'run-failed-three-times'
    title: 'A workspace\'s runs failed three times'
    severity: 3
    window: 'PT6H'
    every: 'PT30M'
    operator: 'GreaterThanOrEqual'
    threshold: 3
    query: '''
      AppTraces
      | where Message startswith 'run_failed ' or Message startswith 'run_gave_up '
      | extend Workspace = extract(@'workspace=(\S+)', 1, Message)
      | summarize Failures = count() by Workspace
      | summarize Value = max(Failures)
    '''
  }
  {
    // The host's rows of requests and the worker's of exceptions; the app's own line is there where the host has none.
    name: 'functions-failing'
    title: 'Requests or functions fail for reasons of ours'
    severity: 2
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThanOrEqual'
    threshold: 5
    query: '''
      union
        (AppRequests | where toint(ResultCode) >= 500 | project TimeGenerated),
        (AppTraces | where Message startswith 'request_failed ' | project TimeGenerated),
        (AppExceptions | project TimeGenerated)
      | summarize Value = count()
    '''
  }
  {
    name: 'telemetry-capped'
    title: 'The day\'s telemetry reached its cap'
    severity: 2
    window: 'PT1H'
    every: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
    query: '''
      _LogOperation
      | where Category =~ 'Ingestion' and Detail contains 'OverQuota'
      | summarize Value = count()
    '''
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'emu-entra'
    enabled: true
    emailReceivers: [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alarm in alarms: {
    name: '${alarm.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alarm.title
      severity: alarm.severity
      enabled: true
      scopes: [workspaceId]
      windowSize: alarm.window
      evaluationFrequency: alarm.every
      autoMitigate: true
      // A new workspace has no such tables yet, and would refuse the rule.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alarm.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'Value'
            operator: alarm.operator
            threshold: alarm.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [people.id] }
    }
  }
]

// Three places ask every quarter of an hour; two that get no 200 are an alarm.
resource health 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'health-${token}'
  location: location
  tags: union(tags, { 'hidden-link:${insightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    Name: 'health-${token}'
    SyntheticMonitorId: 'health-${token}'
    Kind: 'standard'
    Enabled: true
    Frequency: 900
    Timeout: 60
    RetryEnabled: true
    Locations: map(askedFrom, place => { Id: place })
    Request: { RequestUrl: healthUrl, HttpVerb: 'GET', ParseDependentRequests: false }
    ValidationRules: { ExpectedHttpStatusCode: 200, SSLCheck: true, SSLCertRemainingLifetimeCheck: 14 }
  }
}

resource unreachable 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'unreachable-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The app does not answer, or storage or a setting fails it'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [health.id, insightsId]
    windowSize: 'PT30M'
    evaluationFrequency: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: health.id
      componentId: insightsId
      failedLocationCount: 2
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}

// Azure tells a budget to addresses, and to nobody else.
resource budget 'Microsoft.Consumption/budgets@2026-06-01' = if (!empty(email) && monthlyBudget > 0) {
  name: 'budget-${token}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetStart }
    notifications: {
      most: { enabled: true, operator: 'GreaterThan', threshold: 80, thresholdType: 'Actual', contactEmails: [email] }
      all: { enabled: true, operator: 'GreaterThan', threshold: 100, thresholdType: 'Actual', contactEmails: [email] }
      soon: { enabled: true, operator: 'GreaterThan', threshold: 100, thresholdType: 'Forecasted', contactEmails: [email] }
    }
  }
}
