import type { AnySession } from '../session/session'
import { toMermaid } from '../workflow/mermaid'

/** Something that the inspector can do to a session. */
export interface Action {
  readonly name: string
  /** What it does, for whoever hovers. */
  readonly title: string
  /** Whether there is anything for it to do now. */
  readonly fits: (session: AnySession) => boolean
  /** `false`, or a promise of it, when there was nothing to do. */
  readonly act: (session: AnySession) => unknown
}

/** In the order of their buttons. */
export function actions(): readonly Action[] {
  return [...ofTheRun(), ...ofThePages(), ...others()]
}

function ofTheRun(): Action[] {
  return [
    {
      name: 'Pause',
      title: 'Lets running steps end and starts no other',
      fits: ({ status }) => status === 'idle' || status === 'running' || status === 'waiting',
      act: (it) => it.pause(),
    },
    {
      name: 'Resume',
      title: 'Goes on after a pause or a rewind',
      fits: ({ status }) => status === 'paused',
      act: (it) => it.resume(),
    },
    {
      name: 'Step',
      title: 'Starts one more step of a paused run',
      fits: ({ status }) => status === 'paused',
      // What it resolves with is whether there is more to do, and not whether it did anything.
      act: (it) => it.step().then(() => undefined),
    },
    {
      name: 'Retry',
      title: 'Runs the failed step again',
      fits: ({ status }) => status === 'failed',
      // Its end may be days away. The session itself says how it ends.
      act: (it) => void it.retry().catch(() => undefined),
    },
    {
      name: 'Cancel',
      title: 'Ends the run',
      fits: isOpen,
      act: (it) => it.cancel('cancelled in the inspector'),
    },
  ]
}

function ofThePages(): Action[] {
  return [
    { name: 'Back', title: 'Re-opens the ask that was answered last', fits: isOpen, act: (it) => it.back() },
    {
      name: 'Forward',
      title: 'Gives the open ask the answer that somebody went back from',
      fits: isOpen,
      act: (it) => it.forward(),
    },
  ]
}

function others(): Action[] {
  return [
    {
      name: 'Take over',
      title: 'Executes the session in this tab, when the tab that does so hangs',
      fits: ({ role }) => role === 'follower',
      act: (it) => it.takeOver(),
    },
    {
      name: 'Copy session',
      title: 'Copies the session as JSON, without private fields, for engine.import()',
      fits: isLoaded,
      act: (it) => copy(JSON.stringify(it.toJSON(), undefined, 2)),
    },
    {
      name: 'Copy diagram',
      title: 'Copies the workflow as a Mermaid flowchart',
      fits: () => true,
      act: (it) => copy(toMermaid(it.workflow, { detail: 'detailed' })),
    },
  ]
}

function isLoaded({ status }: AnySession): boolean {
  return status !== 'loading' && status !== 'error'
}

/** Whether a run is going on, however it stands. */
function isOpen({ status }: AnySession): boolean {
  return status === 'running' || status === 'waiting' || status === 'paused' || status === 'stalled'
}

async function copy(text: string): Promise<void> {
  const { clipboard } = navigator as Partial<Pick<Navigator, 'clipboard'>>
  if (clipboard === undefined) throw new Error('this page may not write to the clipboard; serve it by https')
  await clipboard.writeText(text)
}
