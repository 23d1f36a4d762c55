import { useCallback, useEffect, useState } from 'react'
import { Button } from './button'
import { Complaint, Form, TextField, useField } from './form'
import { useResource, useWorkflow, useWorkflowState, type AskFor } from './hooks'
import { Page } from './page'
import { euros } from './payments'
import { items } from './workflow'

export function PaymentPage({ ask }: { readonly ask: AskFor<'askApproval'> }) {
  const { delivery, shipping, total } = ask.data
  const { session, back } = useWorkflow()
  const [missing, look] = useMissingServer()
  return (
    <Page title="Payment">
      <ul className="lines">
        {[...items, { name: delivery, price: shipping }].map(({ name, price }) => (
          <li key={name}>
            <span>{name}</span>
            <span>{price === 0 ? 'free' : euros(price)}</span>
          </li>
        ))}
        <li className="sum">
          <span>Total</span>
          <span>{euros(total)}</span>
        </li>
      </ul>
      <Form
        submit={`Pay ${euros(total)}`}
        instead={missing && <NoServer onLook={look} />}
        onSubmit={() => ask.reply(session.state.get('draft.payment'))}
        onBack={back}
      >
        <TextField path="draft.payment.holder" label="Name on the card" autoComplete="cc-name" />
        <Approve total={total} />
      </Form>
    </Page>
  )
}

function Approve({ total }: { readonly total: number }) {
  const [approved, setApproved] = useWorkflowState('draft.payment.approved')
  const { id, issue, ...described } = useField('draft.payment.approved')
  return (
    <div className="field">
      <label className="choice">
        <input
          id={id}
          {...described}
          type="checkbox"
          checked={approved}
          onChange={(event) => setApproved(event.target.checked)}
        />
        <span>I approve the payment of {euros(total)}</span>
      </label>
      <Complaint id={id} issue={issue} />
    </div>
  )
}

/** Whether there is no payment server, and a function that looks again. */
function useMissingServer(): readonly [boolean, () => void] {
  const payments = useResource('payments')
  const [missing, setMissing] = useState(false)
  const look = useCallback(() => {
    let mine = true
    void payments.reachable().then((there) => mine && setMissing(!there))
    return () => {
      mine = false
    }
  }, [payments])
  useEffect(look, [look])
  return [missing, look]
}

function NoServer({ onLook }: { readonly onLook: () => void }) {
  return (
    <div className="notice" role="alert">
      <p>
        <strong>There is no payment server here, so nothing can be paid.</strong> A published Storybook has
        none; <code>npm run demo</code> starts one. Your answers are kept.
      </p>
      <div className="buttons">
        <Button quiet onClick={onLook}>
          Look again
        </Button>
      </div>
    </div>
  )
}
