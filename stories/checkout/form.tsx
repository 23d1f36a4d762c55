import { EventValidationError, type Issue } from 'dogear'
import { createContext, useContext, useEffect, useId, useRef, useState } from 'react'
import type { FormEvent, ReactNode } from 'react'
import { Button } from './button'
import { useWorkflowState } from './hooks'

const firstInvalid = ':is(input[aria-invalid=true], [aria-invalid=true] input)'

/** What the schema of the reply said, by field. */
const Issues = createContext<readonly Issue[]>([])

interface FormProps {
  /** Replies to the open ask. Throws when the reply's schema refuses the answer. */
  readonly onSubmit: () => Promise<boolean>
  /** Re-opens the page before. What was typed here stays typed. */
  readonly onBack?: () => boolean
  readonly submit: string
  /** Why nothing can be submitted now, shown in place of the button. */
  readonly instead?: ReactNode
  readonly children: ReactNode
}

/** A page's fields and its buttons. An answer that the schema refuses stays on the page, with the reasons. */
export function Form({ onSubmit, onBack, submit, instead, children }: FormProps) {
  const [issues, setIssues] = useState<readonly Issue[]>([])
  const [refusals, setRefusals] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (refusals > 0) form.current?.querySelector<HTMLElement>(firstInvalid)?.focus()
  }, [refusals])
  const send = (event: FormEvent) => {
    event.preventDefault()
    if (instead) return
    try {
      void onSubmit()
      setIssues([])
    } catch (error) {
      if (!(error instanceof EventValidationError)) throw error
      setIssues(error.issues)
      setRefusals(refusals + 1)
    }
  }
  /** A field that is being corrected shows no error any more. */
  const forgive = ({ target }: FormEvent) => {
    const { name } = target as HTMLInputElement
    if (issues.some((it) => it.path === name)) setIssues(issues.filter((it) => it.path !== name))
  }
  return (
    <form className="form" ref={form} onSubmit={send} onInput={forgive} noValidate>
      <Issues value={issues}>{children}</Issues>
      {instead}
      <div className="buttons">
        {onBack && (
          <Button quiet onClick={() => void onBack()}>
            Back
          </Button>
        )}
        {!instead && <Button type="submit">{submit}</Button>}
      </div>
    </form>
  )
}

/** The texts of the draft, by their paths. */
type TextPath =
  | `draft.address.${'name' | 'email' | 'street' | 'zip' | 'city'}`
  | 'draft.delivery.note'
  | `draft.shop.${'shop' | 'collector'}`
  | 'draft.payment.holder'

interface FieldProps {
  readonly path: TextPath
  readonly label: string
  readonly hint?: string
  readonly autoComplete?: string
  readonly type?: 'text' | 'email'
}

/** A text field that is bound to one path of the state: whatever is typed survives. Nothing else renders. */
export function TextField({ path, label, hint, autoComplete = 'off', type = 'text' }: FieldProps) {
  const [value, setValue] = useWorkflowState(path)
  const { issue, ...described } = useField(path, hint !== undefined)
  return (
    <div className="field">
      <label htmlFor={described.id}>{label}</label>
      {hint && (
        <p className="hint" id={`${described.id}-hint`}>
          {hint}
        </p>
      )}
      <input
        {...described}
        type={type}
        autoComplete={autoComplete}
        value={value}
        onChange={(event) => setValue(event.target.value)}
      />
      <Complaint id={described.id} issue={issue} />
    </div>
  )
}

/** Ties a field to its hint and its error. Its name is the key in the answer. */
export function useField(path: string, hinted = false) {
  const id = useId()
  const name = path.split('.').at(-1) ?? path
  const issue = useContext(Issues).find((it) => it.path === name)?.message
  const describedBy = [hinted && `${id}-hint`, issue && `${id}-issue`].filter(Boolean).join(' ')
  return {
    id,
    name,
    issue,
    'aria-invalid': issue !== undefined,
    ...(describedBy && { 'aria-describedby': describedBy }),
  }
}

export function Complaint({ id, issue }: { readonly id: string; readonly issue: string | undefined }) {
  if (issue === undefined) return null
  return (
    <p className="issue" id={`${id}-issue`}>
      <span aria-hidden="true">⚠ </span>
      {issue}
    </p>
  )
}
