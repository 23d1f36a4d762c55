import { nextTask } from '../clock'

/** Tasks that are waited for a step to run up to its wait, or its sub-flow, again. */
const PATIENCE = 1000

/** Resolves when it is so, or will not become so: the step that it hangs on may be waiting for its retry. */
export async function patiently(isSo: () => boolean): Promise<void> {
  for (let tasks = 0; tasks < PATIENCE && !isSo(); tasks++) await new Promise<void>(nextTask)
}
