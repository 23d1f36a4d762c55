import type { Engine } from 'dogear'
import { useMemo, type FormEvent } from 'react'
import { Button } from '../checkout/button'
import { paymentsAt } from '../checkout/payments'
import { SaveStatus } from '../checkout/save-status'
import { pause } from '../pause'
import { Turn } from '../turn'
import './desk.css'
import { Diagram } from './diagram'
import { useWorkflow, useWorkflowState, WorkflowProvider } from './hooks'

export interface SupportDeskProps {
  /** Names the case: the same id finds the same one again. */
  readonly id?: string
  /** How long the desk thinks, in milliseconds. */
  readonly thinking?: number
  /** The server that pays refunds out. Default: nobody is paid. */
  readonly paymentsUrl?: string | undefined
  /** Default: the page's own engine, on IndexedDB. */
  readonly engine?: Engine
}

/** A support desk whose flow is a JSON document. Reload it in the middle of anything: it goes on there. */
export function SupportDesk({ id = 'support-desk', thinking = 1500, paymentsUrl, engine }: SupportDeskProps) {
  const resources = useMemo(() => {
    const payments = paymentsUrl === undefined ? undefined : paymentsAt(paymentsUrl)
    return {
      service: {
        think: (signal: AbortSignal) => pause(thinking, signal),
        pay: async (amount: number, key: string) => payments?.charge(amount * 100, key),
      },
    }
  }, [thinking, paymentsUrl])
  return (
    <WorkflowProvider id={id} resources={resources} {...(engine && { engine })}>
      <div className="desk">
        <section aria-label="Your case">
          <h1>Support desk</h1>
          <Log />
          <Turn>
            <Question />
          </Turn>
          <Saved />
        </section>
        <Diagram />
      </div>
    </WorkflowProvider>
  )
}

function Log() {
  const [log] = useWorkflowState('log')
  return (
    <ol className="log" aria-live="polite">
      {log.map(({ from, text }, index) => (
        <li key={index} className={from === 'you' ? 'ours' : 'theirs'}>
          <span className="who">{from === 'you' ? 'You' : 'Desk'}</span> {text}
        </li>
      ))}
    </ol>
  )
}

function Saved() {
  return <SaveStatus persistence={useWorkflow().persistence} />
}

/** What the desk wants to know now. */
function Question() {
  const { ask, status, start, error } = useWorkflow()
  if (error) return <p role="alert">{error.message}</p>
  if (status === 'idle') return <Choice text="Something wrong?" yes="Open a case" onYes={() => start()} />
  if (status === 'completed')
    return <Choice text="Anything else?" yes="Open another case" onYes={() => start()} />
  if (ask?.type === 'askHelp') return <Say text={ask.data as string} onSaid={ask.reply} />
  if (ask?.type === 'askRefund') {
    const { amount } = ask.data as { amount: number }
    const text = `For the supervisor: refund € ${amount}?`
    return (
      <Choice
        key={ask.id}
        text={text}
        yes="Grant"
        no="Refuse"
        onYes={() => ask.reply(true)}
        onNo={() => ask.reply(false)}
      />
    )
  }
  if (ask?.type === 'askSolved')
    return (
      <Choice
        key={ask.id}
        text={ask.data as string}
        yes="Yes, close it"
        no="No"
        onYes={() => ask.reply(true)}
        onNo={() => ask.reply(false)}
      />
    )
  return <p className="thinking">The desk is thinking ...</p>
}

function Say({ text, onSaid }: { text: string; onSaid: (said: string) => unknown }) {
  const [draft, setDraft] = useWorkflowState('draft')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (draft.trim() !== '') onSaid(draft.trim())
  }
  return (
    <form onSubmit={submit}>
      <label>
        {text}
        <input type="text" value={draft} onChange={(event) => setDraft(event.target.value)} />
      </label>
      <button type="submit">Send</button>
    </form>
  )
}

interface ChoiceProps {
  readonly text: string
  readonly yes: string
  readonly no?: string
  readonly onYes: () => void
  readonly onNo?: () => void
}

function Choice({ text, yes, no, onYes, onNo }: ChoiceProps) {
  return (
    <div className="choice">
      <p>{text}</p>
      <Button onClick={onYes}>{yes}</Button>
      {no && (
        <Button quiet onClick={() => onNo?.()}>
          {no}
        </Button>
      )}
    </div>
  )
}
