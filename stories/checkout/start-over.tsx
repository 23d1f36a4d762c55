import { useState } from 'react'
import { Button } from './button'
import { useWorkflow } from './hooks'

/** Throws everything away, and asks first. */
export function StartOver() {
  const { reset } = useWorkflow()
  const [asked, ask] = useState<boolean>()
  if (!asked)
    return (
      <Button quiet autoFocus={asked === false} onClick={() => ask(true)}>
        Start over
      </Button>
    )
  return (
    <div className="buttons" role="group" aria-label="Delete all your answers?">
      <Button quiet onClick={reset}>
        Delete my answers
      </Button>
      <Button quiet autoFocus onClick={() => ask(false)}>
        Keep them
      </Button>
    </div>
  )
}
