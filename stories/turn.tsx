import { useWorkflow } from 'dogear/react'
import { useEffect, useRef, type ReactNode } from 'react'

/**
 * Whose turn it is: what the session asks, or how it stands. An ask takes the focus that the one before had: its text field if
 * it has one, else all of it, so that it is read out and nobody answers it by a key that is still down. Loading the page at it
 * does not.
 */
export function Turn({ children }: { readonly children: ReactNode }) {
  const { ask, status } = useWorkflow()
  const of = ask?.id ?? status
  const place = useRef<HTMLDivElement>(null)
  const shown = useRef(of)
  useEffect(() => {
    const { activeElement: focused, body } = document
    if (shown.current !== of && (focused === body || focused === place.current))
      (place.current?.querySelector('input') ?? place.current)?.focus()
    shown.current = of
  }, [of])
  return (
    <div className="turn" ref={place} tabIndex={-1}>
      {children}
    </div>
  )
}
