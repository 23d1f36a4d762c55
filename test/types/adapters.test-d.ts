import { createStorage, prefixStorage, type Driver, type Storage } from 'unstorage'
import http from 'unstorage/drivers/http'
import memory from 'unstorage/drivers/memory'
import redis from 'unstorage/drivers/redis'
import { expectTypeOf, test } from 'vitest'
import {
  createEngine,
  type SessionStorage,
  type StoredFlow,
  type StoredPart,
  type StoredPartInfo,
} from 'dogear'
import { storageConformance, type StorageCase } from 'dogear/testing'
import { unstorageStorage } from 'dogear/unstorage'
import { webStorage } from 'dogear/web-storage'

test('webStorage takes a storage area, a function that returns one, or nothing', () => {
  expectTypeOf(webStorage()).toEqualTypeOf<SessionStorage>()
  webStorage(localStorage)
  webStorage(() => sessionStorage, 'shop')
  // @ts-expect-error -- no area
  webStorage('localStorage')
})

test('unstorageStorage takes every storage and driver of unstorage', () => {
  expectTypeOf(unstorageStorage(createStorage())).toEqualTypeOf<SessionStorage>()
  unstorageStorage(prefixStorage(createStorage(), 'shop'), 'cart')
  for (const driver of [memory(), http({ base: '/' }), redis({})]) unstorageStorage(driver)
  expectTypeOf(unstorageStorage).parameter(0).extract<Driver | Storage>()
  createEngine({ storage: unstorageStorage(createStorage()) })
  // @ts-expect-error -- a Map lists no keys
  unstorageStorage(new Map())
})

test('storageConformance gives a plain list of cases', () => {
  expectTypeOf(storageConformance(() => () => webStorage())).toEqualTypeOf<StorageCase[]>()
  storageConformance(async () => () => webStorage(), { values: 'json' })
  // @ts-expect-error -- no such option
  storageConformance(() => () => webStorage(), { values: 'text' })
})

test("what a storage of one's own keeps has names", () => {
  expectTypeOf<SessionStorage['readFlow']>().returns.resolves.toEqualTypeOf<StoredFlow | undefined>()
  expectTypeOf<NonNullable<SessionStorage['keepPart']>>().parameter(2).toEqualTypeOf<StoredPart>()
  expectTypeOf<StoredPartInfo[0]>().toEqualTypeOf<StoredPart[0]>()
})
