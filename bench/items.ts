import type { Entry, Shape } from './adapter.ts'

/** What sections A and C keep: small records, so that a field is three levels down. */
export interface Item {
  readonly name: string
  readonly done: boolean
  readonly count: number
}

export interface ListState {
  readonly items: readonly Item[]
}

export interface MapState {
  readonly items: Readonly<Record<string, Item>>
}

export type ItemsState = ListState | MapState

const item = (at: number): Item => ({ name: `item ${at}`, done: false, count: 0 })

/** A text id that is no array index, and of the length that generated ids have. */
export const textId = (at: number): string => `item-${((at * 2654435761) >>> 0).toString(36)}-${at}`

/** The id of an item in a shape, as a path segment. */
export const idOf = (shape: Shape, at: number): string => (shape === 'list' ? String(at) : textId(at))

/** The path of the field that is written. */
export const countPath = (shape: Shape, at: number): string => `items.${idOf(shape, at)}.count`

export const listState = (count: number): ListState => ({
  items: Array.from({ length: count }, (_, at) => item(at)),
})

export const mapState = (count: number): MapState => ({
  items: Object.fromEntries(Array.from({ length: count }, (_, at) => [textId(at), item(at)])),
})

export const itemsState = (shape: Shape, count: number): ItemsState =>
  shape === 'list' ? listState(count) : mapState(count)

/** Reads one count the plain way. */
export function countAt(state: ItemsState, key: string): number {
  return (state.items as Readonly<Record<string, Item>>)[key]!.count
}

/** The immutable update that zustand, xstate and others ask of their users: copy the parents, replace the leaf. */
export function withCount<S extends ItemsState>(state: S, key: string, count: number): S {
  const { items } = state
  if (Array.isArray(items)) {
    const copy = (items as readonly Item[]).slice()
    copy[Number(key)] = { ...copy[Number(key)]!, count }
    return { ...state, items: copy }
  }
  const map = items as Readonly<Record<string, Item>>
  return { ...state, items: { ...map, [key]: { ...map[key]!, count } } }
}

/** Every count at once. */
export function withAllCounts(state: ListState, count: number): ListState {
  return { ...state, items: state.items.map((it) => ({ ...it, count })) }
}

/** The state of section B: a field three levels down among a few neighbours. */
export const profileState = () => ({
  user: { profile: { age: 0, name: 'Ada', city: 'London' }, role: 'admin', active: true },
  settings: { theme: 'dark', language: 'en' },
  visits: 3,
})

export type ProfileState = ReturnType<typeof profileState>

export const withAge = (state: ProfileState, age: number): ProfileState => ({
  ...state,
  user: { ...state.user, profile: { ...state.user.profile, age } },
})

const cities = ['Utrecht', 'Lisbon', 'Osaka', 'Nairobi', 'Quito', 'Tromsø']
const actions = ['ordered', 'paid', 'returned', 'reviewed', 'subscribed']

/** Customers as a shop keeps them: about 1,000 bytes of JSON each, the same in every run. */
export function makeEntries(count: number): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `customer-${at}`,
    name: `Customer number ${at}`,
    email: `customer.${at}@example.com`,
    note: `Called on day ${at % 365} and asked for a new invoice, wants the parcel left with the neighbours.`,
    address: {
      street: `Long Street ${at % 400}`,
      city: cities[at % 6]!,
      zip: String(10000 + (at % 89999)),
      country: 'NL',
    },
    tags: ['newsletter', at % 2 ? 'business' : 'private', `region-${at % 12}`],
    history: Array.from({ length: 10 }, (_unused, n) => ({
      at: 1_700_000_000_000 + at * 1000 + n * 86_400_000,
      action: actions[(at + n) % 5]!,
      amount: ((at * 31 + n * 17) % 10_000) / 100,
    })),
  }))
}
