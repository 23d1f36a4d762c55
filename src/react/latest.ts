import { useEffect, useRef } from 'react'

/** What a component was given in its last commit, for who asks later: it may be a new one in every render. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value)
  useEffect(() => {
    latest.current = value
  })
  return latest
}
