import { useState } from 'react'
import { Button } from './button'
import { useWorkflow } from './hooks'
import { timeOf } from './save-status'

/** Says that nothing was lost, until the user goes on or hides it. */
export function WelcomeBack() {
  const { resumed, asks } = useWorkflow()
  const [found] = useState(asks)
  const [hidden, hide] = useState(false)
  if (!resumed.found || hidden || asks !== found || asks.length === 0) return null
  return (
    <div className="banner" role="status">
      <p>
        <strong>Welcome back.</strong> Here is where you left off; it was saved at {timeOf(resumed.savedAt)}.
      </p>
      <Button quiet onClick={() => hide(true)}>
        Hide
      </Button>
    </div>
  )
}
