import { isBytes } from './checksum'
import { BYTES_FORMAT } from './format'
import type { StoredExport, StoredSession } from './storage'

/** A part as its serializer has made it. (Bytes from a custom serializer are not bytes of text.) */
export function partOf(format: number, data: unknown): unknown {
  return (format === 4 || format === BYTES_FORMAT) && isBytes(data) ? new TextDecoder().decode(data) : data
}

/** An export is for files and for people, so text that is kept as bytes becomes text again. */
export function legible(found: StoredExport | undefined): StoredExport | undefined {
  if (!found) return undefined
  const { session, quarantine } = found
  return { ...(session && { session: inText(session) }), quarantine: quarantine.map(inText) }
}

function inText(stored: StoredSession): StoredSession {
  const { snapshot, parts } = stored
  if (!snapshot || !parts) return stored
  return { ...stored, parts: parts.map(([n, data]) => [n, partOf(snapshot.format, data)]) }
}
