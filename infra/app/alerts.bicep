// Four reasons to wake somebody (docs/operations.md says what to do at each).
import { tagsType } from '../types.bicep'

param token string
param location string
param tags tagsType
param workspaceId string
param email string

var alerts = [
  {
    name: 'no-run-completed'
    title: 'No run completed for two hours'
    severity: 1
    window: 'PT2H'
    every: 'PT30M'
    operator: 'LessThan'
    threshold: 1
    query: '''
      let active = toscalar(AppMetrics | where Name == 'emu.schedule.workspaces' | summarize max(Max));
      AppMetrics
      | where Name == 'emu.sync.runs' and tostring(Properties.outcome) in ('completed', 'awaiting_approval')
      | summarize Value = sum(Sum)
      | where active > 0
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
      AppMetrics | where Name == 'emu.queue.poisoned' | summarize Value = sum(Sum)
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
      AppMetrics | where Name == 'emu.credential.rejected' | summarize Value = sum(Sum)
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
  for alert in alerts: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      windowSize: alert.window
      evaluationFrequency: alert.every
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'Value'
            operator: alert.operator
            threshold: alert.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [people.id] }
    }
  }
]
