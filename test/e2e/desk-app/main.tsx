import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { SupportDesk } from '../../../stories/support-desk/desk'

/** The support desk of the stories, on a page of its own. */
const query = new URLSearchParams(location.search)
const thinking = Number(query.get('thinking') ?? 300)
const paymentsUrl = query.get('payments') ?? undefined

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <SupportDesk thinking={thinking} paymentsUrl={paymentsUrl} />
  </StrictMode>,
)
