import { Form, TextField } from './form'
import { useWorkflow, useWorkflowState, type AskFor } from './hooks'
import { Page } from './page'
import { euros } from './payments'

/** The branch: a courier takes a note and goes on to the payment, a pickup asks for the shop first. */
export function DeliveryPage({ ask }: { readonly ask: AskFor<'askDelivery'> }) {
  const { session, back } = useWorkflow()
  const [method, setMethod] = useWorkflowState('draft.delivery.method')
  const submit = () => {
    const draft = session.state.get('draft.delivery')
    return ask.reply(draft.method === 'home' ? draft : { method: draft.method })
  }
  const choice = (value: typeof method, label: string, price: string) => (
    <label className="choice">
      <input
        type="radio"
        name="method"
        value={value}
        checked={method === value}
        onChange={() => setMethod(value)}
      />
      <span>{label}</span>
      <span>{price}</span>
    </label>
  )
  return (
    <Page title="Delivery">
      <Form
        submit={method === 'home' ? 'Continue to payment' : 'Continue to shops'}
        onSubmit={submit}
        onBack={back}
      >
        <fieldset>
          <legend>How do you want to get it?</legend>
          {choice('home', 'A courier brings it', euros(ask.data.courier))}
          {choice('pickup', 'I collect it in a shop', 'free')}
        </fieldset>
        {method === 'home' && (
          <TextField
            path="draft.delivery.note"
            label="Note for the courier (optional)"
            hint="Up to 80 characters"
          />
        )}
      </Form>
    </Page>
  )
}
