export type { OpenStorage, StorageCase } from './conformance/case'
export { storageConformance, type ConformanceOptions } from './conformance/storage-conformance'
export { crash } from './crash'
export { virtualClock, type VirtualClock, type VirtualClockOptions } from './virtual-clock'
