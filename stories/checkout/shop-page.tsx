import { Complaint, Form, TextField, useField } from './form'
import { useWorkflow, useWorkflowState, type AskFor } from './hooks'
import { Page } from './page'
import { shops } from './workflow'

export function ShopPage({ ask }: { readonly ask: AskFor<'askShop'> }) {
  const { session, back } = useWorkflow()
  return (
    <Page title="Choose a shop">
      <Form
        submit="Continue to payment"
        onSubmit={() => ask.reply(session.state.get('draft.shop'))}
        onBack={back}
      >
        <ShopChoice city={ask.data.city} />
        <TextField path="draft.shop.collector" label="Who collects it?" />
      </Form>
    </Page>
  )
}

function ShopChoice({ city }: { readonly city: string }) {
  const [shop, setShop] = useWorkflowState('draft.shop.shop')
  const { id, name, issue, ...described } = useField('draft.shop.shop')
  return (
    <fieldset role="radiogroup" {...described}>
      <legend>Our shops in {city}</legend>
      {shops.map((it) => (
        <label className="choice" key={it}>
          <input type="radio" name={name} checked={shop === it} onChange={() => setShop(it)} />
          <span>{it}</span>
        </label>
      ))}
      <Complaint id={id} issue={issue} />
    </fieldset>
  )
}
