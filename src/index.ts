export * from './errors'
export * from './run-errors'
export * from './storage-errors'
export type { Clock } from './clock'
export { createPlainStore } from './state/create-plain-store'
export { createStore } from './state/create-store'
export type { Exact, Item, Keys, Next, Path, Read, Write } from './state/path-types'
export type { Schema } from './state/standard-schema'
export type { AnyStore, PlainStore, StateStore } from './state/store'
export type { Ask, OpenAsk } from './workflow/ask'
export { defineEvent, type EventFactory, type EventType, type WorkflowEvent } from './workflow/event'
export { workflowFromGraph, type GraphWorkflow } from './workflow/graph/graph'
export type { GraphDocument, GraphEdge, GraphNode } from './workflow/graph/document'
export { ConditionError, GraphError } from './workflow/graph/error'
export { graphOf, type GraphExport } from './workflow/graph/export'
export type {
  GraphRegistry,
  RegisteredNode,
  RegisteredStep,
  RegisteredSubflow,
} from './workflow/graph/registry'
export { allOf, gather, type AllOf, type Gather } from './workflow/join'
export { OutcomeUnknown, type KnownOutcome, type UnknownEffect } from './workflow/outcome-unknown'
export { resource, type FactoryOptions, type GivenResources, type Resource } from './workflow/resource'
export { toMermaid, type DiagramOptions } from './workflow/mermaid'
export type { ExecuteContext } from './workflow/node'
export type { Retry, RetryPolicy } from './workflow/retry'
export type {
  AnyWorkflow,
  FlowStateOf,
  ResourcesOf,
  ResultOf,
  Shape,
  ShapeOf,
  StateOf,
} from './workflow/shape'
export type { Mapping, SubflowOptions } from './workflow/subflow'
export { StepFailed, type StepFailure } from './workflow/step-failed'
export type { StepContext, StepStore } from './workflow/step-context'
export { defineWorkflow, type Workflow } from './workflow/workflow'
export { indexedDBStorage } from './storage/adapters/indexeddb'
export { memoryStorage, type MemoryStorage } from './storage/adapters/memory'
export type { Persistence } from './storage/persistence'
export { jsonSerializer, type Serializer } from './storage/serializer'
export type {
  Durability,
  SessionStorage,
  StorageFilter,
  StoredBatch,
  StoredExport,
  StoredFlow,
  StoredHead,
  StoredPart,
  StoredPartInfo,
  StoredSession,
  StoredSessionInfo,
  StoredShape,
  StoredSnapshot,
} from './storage/storage'
export type { HistoryEntry } from './session/model/history-entry'
export type { Orphan } from './session/orphans'
export type { DueRetry } from './session/retries'
export type { AnySession, Progress, Resumed, Role, Session, Target } from './session/session'
export type { Status } from './session/model/status'
export type { EventsOptions } from './session/stream'
export { LeaderSilentError, OvertakenError, ReadOnlyError } from './session/followers/tab-errors'
export { structuredCloneSerializer } from './engine/structured-clone'
export type { SessionFilter, SessionInfo } from './engine/session-info'
export { createEngine, type Engine, type EngineOptions, type Flow, type OpenOptions } from './engine'
