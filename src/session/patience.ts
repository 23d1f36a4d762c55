import { nextTask } from '../clock'

/** How many tasks a step gets to run up to its wait or sub-flow again. */
const PATIENCE = 1000

/** Resolves when the condition holds, or after those tasks: the step that it depends on may be waiting for its retry. */
export async function patiently(isSo: () => boolean): Promise<void> {
  for (let tasks = 0; tasks < PATIENCE && !isSo(); tasks++) await new Promise<void>(nextTask)
}
