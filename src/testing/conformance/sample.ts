import type { SessionStorage, StoredBatch, StoredShape, StoredSnapshot } from '../../storage/storage'
import { fail } from './expectation'

export const shape: StoredShape = { format: 1, workflow: 'checkout', version: 1 }
export const relaxed: { readonly durability: 'relaxed' } = { durability: 'relaxed' }
export const strict: { readonly durability: 'strict' } = { durability: 'strict' }

/** Claims whatever is there; racing claims may have to look again. */
export async function begin(
  storage: SessionStorage,
  id: string,
  wanted: StoredShape = shape,
): Promise<number> {
  const { epoch, seq } = await storage.claim(id, wanted, 0)
  return epoch ?? (await storage.claim(id, wanted, seq)).epoch ?? fail('the claim was refused twice')
}

/** A session with this many records, one a batch. Answers with its epoch. */
export async function written(
  storage: SessionStorage,
  id: string,
  records: number,
  other: Partial<StoredShape> = {},
): Promise<number> {
  const epoch = await begin(storage, id, { ...shape, ...other })
  for (let seq = 1; seq <= records; seq++) await storage.append(id, epoch, batch(seq), relaxed)
  return epoch
}

export function batch(from: number, to: number = from): StoredBatch {
  const data = JSON.stringify(Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at })))
  return { from, to, at: 1000 + to, status: 'running', data, sum: 1 }
}

export function snapshot(seq: number): StoredSnapshot {
  return { ...shape, seq, at: 1000 + seq, status: 'running', data: `{"seq":${seq}}`, sum: 1 }
}
