import { useEffect, useRef } from 'react'

/** The value of a component's last commit, for later use: it may be a new one in every render. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value)
  useEffect(() => {
    latest.current = value
  })
  return latest
}
