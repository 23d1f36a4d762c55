import type { TextArea } from '../../src/storage/adapters/web-storage'

/** A `localStorage` for Node, with room for so many characters. */
export function area(room = Infinity): TextArea & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>()
  return {
    texts,
    get length() {
      return texts.size
    },
    key: (index) => [...texts.keys()][index] ?? null,
    getItem: (key) => texts.get(key) ?? null,
    removeItem: (key) => void texts.delete(key),
    setItem(key, text) {
      let used = key.length + text.length
      for (const [other, value] of texts) if (other !== key) used += other.length + value.length
      if (used > room) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      texts.set(key, text)
    },
  }
}
