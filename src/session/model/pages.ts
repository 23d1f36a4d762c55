import type { Execution, Model, Page, Point } from './model'

/** Pages that a run remembers, and answers that it keeps. */
const MOST_PAGES = 100

/** An ask was answered: the wizard is one page further, and a kept answer for that page is used up. */
export function turnPage({ run, seq }: Model, { step }: Execution, { key, event, result }: Point): void {
  if (run === undefined) return
  const value = result?.value
  const page: Page = { seq, step, key, event, ...(value !== undefined && { value }) }
  const kept = run.kept.findIndex((it) => isSamePlace(it, step, key))
  if (kept >= 0) run.kept = run.kept.filter((_, index) => index !== kept)
  run.pages = [...run.pages.slice(1 - MOST_PAGES), page]
}

/** The answers to keep when somebody goes back to the record `to`. They come before those that are kept already. */
export function keepAfter({ run }: Model, to: number): readonly Page[] {
  if (run === undefined) return []
  return [...run.pages.filter((it) => it.seq > to), ...run.kept].slice(0, MOST_PAGES)
}

/** Whether a page stands where a step asks now: executions come and go, the place in the step stays. */
export function isSamePlace(page: Page, step: string, key: string): boolean {
  return page.step === step && page.key === key
}
