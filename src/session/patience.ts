import { nextTask } from '../clock'

/** How many tasks are waited for a step to run up to its wait, or its sub-flow, again. */
const PATIENCE = 1000

/** Resolves when the condition holds, or is given up: the step that it depends on may be waiting for its retry. */
export async function patiently(isSo: () => boolean): Promise<void> {
  for (let tasks = 0; tasks < PATIENCE && !isSo(); tasks++) await new Promise<void>(nextTask)
}
