import { z } from 'zod'
import { createEngine, defineEvent, defineWorkflow } from 'dogear'

/**
 * A page that never stops: a flow whose steps have effects on the server, and somebody who types. It tells the server
 * what it found when it was opened, and what Dogear has called saved.
 */
const Go = defineEvent('go')
const Next = defineEvent('next')
const Never = defineEvent('never')

const tell = async (where: string, what: object): Promise<void> => {
  const answer = await fetch(where, { method: 'POST', body: JSON.stringify(what) })
  if (!answer.ok) throw new Error(`${where}: ${answer.status}`)
}

const torture = defineWorkflow({
  name: 'torture',
  version: 1,
  maxSteps: 1_000_000,
  state: z.object({
    done: z.array(z.number()).default([]),
    typed: z.number().default(0),
    copy: z.number().default(0),
  }),
  start: Go,
  stop: Never,
}).step('work', { on: [Go, Next], emits: [Next, Never] }, async (ctx) => {
  const effect = ctx.state.get('done').length
  await ctx.once('effect', (key) => tell('effect', { key, effect }))
  await ctx.state.append('done', effect)
  return Next()
})

const session = await createEngine()
  .open(torture, { id: 'torture', autoResume: false })
  .catch(async (error: unknown) => {
    await tell('found', { refused: String(error) })
    throw error
  })
// A browser that was killed may need longer than the engine waits for it. The session is then empty and says so, and
// what is stored is there when it has answered: until then this page does nothing that counts.
if (session.persistence.status === 'degraded') {
  await tell('degraded', { error: String(session.persistence.error) })
  await new Promise<void>((resolve) => {
    const stop = session.subscribe(() => {
      if (session.persistence.status === 'degraded') return
      stop()
      resolve()
    })
  })
}
const databases = (await indexedDB.databases?.())?.map((it) => it.name)
await tell('found', { ...session.state.get(), databases })
session.run().catch((error: unknown) => tell('found', { refused: String(error) }))

for (let typed = session.state.get('typed') + 1; ; typed++) {
  session.state.edit((draft) => {
    draft.typed = typed
    draft.copy = typed
  })
  const done = session.state.get('done').length
  await session.flush()
  await tell('acknowledged', { typed, done })
}
