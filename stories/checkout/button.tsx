import type { MouseEvent, ReactNode } from 'react'

interface ButtonProps {
  readonly type?: 'button' | 'submit'
  readonly quiet?: boolean
  readonly autoFocus?: boolean
  /** Disables the button but keeps the focus on it. */
  readonly disabled?: boolean
  readonly onClick?: () => void
  readonly children: ReactNode
}

/**
 * A button that a double click presses once. The next page is there before the second click comes, which would
 * press whatever button has got under the pointer.
 */
export function Button({ type = 'button', quiet, autoFocus, disabled, onClick, children }: ButtonProps) {
  const click = (event: MouseEvent) => {
    if (disabled || event.detail > 1) event.preventDefault()
    else onClick?.()
  }
  return (
    <button
      type={type}
      className={quiet ? 'quiet' : undefined}
      autoFocus={autoFocus}
      aria-disabled={disabled}
      onClick={click}
    >
      {children}
    </button>
  )
}
