import { sameJson } from '../../state/same'
import type { Execution, Model, Page, Point } from './model'

/** Pages that a run remembers, and answers that it keeps. */
const MOST_PAGES = 100

/**
 * An ask was answered: the wizard is one page further, and a kept answer for that page is used up. One that was given there to
 * another question is not: its branch may be taken again.
 */
export function turnPage({ run, seq }: Model, exec: Execution, { key, event, result }: Point): void {
  if (run === undefined) return
  const value = result?.value
  const page: Page = {
    seq,
    exec: exec.id,
    step: exec.step,
    key,
    event,
    ...(value !== undefined && { value }),
  }
  const used = ownOf(
    run.kept.filter((it) => isSamePlace(it, exec.step, key) && sameJson(it.event, event)),
    exec.id,
  )
  if (used) run.kept = run.kept.filter((it) => it !== used)
  run.pages = [...run.pages.slice(1 - MOST_PAGES), page]
}

/** The answers to keep when somebody goes back to the record `to`. They come before those that are kept already. */
export function keepAfter({ run }: Model, to: number): readonly Page[] {
  if (run === undefined) return []
  return [...run.pages.filter((it) => it.seq > to), ...run.kept].slice(0, MOST_PAGES)
}

/** The page of that execution, when it still goes on; else the first: branches may ask the same in the same place. */
export function ownOf(pages: readonly Page[], exec: number): Page | undefined {
  return pages.find((it) => it.exec === exec) ?? pages[0]
}

/** Whether a page stands where a step asks now: executions come and go, the place in the step stays. */
export function isSamePlace(page: Page, step: string, key: string): boolean {
  return page.step === step && page.key === key
}
