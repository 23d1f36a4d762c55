import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** The files in which a Chromium that keeps IndexedDB in LevelDB writes down what was stored last. */
export async function logsOf(profile: string): Promise<string[]> {
  const folder = path.join(profile, 'Default', 'IndexedDB')
  const files = await readdir(folder, { recursive: true })
  return files.filter((file) => file.endsWith('.log')).map((file) => path.join(folder, file))
}

/**
 * What a kill in the middle of a record leaves behind: its header, which LevelDB writes by itself (4 bytes of checksum, 2 of
 * length, 1 of kind), without the 600 bytes that it announces.
 */
export async function tearRecord(log: string): Promise<void> {
  await appendFile(log, Buffer.from([1, 2, 3, 4, 600 % 256, 600 >> 8, 1]))
}

/** What a worn disk leaves: another byte than was written. */
export async function damage(log: string): Promise<void> {
  const bytes = await readFile(log)
  const middle = bytes.length >> 1
  bytes[middle]! ^= 1
  await writeFile(log, bytes)
}
