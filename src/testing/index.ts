export { crash } from './crash'
export { virtualClock, type VirtualClock, type VirtualClockOptions } from './virtual-clock'
