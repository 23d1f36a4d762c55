import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { CheckoutWizard } from '../../../stories/checkout/wizard'

/** The wizard of the stories, on a page of its own. */
const paymentsUrl = new URLSearchParams(location.search).get('payments') ?? undefined

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <CheckoutWizard paymentsUrl={paymentsUrl} />
  </StrictMode>,
)
