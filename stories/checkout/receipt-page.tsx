import { Button } from './button'
import { useWorkflow, useWorkflowState } from './hooks'
import { Page } from './page'
import { euros } from './payments'

export function ReceiptPage() {
  const { result, reset } = useWorkflow()
  const [address] = useWorkflowState('address')
  const [delivery] = useWorkflowState('delivery')
  return (
    <Page title="Receipt">
      <p>
        Thank you, {address?.name}. Your order is <strong>{result?.orderId}</strong>.
      </p>
      <dl>
        <dt>Paid</dt>
        <dd>{result && euros(result.total)}</dd>
        <dt>Delivery</dt>
        <dd>{delivery?.to}</dd>
        {delivery?.note && (
          <>
            <dt>Note for the courier</dt>
            <dd>{delivery.note}</dd>
          </>
        )}
        <dt>Confirmation to</dt>
        <dd>{address?.email}</dd>
      </dl>
      <div className="buttons">
        <Button onClick={reset}>Shop again</Button>
      </div>
    </Page>
  )
}
