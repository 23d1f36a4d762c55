import type { Engine } from 'dogear'
import { useMemo, useState, type FormEvent } from 'react'
import { Button } from '../checkout/button'
import { SaveStatus } from '../checkout/save-status'
import '../support-desk/desk.css'
import { Turn } from '../turn'
import { assistantAt } from './assistant'
import './chat.css'
import {
  momentBefore,
  useSessions,
  useShown,
  useWordsAfter,
  useWorkflow,
  useWorkflowState,
  WorkflowProvider,
} from './hooks'

export interface ChatAgentProps {
  /** Names the conversation: the same id finds the same one again. */
  readonly id?: string
  /** Milliseconds for a word of a reply. */
  readonly pace?: number
  /** The server that pays refunds out. Default: nobody is paid. */
  readonly paymentsUrl?: string | undefined
  /** Default: the page's own engine, on IndexedDB. */
  readonly engine?: Engine
}

/** A conversation with an assistant that asks before it spends money. Reload it in the middle of a word. */
export function ChatAgent({ id = 'chat', pace = 60, paymentsUrl, engine }: ChatAgentProps) {
  const resources = useMemo(() => ({ assistant: assistantAt(pace, paymentsUrl) }), [pace, paymentsUrl])
  const [shown, show] = useShown(id)
  return (
    <div className="desk chat">
      <section aria-label="Conversation">
        <h1>Assistant</h1>
        <WorkflowProvider id={shown} resources={resources} {...(engine && { engine })}>
          <Versions of={id} shown={shown} onShow={show} />
          <Messages onFork={show} />
          <Turn>
            <Next />
          </Turn>
          <Saved />
        </WorkflowProvider>
      </section>
    </div>
  )
}

/** A message that is edited begins another version of the conversation; the one before is kept. */
function Versions(props: {
  readonly of: string
  readonly shown: string
  readonly onShow: (id: string) => void
}) {
  const { sessions = [], refresh } = useSessions({ prefix: props.of })
  const [known, setKnown] = useState(props.shown)
  if (known !== props.shown) {
    setKnown(props.shown)
    refresh()
  }
  const ids = [...new Set([...sessions.map((it) => it.id), props.shown])].sort()
  if (ids.length < 2) return null
  return (
    <nav aria-label="Versions">
      {ids.map((id, index) => (
        <button
          key={id}
          type="button"
          className="quiet"
          aria-current={id === props.shown}
          onClick={() => props.onShow(id)}
        >
          Version {index + 1}
        </button>
      ))}
    </nav>
  )
}

function Messages({ onFork }: { readonly onFork: (id: string) => void }) {
  const [count] = useWorkflowState('messages', { select: (it) => it.length })
  return (
    <ol className="log">
      {Array.from({ length: count }, (_, at) => (
        <Message key={at} at={at} last={at === count - 1} onFork={onFork} />
      ))}
    </ol>
  )
}

const names = { you: 'You', assistant: 'Assistant', tool: 'Tool' }

interface MessageProps {
  readonly at: number
  /** Whether it is the one that may be at work. */
  readonly last: boolean
  readonly onFork: (id: string) => void
}

/** It listens to its own path: a word more renders this message and no other. */
function Message({ at, last, onFork }: MessageProps) {
  const [message] = useWorkflowState(`messages.${at}`)
  const { status, session } = useWorkflow()
  if (message === undefined) return null
  const { id, from, text, words, done } = message
  const edit = async () => {
    const copy = await session.fork(momentBefore(session, id))
    copy.state.set('draft', text)
    onFork(copy.id)
  }
  const works = status === 'running' || status === 'waiting'
  return (
    <li className={from === 'you' ? 'ours' : 'theirs'} aria-busy={!done && works && last}>
      <span className="who">{names[from]}</span> {text}
      {!done && (works && last ? <Live words={words} /> : <em> (stopped)</em>)}
      {from === 'you' && !works && momentBefore(session, id) !== undefined && (
        <Button quiet onClick={edit}>
          Edit
        </Button>
      )}
    </li>
  )
}

/** What was heard and is not stored yet. */
function Live({ words }: { readonly words: number }) {
  return <span className="live">{useWordsAfter(words)}</span>
}

/** What may be done now: by the assistant, or by you. */
function Next() {
  const { ask, status, error, retry, cancel } = useWorkflow()
  if (ask?.type === 'askRefund')
    return (
      <div className="choice" role="group" aria-label="Approval">
        <p>May the assistant refund € {ask.data.amount}?</p>
        <Button onClick={() => ask.reply(true)}>Allow</Button>
        <Button quiet onClick={() => ask.reply(false)}>
          Refuse
        </Button>
      </div>
    )
  if (status === 'running' || status === 'waiting')
    return (
      <div className="choice">
        <Button quiet onClick={() => cancel('stopped')}>
          Stop
        </Button>
      </div>
    )
  return (
    <>
      {status === 'failed' && (
        <div className="choice" role="alert">
          <p>{error?.message}</p>
          <Button onClick={retry}>Try again</Button>
        </div>
      )}
      <Say />
    </>
  )
}

function Say() {
  const { start } = useWorkflow()
  const [draft, setDraft] = useWorkflowState('draft')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    // The id goes with the message, so that it can be found in the history.
    if (draft.trim() !== '') start({ id: crypto.randomUUID(), text: draft.trim() })
  }
  return (
    <form onSubmit={submit}>
      <label>
        Message
        <input type="text" value={draft} onChange={(event) => setDraft(event.target.value)} />
      </label>
      <button type="submit">Send</button>
    </form>
  )
}

function Saved() {
  return <SaveStatus persistence={useWorkflow().persistence} />
}
