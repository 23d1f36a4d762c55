import type { Session } from 'dogear'
import { createWorkflowHooks } from 'dogear/react'
import { useState } from 'react'
import { chat, Word } from './workflow'

export const { WorkflowProvider, useWorkflow, useWorkflowState, useWorkflowEvents, useSessions } =
  createWorkflowHooks(chat)

/**
 * The words of the reply that is being written which are not stored yet, after those that are. A page that was cut off hears
 * some of them again: each has its number.
 */
export function useWordsAfter(stored: number): string {
  const [words, setWords] = useState<ReadonlyMap<number, string>>(new Map())
  useWorkflowEvents(Word, ({ data: { word, number } }) =>
    setWords((before) => new Map([...before, [number, word]])),
  )
  return Array.from(words, ([number, word]) => (number >= stored ? word : '')).join('')
}

/** The record before the one that this message was sent with: where another version of the conversation can begin. */
export function momentBefore({ history }: Session<typeof chat>, message: string): number | undefined {
  const entries = history()
  const at = entries.findIndex((it) => it.type === 'started' && isMessage(it.event?.data, message))
  return entries[at - 1]?.seq
}

function isMessage(data: unknown, id: string): boolean {
  return (data as { readonly id?: string } | undefined)?.id === id
}

/** Which version of a conversation this tab shows. */
export function useShown(first: string): readonly [id: string, show: (id: string) => void] {
  const key = `chat-shown:${first}`
  const [id, setId] = useState(() => sessionStorage.getItem(key) ?? first)
  return [
    id,
    (next) => {
      sessionStorage.setItem(key, next)
      setId(next)
    },
  ]
}
