import { pageScope } from '../engine/tab-scope'
import { toNothing, useSnapshot } from './snapshot'

/** What is added to a session's id for this tab; nothing when none is wanted, `undefined` while it is not known. */
export function useTabName(wanted: boolean): string | undefined {
  const { subscribe, get } = wanted ? own : shared
  return useSnapshot<string | undefined>(subscribe, get, () => (wanted ? undefined : ''))
}

const shared = { subscribe: toNothing, get: () => '' }
const own = {
  subscribe: (listener: () => void) => pageScope().subscribe(listener),
  get() {
    const { name } = pageScope()
    return name && `@${name}`
  },
}
