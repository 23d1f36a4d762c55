import { toMermaid } from 'dogear'
import mermaid from 'mermaid'
import { useEffect, useState } from 'react'
import { useStepsAtWork } from './hooks'
import { supportDesk } from './workflow'

mermaid.initialize({
  startOnLoad: false,
  theme: 'base',
  themeVariables: {
    primaryColor: '#ffffff',
    primaryBorderColor: '#8793a1',
    lineColor: '#8793a1',
    fontSize: '15px',
  },
})

let drawn = 0

/** The flow as Mermaid draws it, with the steps at work lit. The old picture stays until the next one is ready. */
export function Diagram() {
  const atWork = useStepsAtWork()
  const source = toMermaid(supportDesk, { lit: atWork })
  const [svg, setSvg] = useState('')
  useEffect(() => {
    let over = false
    // Each picture has its own name: Mermaid begins by taking one of that name out of the page.
    mermaid.render(`diagram${++drawn}`, source).then(
      (picture) => over || setSvg(picture.svg),
      (error: unknown) => over || setSvg(`<text>${String(error)}</text>`),
    )
    return () => void (over = true)
  }, [source])
  // The innermost ones say it all.
  const words = atWork.filter((it) => !atWork.some((other) => other.length > it.length && other[0] === it[0]))
  return (
    <figure className="diagram">
      {svg === '' ? (
        <div>
          <p>Drawing ...</p>
        </div>
      ) : (
        <div role="img" aria-label="Diagram of the support desk" dangerouslySetInnerHTML={{ __html: svg }} />
      )}
      <figcaption aria-live="polite">
        {words.length > 0 ? `At work: ${words.map((it) => it.join(' › ')).join(', ')}` : 'Nothing at work'}
      </figcaption>
    </figure>
  )
}
