import { Form, TextField } from './form'
import { useWorkflow, type AskFor } from './hooks'
import { Page } from './page'

export function AddressPage({ ask }: { readonly ask: AskFor<'askAddress'> }) {
  const { session } = useWorkflow()
  return (
    <Page title="Address">
      <Form submit="Continue to delivery" onSubmit={() => ask.reply(session.state.get('draft.address'))}>
        <TextField path="draft.address.name" label="Name" autoComplete="name" />
        <TextField path="draft.address.email" label="Email" type="email" autoComplete="email" />
        <TextField path="draft.address.street" label="Street and number" autoComplete="address-line1" />
        <div className="beside">
          <TextField path="draft.address.zip" label="Postcode" autoComplete="postal-code" />
          <TextField path="draft.address.city" label="City" autoComplete="address-level2" />
        </div>
      </Form>
    </Page>
  )
}
