/** The options of a definition, and which of them the call itself checks: `validate` reports the others, all at once. */
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
