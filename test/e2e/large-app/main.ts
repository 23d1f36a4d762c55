import { createEngine, defineEvent, defineWorkflow } from 'dogear'

/** A session of so many kilobytes, whose newest note is shown; the button changes it 21 times and reloads at once. */
const Begin = defineEvent('begin')
const End = defineEvent('end')
const large = defineWorkflow({ name: 'large', version: 1, start: Begin, stop: End }).step(
  'end',
  { on: Begin, emits: [End] },
  () => End(),
)

const count = Number(new URLSearchParams(location.search).get('kilobytes'))
const entries = Array.from({ length: count }, (_, at) => ({ note: '', text: `${at} ${'x'.repeat(990)}` }))
const { state, flush } = await createEngine().open(large, { id: 'large', initialState: { entries } })
const path = `entries.${count >> 1}.note`
if (state.get(path) === '') {
  state.set(path, 'new')
  await flush()
}

const output = document.querySelector('output') as HTMLOutputElement
output.textContent = state.get(path) as string
;(document.querySelector('button') as HTMLButtonElement).onclick = async () => {
  const since = Number(state.get('changes') ?? 0)
  for (let n = since + 1; n <= since + 21; n++) {
    state.batch(() => {
      state.set(path, `change ${n}`)
      state.set('changes', n)
    })
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  location.reload()
}
