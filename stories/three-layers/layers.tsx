import type { Engine } from 'dogear'
import { useState, type ReactNode } from 'react'
import { Button } from '../checkout/button'
import { SaveStatus } from '../checkout/save-status'
import '../checkout/checkout.css'
import './layers.css'
import {
  letter,
  Printer,
  useFlowState,
  useResource,
  useWorkflow,
  useWorkflowState,
  WorkflowProvider,
} from './workflow'

const letters = ['Letter to Ada', 'Letter to Grace'] as const

export interface ThreeLayersProps {
  readonly engine: Engine
  /** Loads the page anew. */
  readonly onReload: () => void
}

/** What a session knows, layer by layer, and what a reload leaves of it. */
export function ThreeLayers({ engine, onReload }: ThreeLayersProps) {
  const [open, setOpen] = useState<string>(letters[0])
  return (
    <div className="checkout layers">
      <h1>Three layers</h1>
      <div className="buttons" role="group" aria-label="Session">
        {letters.map((it) => (
          <button key={it} type="button" aria-pressed={it === open} onClick={() => setOpen(it)}>
            {it}
          </button>
        ))}
        <button type="button" className="aside" onClick={onReload}>
          Reload the page
        </button>
      </div>
      <WorkflowProvider id={open} engine={engine} fallback={<p>Opening ...</p>}>
        <Flow name={open} />
        <div className="columns">
          <State name={open} />
          <FlowState />
          <Resources engine={engine} name={open} />
        </div>
        <Saved />
      </WorkflowProvider>
    </div>
  )
}

/** What the flow waits for: a reload in the middle finds it paused until there is a printer. */
function Flow({ name }: { readonly name: string }) {
  const { status, ask, start, result, session } = useWorkflow()
  const post = () => void ask?.reply()
  const missing = session.missingResources.join(', ')
  const said = {
    idle: `${name} is not begun.`,
    waiting: `${name} waits: post it when it is ready.`,
    paused: `${name} is paused: there is no ${missing}. Nothing is lost, nothing runs.`,
    completed: `${name} is posted: ${result?.print}.`,
  }
  return (
    <div className="flow" data-status={status}>
      <p role="status">{(said as Partial<Record<string, string>>)[status] ?? 'Posting ...'}</p>
      <Button disabled={!['idle', 'waiting', 'completed'].includes(status)} onClick={ask ? post : start}>
        {ask ? 'Post it' : status === 'completed' ? 'Write another' : 'Begin'}
      </Button>
    </div>
  )
}

interface LayerProps {
  readonly title: string
  readonly hint: string
  readonly kept: string
  readonly children: ReactNode
}

function Layer({ title, hint, kept, children }: LayerProps) {
  return (
    <section className="layer" aria-label={title}>
      <h2>{title}</h2>
      <p className="hint">{hint}</p>
      {children}
      <p className="kept">{kept}</p>
    </section>
  )
}

function State({ name }: { readonly name: string }) {
  const [text, setText] = useWorkflowState('text')
  return (
    <Layer title="State" hint={`Of ${name} alone.`} kept="A reload keeps it.">
      <label className="field">
        Text
        <textarea rows={4} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
    </Layer>
  )
}

function FlowState() {
  const [sender, setSender] = useFlowState('sender')
  const [posted] = useFlowState('posted')
  return (
    <Layer title="Flow state" hint="Shared by all letters, in every tab." kept="A reload keeps it.">
      <label className="field">
        Sender
        <input type="text" value={sender} onChange={(event) => setSender(event.target.value)} />
      </label>
      <p>Letters posted: {posted}</p>
    </Layer>
  )
}

/** The session's own printer goes before the workflow's. */
function Resources({ engine, name }: { readonly engine: Engine; readonly name: string }) {
  const { session } = useWorkflow()
  const printer = useResource('printer', undefined)
  const shared = engine.flow(letter)
  const whose = printer === shared.resources.printer ? 'for all letters' : `for ${name}`
  return (
    <Layer
      title="Resources"
      hint="Given by the page, never stored."
      kept="A reload keeps the key, not the value."
    >
      <dl>
        <dt>printer</dt>
        <dd>{printer ? `${printer.model}, ${whose}` : 'missing'}</dd>
      </dl>
      <div className="buttons">
        <button type="button" onClick={() => session.setResources({ printer: new Printer('inkjet') })}>
          Give this letter an inkjet
        </button>
        <button type="button" onClick={() => shared.setResources({ printer: new Printer('laser') })}>
          Give all letters a laser
        </button>
        <button type="button" onClick={() => session.deleteResource('printer')}>
          Take this letter’s away
        </button>
      </div>
    </Layer>
  )
}

function Saved() {
  return <SaveStatus persistence={useWorkflow().persistence} />
}
