import { createContext, useContext, useEffect, useRef } from 'react'
import type { ReactNode, RefObject } from 'react'

/** The title of the page that was shown last. */
const Shown = createContext<RefObject<string | undefined>>({ current: undefined })

/** Around the pages, once. */
export function Pages({ children }: { readonly children: ReactNode }) {
  return <Shown value={useRef<string>(undefined)}>{children}</Shown>
}

interface PageProps {
  readonly title: string
  readonly children: ReactNode
}

/** One page of the wizard. Moving to it moves the focus to its heading; loading the site at it does not. */
export function Page({ title, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const shownRef = useContext(Shown)
  useEffect(() => {
    if (shownRef.current !== undefined && shownRef.current !== title) heading.current?.focus()
    shownRef.current = title
  }, [shownRef, title])
  return (
    <section className="page">
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </section>
  )
}
