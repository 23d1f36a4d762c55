import { describe, expect, it } from 'vitest'
import { checksum, isWhole, sumOf } from '../../src/storage/checksum'
import { random } from '../support/random'

function text(length: number, next: () => number): string {
  return Array.from({ length }, () => String.fromCharCode(32 + Math.floor(next() * 95))).join('')
}

describe('checksum', () => {
  it('is the same on every machine, for ever, since stored sessions depend on it', () => {
    expect([checksum(''), checksum('a'), checksum('{"seq":1}'), checksum('€\ud83d\udc15')])
      .toMatchInlineSnapshot(`
        [
          2166136261,
          3842779839,
          117102218,
          1726107556,
        ]
      `)
  })

  it('finds every flipped bit', () => {
    const original = `${text(300, random(1))}€\ud83d\udc15`
    const sum = checksum(original)
    for (let at = 0; at < original.length; at++) {
      for (let bit = 0; bit < 16; bit++) {
        const flipped = String.fromCharCode(original.charCodeAt(at) ^ (1 << bit))
        expect(checksum(original.slice(0, at) + flipped + original.slice(at + 1))).not.toBe(sum)
      }
    }
  })

  it('finds a lost end, a lost beginning, a lost or doubled part', () => {
    const next = random(2)
    for (let round = 0; round < 2000; round++) {
      const original = text(1 + Math.floor(next() * 200), next)
      const sum = checksum(original)
      const [from, to] = [next(), next()].map((it) => Math.floor(it * original.length)).sort((a, b) => a - b)
      expect(checksum(original.slice(0, from))).not.toBe(sum)
      expect(checksum(original.slice((from ?? 0) + 1))).not.toBe(sum)
      expect(checksum(original.slice(0, from) + original.slice((to ?? 0) + 1))).not.toBe(sum)
      expect(checksum(original + original.slice(to))).not.toBe(sum)
    }
  })

  it('finds swapped and zeroed characters', () => {
    const next = random(3)
    const original = text(200, next)
    for (let at = 0; at + 1 < original.length; at++) {
      const [a = '', b = ''] = [original[at], original[at + 1]]
      const rest = original.slice(at + 2)
      if (a !== b) expect(checksum(original.slice(0, at) + b + a + rest)).not.toBe(checksum(original))
      expect(checksum(`${original.slice(0, at)}\0${b}${rest}`)).not.toBe(checksum(original))
    }
    expect(checksum('\0')).not.toBe(checksum('\0\0'))
  })

  it('rarely gives two texts the same number', () => {
    const sums = new Set<number>()
    for (let n = 0; n < 20_000; n++) sums.add(checksum(`{"seq":${n},"at":1735689600000}`))
    expect(sums.size).toBeGreaterThan(19_998)
  })
})

describe('the checksum of bytes', () => {
  const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content)

  it('is the same on every machine, for ever, since stored sessions depend on it', () => {
    const texts = ['', 'a', '{"list":[1]}', '{"list":["€\ud83d\udc15",1,2,3]}']
    expect(texts.map((it) => sumOf(bytesOf(it)))).toMatchInlineSnapshot(`
      [
        2166136281,
        3842779811,
        3535352538,
        4150058699,
      ]
    `)
    expect(sumOf(bytesOf(text(112_345, random(7))))).toBe(3_417_868_101)
  })

  it('finds every flipped bit, a lost end and a lost beginning', () => {
    const next = random(4)
    for (const length of [1, 3, 4, 15, 16, 17, 64, 301]) {
      const original = bytesOf(text(length, next))
      const sum = sumOf(original)
      for (let bit = 0; bit < length * 8; bit++) {
        const flipped = original.slice()
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(sumOf(flipped)).not.toBe(sum)
      }
      for (let at = 0; at < length; at++) {
        expect(sumOf(original.slice(0, at))).not.toBe(sum)
        expect(sumOf(original.slice(at + 1))).not.toBe(sum)
      }
    }
  })

  it('finds any two flipped bits, also the highest of two words', () => {
    const original = bytesOf(text(128, random(5)))
    const sum = sumOf(original)
    for (let a = 0; a < 1024; a++) {
      for (let b = a + 1; b < 1024; b += 7) {
        const flipped = original.slice()
        for (const bit of [a, b]) flipped[bit >> 3]! ^= 1 << (bit & 7)
        if (sumOf(flipped) === sum) throw new Error(`bits ${a} and ${b} cancel each other`)
      }
    }
  })

  it('depends on the bytes only, not on their place in a buffer', () => {
    const original = bytesOf(text(100, random(6)))
    const around = new Uint8Array(110)
    for (const at of [0, 1, 2, 3, 4, 7]) {
      around.set(original, at)
      expect(sumOf(around.subarray(at, at + 100))).toBe(sumOf(original))
    }
  })

  it('is not checked for bytes stored without one, nor for other values', () => {
    expect([isWhole(bytesOf('a'), 0), isWhole({ a: 1 }, 0), isWhole(bytesOf('a'), 1)]).toEqual([
      true,
      true,
      false,
    ])
  })
})
