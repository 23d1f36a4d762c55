import { defineEvent, defineWorkflow } from 'dogear'
import { z } from 'zod'

const Begin = defineEvent('begin')
const Done = defineEvent('done')

/** One text that is to survive. */
const note = (version: number) =>
  defineWorkflow({
    name: 'note',
    version,
    start: Begin,
    stop: Done,
    state: z.object({ text: z.string().default('') }),
    ...(version > 1 && { migrations: { 2: (state: unknown) => state } }),
  }).step('end', { on: Begin, emits: [Done] }, () => Done())

/** The code of this page, and that of the next release. */
export const today = note(1)
export const nextRelease = note(2)
