import type { Adapter } from '../adapter.ts'
import type { AdapterName } from './index.ts'

/** Imported where it is measured only: no library meets another one in the same process. */
export const load: Readonly<Record<AdapterName, () => Promise<Adapter>>> = {
  'Map floor': async () => (await import('./floor.ts')).floor,
  useState: async () => (await import('./use-state.ts')).useStateFloor,
  'dogear store': async () => (await import('./dogear-store.ts')).dogearStore,
  'dogear session': async () => (await import('./dogear-session.ts')).dogearSession,
  'dogear, stored': async () => (await import('./dogear-session.ts')).dogearStored,
  dogear: async () => (await import('./dogear.ts')).dogear,
  zustand: async () => (await import('./zustand.ts')).zustand,
  'jotai, family': async () => (await import('./jotai.ts')).jotaiFamily,
  'jotai, focus': async () => (await import('./jotai.ts')).jotaiFocus,
  '@xstate/store': async () => (await import('./xstate-store.ts')).xstateStore,
  'legend-state': async () => (await import('./legend-state.ts')).legendState,
  xstate: async () => (await import('./xstate.ts')).xstate,
  'xstate, sync': async () => (await import('./xstate.ts')).xstateTransitions,
  'redux toolkit': async () => (await import('./redux.ts')).redux,
  nanostores: async () => (await import('./nanostores.ts')).nanostores,
  valtio: async () => (await import('./valtio.ts')).valtio,
  signals: async () => (await import('./signals.ts')).signals,
  'workflow-core': async () => (await import('./workflow-core.ts')).workflowCore,
}
