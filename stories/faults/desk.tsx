import { createEngine, indexedDBStorage, type Engine, type SessionStorage } from 'dogear'
import { useWorkflow, useWorkflowState, WorkflowProvider } from 'dogear/react'
import { virtualTabs } from 'dogear/testing'
import { useEffect, useState } from 'react'
import '../checkout/checkout.css'
import { LoadProblem } from '../checkout/load-problem'
import { SaveStatus } from '../checkout/save-status'
import { remove } from './database'
import { nextRelease, today } from './workflow'

/** What a fault can be done to. */
export interface Scene {
  /** The name of the database. */
  readonly name: string
  /** Loads the page anew: another engine, as after a reload. */
  readonly reload: () => void
  /** Opens the next release of the page beside it, as in another tab. */
  readonly openTab: () => void
}

export interface Action {
  readonly label: string
  readonly act: (scene: Scene) => void | Promise<void>
}

export interface DeskProps {
  /** What goes wrong, and what to look at. */
  readonly hint: string
  /** What a person can do to the storage. */
  readonly actions: readonly Action[]
  /** Before the page opens. */
  readonly before?: ((name: string) => Promise<void>) | undefined
  readonly wrap?: ((storage: SessionStorage) => SessionStorage) | undefined
}

export const ID = 'note'

/** A note on a storage of its own, and buttons for what may happen to that. */
export function Desk({ hint, actions, before, wrap }: DeskProps) {
  const [page] = useState(() => makePage(wrap))
  const [engine, setEngine] = useState<Engine>()
  const [busy, setBusy] = useState(false)
  const [next, setNext] = useState<Engine>()
  useEffect(() => {
    void Promise.resolve(before?.(page.name)).then(() => setEngine(page.open()))
    return () => void page.end()
  }, [page, before])
  const reload = () => setEngine(page.open(engine))
  const scene: Scene = { ...page, reload, openTab: () => setNext(page.open()) }
  const happen = async (act: Action['act']) => {
    if (busy) return
    setBusy(true)
    await act(scene)
    setBusy(false)
  }
  return (
    <div className="checkout" data-database={page.name}>
      <div className="form">
        <p className="hint">{hint}</p>
        {actions.length > 0 && (
          <div className="buttons" role="group" aria-label="What happens">
            {actions.map(({ label, act }) => (
              <button key={label} type="button" aria-disabled={busy} onClick={() => void happen(act)}>
                {label}
              </button>
            ))}
          </div>
        )}
        {engine && <Tab name="This page" engine={engine} workflow={today} titled={next !== undefined} />}
        {next && <Tab name="Another tab, with newer code" engine={next} workflow={nextRelease} titled />}
      </div>
    </div>
  )
}

function makePage(wrap: DeskProps['wrap']) {
  const name = `dogear-fault-${crypto.randomUUID()}`
  const tabs = virtualTabs()
  const engines = new Set<Engine>()
  return {
    name,
    open(old?: Engine): Engine {
      void old?.close()
      const storage = indexedDBStorage(name)
      const engine = createEngine({ storage: wrap?.(storage) ?? storage, page: null, timeout: 500, ...tabs })
      engines.add(engine)
      return engine
    },
    async end() {
      await Promise.all([...engines].map((it) => it.close()))
      await remove(name)
    },
  }
}

interface TabProps {
  readonly name: string
  readonly engine: Engine
  readonly workflow: typeof today
  /** Whether its name is to be seen. */
  readonly titled: boolean
}

function Tab({ name, engine, workflow, titled }: TabProps) {
  return (
    <section className="form" aria-label={name} tabIndex={-1}>
      {titled && <h2>{name}</h2>}
      <WorkflowProvider
        workflow={workflow}
        engine={engine}
        id={ID}
        fallback={<p>Opening ...</p>}
        errorFallback={(error) => <LoadProblem error={error} what="note" />}
      >
        <Note workflow={workflow} />
      </WorkflowProvider>
    </section>
  )
}

function Note({ workflow }: Pick<TabProps, 'workflow'>) {
  const [text, setText] = useWorkflowState(workflow, 'text')
  const { persistence } = useWorkflow(workflow)
  return (
    <>
      <label className="field">
        Note
        <input type="text" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <SaveStatus persistence={persistence} />
    </>
  )
}
