import type { ComponentType, ReactNode } from 'react'

/** How the items of section A are keyed: an array, or a map with text ids. */
export type Shape = 'list' | 'map'

/** Section A: many subscribers, each on the path of one item's field. */
export interface Fan {
  write(at: number, value: number): void
  read(at: number): number
  /** The listener is given the new value at its own path, read from the store. */
  subscribe(at: number, listener: (value: number) => void): void
  /** Waits for what the writes set off. Inside the measured time where the adapter's name says so. */
  settle?(): Promise<void>
}

/** Section B: one field, three levels down. */
export interface Leaf {
  get(): number
  set(value: number): void
}

/** Section C: one component for each item, rendered by React. */
export interface Cells {
  /** A hook: the value of one item. */
  useCell(at: number): number
  /** What the library wants around the tree. */
  wrap?(tree: ReactNode): ReactNode
  write(at: number, value: number): void
  writeAll(value: number): void
  /** Lets go of what would outlive the components. */
  dispose?(): Promise<void>
}

/** Section D: events that each bring about the next one. */
export interface Chain {
  /** Runs a chain and answers with the number that the last event carried, and what was recorded meanwhile. */
  run(length: number): Promise<{ readonly reached: number; readonly recorded?: number }>
  /** The same, and what has run stays open: the answer is the last number and what holds all there is of it. */
  hold?(length: number): Promise<{ readonly reached: number; readonly held: unknown }>
}

/** Section D: much small work at once. */
export interface Crowd {
  /** Works on the numbers below `count`, so many `workers` at a time, and collects what comes of it: the sum. */
  fan(count: number, workers: number): Promise<number>
  /** So many runs, each of one event that ends it, one after the other: how many have ended. */
  tiny(count: number): Promise<number>
  /** The same in one session that stays open, where a library has such a thing: without the cost of opening. */
  again?(count: number): Promise<number>
}

/** One entry of the large state of section E, about 1 kB of JSON. */
export interface Entry {
  id: string
  name: string
  email: string
  note: string
  address: { street: string; city: string; zip: string; country: string }
  tags: string[]
  history: { at: number; action: string; amount: number }[]
}

/** Section E: a large state that is kept in IndexedDB. */
export interface Keeper {
  /** Changes `entries.<at>.note`, and leaves the rest to the library. */
  change(at: number, note: string): void
  /** The note as a reader without this page's memory finds it in storage. */
  stored(at: number): Promise<unknown>
  /** Whether a journal, for a library that has one, was shortened to what the state is now. */
  compacted?(): Promise<boolean>
}

/** Section F: what section E has stored, as a page that starts finds it. */
export interface Return {
  /** A component that shows `entries.<at>.note`, and nothing while that is on its way. */
  readonly Note: ComponentType<{ readonly at: number }>
}

/** Section F: a chat whose last message grows. */
export interface Chat {
  /** One more token at the end of the last message. */
  token(text: string): void
  /** The last message as a reader without this page's memory finds it in storage. */
  stored(): Promise<unknown>
}

/** The same without storage: what the tokens cost a page anyway. */
export interface Talk {
  token(text: string): void
  /** The last message. */
  text(): unknown
}

/** Section G: a workflow that is a JSON document. */
export interface Graphs {
  /** From the document's text to a workflow that is checked, and its diagram. Answers how many nodes it found. */
  load(text: string): number
}

/** What one library can do here. A method that is missing is a row that is missing. */
export interface Adapter {
  fan?(shape: Shape, count: number): Fan | Promise<Fan>
  leaf?(): Leaf | Promise<Leaf>
  /** The same with a zod schema that checks the write. */
  checkedLeaf?(): Leaf | Promise<Leaf>
  cells?(count: number): Cells | Promise<Cells>
  chain?(): Chain | Promise<Chain>
  crowd?(): Crowd | Promise<Crowd>
  graphs?(): Graphs
  /** Resolves once all the entries are in storage. */
  keeper?(entries: Entry[]): Promise<Keeper>
  /** What a page does first that finds the entries in storage. */
  comeBack?(): Return
  /** Resolves once all the messages are in storage. */
  chat?(messages: string[]): Promise<Chat>
  talk?(messages: string[]): Talk
}
