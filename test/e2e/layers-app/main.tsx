import { createEngine } from 'dogear'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ThreeLayers } from '../../../stories/three-layers/layers'

/** The three layers of the stories, on a page of their own. */
const engine = createEngine()

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <ThreeLayers engine={engine} onReload={() => location.reload()} />
  </StrictMode>,
)
