import { interrupted } from '../session/step/interruption'
import type { Model } from '../session/model/model'
import type { Resumed } from '../session/session'

/** `session.resumed` of a session that was read. */
export function resumed(savedAt: number | undefined, model: Model | undefined): Resumed {
  if (savedAt === undefined || model === undefined) return { found: false }
  const cut = interrupted(model, savedAt).length > 0 ? 'crash' : 'return'
  return { found: true, reason: wasReloaded() ? 'reload' : cut, savedAt }
}

declare const performance:
  { getEntriesByType?(type: string): readonly { readonly type?: string }[] } | undefined

/** Whether the page itself says that it was reloaded. */
function wasReloaded(): boolean {
  if (typeof performance === 'undefined') return false
  return performance.getEntriesByType?.('navigation')[0]?.type === 'reload'
}
