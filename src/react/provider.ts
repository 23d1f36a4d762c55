import { createElement, useContext, useMemo, type ReactElement, type ReactNode } from 'react'
import type { AnyWorkflow } from '../workflow/shape'
import { useOpened, type SessionOptions } from './opened'
import { PlaceContext } from './place'

export interface WorkflowProviderProps<W extends AnyWorkflow> extends SessionOptions<W> {
  /** Shown until the session is loaded. Default: nothing. */
  readonly fallback?: ReactNode
  /** Shown when it could not be loaded. Default: the error goes to the nearest error boundary. */
  readonly errorFallback?: (error: Error) => ReactNode
  /** Children are rendered at once, with the initial state and the status `loading`: for servers. */
  readonly ssr?: boolean
  /** The nearest Suspense boundary waits, in place of `fallback`. */
  readonly suspense?: boolean
  readonly children?: ReactNode
}

/**
 * Opens a session for the components below it. They mount when it is loaded. Unmounting does not close it.
 *
 * ```tsx
 * <WorkflowProvider workflow={checkout} id="cart-42" resources={{ payments }} fallback={<Spinner />}>
 *   <Checkout />
 * </WorkflowProvider>
 * ```
 *
 * @throws LoadError in render, without `errorFallback`
 */
export function WorkflowProvider<W extends AnyWorkflow>(
  props: WorkflowProviderProps<W> & { readonly workflow: W },
): ReactElement | null {
  const { workflow, id, engine, resources, initialState } = props
  const above = useContext(PlaceContext)
  const [opened, phase] = useOpened(given({ workflow, id, engine, resources, initialState }))
  const session = opened?.session
  const place = useMemo(
    () => opened && { session: opened.session, engine: opened.engine, above },
    [opened, above],
  )
  let shown: ReactNode
  if (phase === 'error') {
    const error = session?.error as Error
    if (!props.errorFallback) throw error
    shown = props.errorFallback(error)
  } else if (props.ssr !== true && (phase === 'loading' || phase === 'server')) {
    if (props.suspense && phase === 'loading') throw session?.ready
    shown = props.fallback
  } else shown = createElement(PlaceContext.Provider, { key: session?.id, value: place }, props.children)
  return shown as ReactElement
}

/** Without the keys that are undefined. */
function given(options: object): never {
  return Object.fromEntries(Object.entries(options).filter(([, it]) => it !== undefined)) as never
}
