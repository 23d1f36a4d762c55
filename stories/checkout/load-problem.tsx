import { LoadError } from 'dogear'
import { useRef, useState } from 'react'
import { Button } from './button'

/** In place of the wizard, when the stored checkout could not be read. */
export const loadProblem = (error: Error) => <LoadProblem error={error} />

/** It is still there, and stays there until somebody decides. */
export function LoadProblem({ error, what = 'checkout' }: { readonly error: Error; readonly what?: string }) {
  const [failed, setFailed] = useState<string>()
  const place = useRef<HTMLDivElement>(null)
  const remedy = (work: () => Promise<unknown>) => () => {
    setFailed(undefined)
    // The button goes while it is tried, and the focus must not go with it.
    place.current?.closest<HTMLElement>('[tabindex]')?.focus()
    work().catch((reason: unknown) => setFailed(reason instanceof Error ? reason.message : String(reason)))
  }
  return (
    <div className="notice" role="alert" ref={place}>
      <h2>Your saved {what} could not be opened</h2>
      <p>{error.message}</p>
      {failed !== undefined && failed !== error.message && <p>That did not work: {failed}</p>}
      {error instanceof LoadError ? (
        <div className="buttons">
          <Button quiet onClick={remedy(error.retry)}>
            Try again
          </Button>
          <Button quiet onClick={remedy(async () => save(what, await error.export()))}>
            Download what is stored
          </Button>
          <Button onClick={remedy(error.reset)}>Start over</Button>
        </div>
      ) : (
        <div className="buttons">
          <Button onClick={() => location.reload()}>Reload the page</Button>
        </div>
      )}
    </div>
  )
}

/** Hands the stored bytes to the user, as a file. */
function save(what: string, stored: unknown) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(stored, undefined, 2)]))
  const link = Object.assign(document.createElement('a'), { href: url, download: `${what}.json` })
  link.click()
  URL.revokeObjectURL(url)
}
