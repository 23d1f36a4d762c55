import { describe, expect, it } from 'vitest'
import { SerializationError } from '../../src/errors'
import { StorageError } from '../../src/storage-errors'
import { jsonSerializer } from '../../src/storage/serializer'

const { serialize, deserialize } = jsonSerializer

describe('jsonSerializer', () => {
  it('gives back what it got', () => {
    const value = { text: 'ä€\ud83d\udc15\u2028"\\', list: [1, -0.5, true, null, { deep: [[]] }], '': '' }
    expect(deserialize(serialize(value))).toEqual(value)
    for (const scalar of [null, 0, '', false, []]) expect(deserialize(serialize(scalar))).toEqual(scalar)
  })

  it('refuses what JSON turns into nothing', () => {
    expect(() => serialize(undefined)).toThrow(SerializationError)
    expect(() => serialize(() => 1)).toThrow(SerializationError)
  })

  it('reads text only', () => {
    for (const stored of [undefined, null, 5, {}, new Uint8Array(2)]) {
      expect(() => deserialize(stored)).toThrow(StorageError)
    }
    for (const damaged of ['', '{', '{"a":}', '[1,2', 'undefined'])
      expect(() => deserialize(damaged)).toThrow(SyntaxError)
  })

  it('refuses an own __proto__ key, however it is spelled and however deep', () => {
    for (const key of [
      '__proto__',
      '\\u005f_proto__',
      '__\\u0070roto__',
      '\\u005F\\u005Fproto\\u005f_',
      '__prot\\u006f__',
    ]) {
      expect(() => deserialize(`{"${key}":{"admin":true}}`)).toThrow('__proto__')
      expect(() => deserialize(`[{"a":[{"${key}":1}]}]`)).toThrow('__proto__')
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('refuses the other keys that no state may have', () => {
    for (const key of ['constructor', 'prototype', 'c\\u006fnstructor'])
      expect(() => deserialize(`[{"a":{"${key}":{"polluted":1}}}]`)).toThrow('has a key')
  })

  it('accepts those texts as values, and keys that only look like them', () => {
    const value = {
      a: '__proto__',
      b: '\\u005f_proto__',
      _proto_: 1,
      constructors: 2,
      Prototype: 3,
      d: ['constructor', 'prototype'],
      c: ['"__proto__":1'],
    }
    expect(deserialize(serialize(value))).toEqual(value)
  })
})
