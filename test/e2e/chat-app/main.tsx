import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ChatAgent } from '../../../stories/chat-agent/chat'

/** The chat of the stories, on a page of its own. */
const query = new URLSearchParams(location.search)
const pace = Number(query.get('pace') ?? 20)
const paymentsUrl = query.get('payments') ?? undefined

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <ChatAgent pace={pace} paymentsUrl={paymentsUrl} />
  </StrictMode>,
)
