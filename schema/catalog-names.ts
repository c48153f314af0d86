import { camelCase } from './names.ts'
import { plural } from './model.ts'

/** The kinds of names in the graph; two equal names of one kind collide. */
export type NameSpace = 'type' | 'Query' | 'Mutation' | 'Subscription'

export interface GraphName {
  readonly space: NameSpace
  readonly name: string
  /** Which of the entry's names decides it: renaming that one solves a collision. */
  readonly by: 'entry' | 'type'
}

/** Every name a region or view takes in the graph: with changes where the hub keeps its rows, with writes where clients fill it. */
export function graphNames(name: string, type: string, { kept, writable }: { readonly kept: boolean; readonly writable: boolean }): GraphName[] {
  const list = camelCase(name)
  const lookup = camelCase(type)
  const names: GraphName[] = [
    ...['', ...typeSuffixes].map(suffix => ({ space: 'type' as const, name: type + suffix, by: 'type' as const })),
    { space: 'Query', name: lookup, by: 'type' },
    { space: 'Query', name: list, by: 'entry' },
    { space: 'Query', name: `${list}ByKey`, by: 'entry' },
  ]
  if (kept) names.push({ space: 'Subscription', name: `${lookup}Changed`, by: 'type' })
  if (writable) for (const field of [`put${type}`, `put${plural(type)}`, `remove${type}`]) names.push({ space: 'Mutation', name: field, by: 'type' })
  return names
}

const typeSuffixes = ['Connection', 'Edge', 'Filter', 'Order', 'Change', 'Key', 'Input']

/** `busiest_routes` → `busiest_route`: English plurals in -ies, -sses, -xes, -ches, -shes and -s; any other word as it is. */
export function singular(name: string): string {
  if (/[^aeiou]ies$/i.test(name)) return `${name.slice(0, -3)}y`
  if (/(ss|x|ch|sh|zz)es$/i.test(name)) return name.slice(0, -2)
  return /[^sui]s$/i.test(name) ? name.slice(0, -1) : name
}

const scalars = ['String', 'Int', 'Float', 'Boolean', 'ID', 'Long', 'Decimal', 'Date', 'Time', 'DateTime', 'LocalDateTime', 'UUID', 'Bytes', 'JSON', 'JSONObject']

/** Names the graph has of its own, whatever the catalog says. */
export const reservedNames: Readonly<Record<NameSpace, ReadonlySet<string>>> = {
  type: new Set([
    ...scalars, ...scalars.map(name => `${name}Filter`),
    'Query', 'Mutation', 'Subscription', 'PageInfo', 'Direction', 'ChangeType', 'QueryResult', 'QueryLineage', 'LineageGraph', 'LineageDirection', 'LineageNode', 'LineageEdge',
    'SqlResult', 'SqlWriteResult', 'SqlColumn', 'CacheRegion', 'CacheRegionStats', 'CacheRegionConnection', 'CacheRegionEdge', 'CacheRegionFilter', 'CacheMode', 'EvictionPolicy', 'CacheStrategy', 'AtomicityMode', 'DataSource',
    'DataSourceType', 'ApiEndpoint', 'Transaction', 'TransactionInput', 'TransactionRetryInput', 'TransactionPayload', 'TransactionState', 'TransactionParticipant', 'TransactionVote', 'TxOp', 'TxOperationInput', 'TxResult', 'Isolation', 'ConsistencyLevel', 'Config', 'View', 'ViewConnection', 'Column', 'CatalogEntry', 'AuditEvent',
    'CacheChangeEvent', 'CacheEntry', 'SqlType', 'SqlPlan', 'CreateCacheRegionInput', 'UpdateCacheRegionInput', 'CreateCacheRegionPayload', 'ExpiryPolicy', 'ExpiryPolicyInput', 'IndexInput',
    'RegionColumn', 'CacheCluster', 'CacheNode', 'CacheNodeState', 'CachePool', 'ResultColumn', 'StatementPageInfo', 'QueryStats', 'QueryInputs', 'QueryPlan', 'FederatedView', 'FederatedViewConnection', 'FederatedViewEdge', 'RefreshPolicy', 'SourceStatus', 'StoreRole', 'TableColumn', 'TableSchema', 'TableStats', 'MaterializeInput', 'QueryDataSource', 'QuarantinedRow',
    'Topic', 'TopicConnection', 'TopicEdge', 'TopicPartition', 'TopicConfig', 'TopicStart', 'TopicMessage', 'TopicMessageConnection', 'TopicMessageEdge', 'TopicMessageFilter', 'CreateTopicInput', 'UpdateTopicInput',
    'ApiEndpointInput', 'ApiEndpointPayload', 'ApiEndpointConnection', 'ApiEndpointEdge', 'EndpointParameter', 'ApiQueries', 'ApiQueryResult', 'ApiQueryCache', 'CacheStatus', 'ApiPreset', 'ApiPresetName', 'InstallPresetPayload',
    'ValidationResult', 'ValidationFinding', 'FindingSeverity', 'DocumentKind', 'ExecutionPlan', 'ExecutionStep', 'StepKind', 'StepHint', 'TransformationType', 'TransformationAttribute',
    'PipelineLayer', 'PipelineDefinition', 'PipelineDefinitionConnection', 'PipelineDefinitionEdge', 'RunFilter', 'RunState', 'PipelineRun', 'RunLineage', 'RunDataset', 'RunColumn', 'WrittenDataset', 'WrittenColumn', 'RunInput', 'PipelineRunConnection', 'PipelineRunEdge', 'RunTrigger', 'SlaStatus', 'RunError', 'RunStep', 'RunStepState', 'RunPeriod', 'RunStat', 'FailureReason', 'SlaCompliance', 'PipelineStat', 'RunLogConnection', 'RunLogEdge', 'RunLogLine', 'RunLogLevel', 'RunQueue', 'RunWorker', 'RunWorkerState',
    'Run', 'JobPipeline', 'JobPipelineConnection', 'JobPipelineEdge', 'PipelineRef', 'FailureStrategy', 'JobNotification', 'NotifyKind', 'NotifyOn', 'JobDag', 'JobDagNode', 'JobDagEdge', 'JobRunFilter', 'JobRun', 'JobRunConnection', 'JobRunEdge', 'JobStep',
    'PipelineVersion', 'DraftState', 'PipelineDraft', 'PipelineDraftConnection', 'PipelineDraftEdge', 'DraftApproval', 'DraftDecision', 'AuditFilter', 'AuditOutcome', 'AuditEntry', 'AuditEntryConnection', 'AuditEntryEdge', 'AuditVerification', 'Application', 'ApplicationLayer', 'ConfigVersion',
    'RevealedValue', 'SourceWatermark', 'DriftFinding', 'DriftChange', 'ExportFile', 'ExportFileConnection', 'ExportFileEdge', 'ExportContent', 'ExportFormat', 'Environment', 'PipelinePromotion', 'ExportJob', 'DatasetContent',
    'AlertRule', 'AlertRuleInput', 'AlertKind', 'AlertTarget', 'AlertFilter', 'AlertConnection', 'AlertEdge', 'Alert', 'DeadNotice', 'DeadNoticeConnection', 'DeadNoticeEdge', 'NoticeFailure', 'Anomaly', 'AnomalyVerdict', 'AnomalyMetric',
  ]),
  Query: new Set([
    'unifiedQuery', 'explainQuery', 'federatedViews', 'queryDataSources', 'tableSchema', 'queryLineage', 'lineage', 'sqlQuery', 'sqlExplain', 'cacheRegions', 'cacheRegion', 'cacheGet', 'cacheGetAll', 'cacheCluster', 'config', 'transaction', 'cacheMetrics', 'dataSources',
    'dataSource', 'apiQuery', 'apiQueries', 'apiEndpoints', 'apiPresets', 'views', 'view', 'catalog', 'audit', 'auditTrail', 'health', 'diagnose', 'advice', 'hub', 'node', 'nodes', 'topics', 'topic', 'topicMessages', 'validatePipeline', 'transformationTypes', 'pipelineXsd', 'jobXsd', 'pipelines', 'pipeline', 'runs', 'run', 'runStats', 'topFailureReasons', 'slaCompliance', 'pipelineStats', 'runLogs', 'queue', 'workers', 'jobs', 'job', 'jobRuns', 'jobRun',
    'pipelineDrafts', 'pipelineDraft', 'auditLog', 'verifyAudit', 'applications', 'commonSchemas', 'commonLookups',
    'schemaDrift', 'exports', 'exportContent', 'datasetContent', 'exportJob', 'environment',
    'alertRules', 'alerts', 'deadNotices', 'anomalies',
  ]),
  Mutation: new Set([
    'createCacheRegion', 'updateCacheRegion', 'deleteCacheRegion', 'clearCacheRegion', 'reloadCacheRegion', 'cachePut', 'cachePutAll', 'cacheRemove', 'registerDataSource', 'deleteDataSource', 'createView', 'createFederatedView', 'refreshView', 'dropView',
    'updateView', 'deleteView', 'executeTransaction', 'registerApiEndpoint', 'deleteApiEndpoint', 'installPreset', 'sqlExecute', 'createTopic', 'updateTopic', 'deleteTopic', 'runPipeline', 'requestExport', 'promotePipeline', 'cancelRun', 'runJob', 'rerun',
    'createPipeline', 'updatePipeline', 'deletePipeline', 'createPipelineDraft', 'updatePipelineDraft', 'submitPipelineDraft', 'approvePipelineDraft', 'rejectPipelineDraft',
    'detokenize',
    'putAlertRule', 'removeAlertRule', 'acknowledgeAlert', 'retryDeadNotice', 'discardDeadNotice',
  ]),
  Subscription: new Set(['pipelineRunChanged', 'jobRunChanged', 'alertRaised', 'cacheChanges', 'topicMessages']),
}

/** Names SQL takes for catalogs of its own, so that no source can have them. */
export const reservedSources: ReadonlySet<string> = new Set(['hub', 'system', 'memory', 'temp', 'main', 'information_schema', 'pg_catalog'])

/** The hub's own subgraphs. */
export const reservedSubgraphs: ReadonlySet<string> = new Set(['regions', 'views', 'registry', 'pipelines', 'streams', 'lineage', 'replicas'])

/** Reserved words of Trino and of DuckDB, either of which may run a statement. */
const sqlWords = `
  all alter analyse analyze and any array as asc asymmetric between both by case cast check collate column constraint create cross cube current_catalog current_date current_path
  current_role current_schema current_time current_timestamp current_user deallocate default deferrable delete desc describe distinct do drop else end escape except execute exists
  extract false fetch for foreign from full group grouping having in initially inner insert intersect into is join json_array json_exists json_object json_query json_table json_value
  lambda lateral leading left like limit listagg localtime localtimestamp natural normalize not null offset on only or order outer pivot pivot_longer pivot_wider placing prepare
  primary qualify recursive references returning right rollup select show skip some summarize symmetric table then to trailing trim true uescape union unique unnest unpivot update
  using values variadic when where window with`
const reservedWords: ReadonlySet<string> = new Set(sqlWords.trim().split(/\s+/))

/** Why the text cannot name an entry, as words that follow the quoted name; undefined: it can. */
export function nameProblem(name: string): string | undefined {
  if (name.length > 63) return 'is longer than 63 characters.'
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return `is not a name. Names are letters, digits and "_", and begin with a letter${proposal(name)}.`
  if (reservedWords.has(name.toLowerCase())) return `is a reserved word of SQL. Call it "${name}_data", for example.`
  return undefined
}

function proposal(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+|_+$/g, '')
  return plain === '' ? '' : `: "${plain.slice(0, 63)}", for example`
}
