import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { SupportDesk } from '../../../stories/support-desk/desk'

/** The support desk of the stories, on a page of its own. */
const thinking = Number(new URLSearchParams(location.search).get('thinking') ?? 300)

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <SupportDesk thinking={thinking} />
  </StrictMode>,
)
