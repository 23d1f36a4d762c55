import { createEngine } from 'dogear'
import { unstorageStorage } from 'dogear/unstorage'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import http from 'unstorage/drivers/http'
import { CheckoutWizard } from '../../../stories/checkout/wizard'

/** The wizard of the stories, on a page of its own. With `sessions`, that server keeps them, and not this browser. */
const query = new URLSearchParams(location.search)
const paymentsUrl = query.get('payments') ?? undefined
const sessionsUrl = query.get('sessions')
const engine =
  sessionsUrl === null
    ? {}
    : { engine: createEngine({ storage: unstorageStorage(http({ base: sessionsUrl })) }) }

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <CheckoutWizard paymentsUrl={paymentsUrl} {...engine} />
  </StrictMode>,
)
