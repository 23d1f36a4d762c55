/** The options of a definition, and what the call itself looks at: of the others `validate` tells, all at once. */
export const takenByWorkflow = {
  name: '',
  version: '',
  start: '',
  stop: '',
  state: '',
  flowState: '',
  resources: '',
  events: 'map',
  timeout: '',
  maxSteps: '',
  history: '',
  catchError: '',
  recoveries: '',
  onUnknownOutcome: '',
  migrations: '',
  renamedSteps: '',
  private: 'map',
  skip: 'map',
}

/** Those of a step, and of a node. */
export const takenByStep = {
  on: '',
  emits: '',
  asks: '',
  workers: '',
  retry: '',
  timeout: '',
  catchError: '',
  recoveries: '',
  config: '',
}
