import { describe, expectTypeOf, it } from 'vitest'
import { createEngine, memoryStorage, type EngineOptions, type Role, type Session } from 'dogear'
import { WorkflowProvider, type UseWorkflow, type WorkflowProviderProps } from 'dogear/react'
import { virtualTabs } from 'dogear/testing'
import type { AnyWorkflow } from 'dogear'

describe('tabs', () => {
  it('a session has its role, and takeOver()', () => {
    expectTypeOf<Session<AnyWorkflow>['role']>().toEqualTypeOf<Role>()
    expectTypeOf<Role>().toEqualTypeOf<'leader' | 'follower' | 'reader'>()
    expectTypeOf<Session<AnyWorkflow>['takeOver']>().toEqualTypeOf<() => Promise<void>>()
    expectTypeOf<UseWorkflow<AnyWorkflow>['takeOver']>().toEqualTypeOf<() => void>()
    expectTypeOf<UseWorkflow<AnyWorkflow>['role']>().toEqualTypeOf<Role>()
  })

  it("the browser's and virtual tabs fit the options of an engine", () => {
    createEngine({ storage: memoryStorage(), ...virtualTabs() })
    createEngine({ locks: null, channel: null, page: null })
    expectTypeOf<typeof window>().toExtend<NonNullable<EngineOptions['page']>>()
    expectTypeOf<LockManager>().toExtend<NonNullable<EngineOptions['locks']>>()
    // @ts-expect-error a BroadcastChannel is made by a function
    createEngine({ channel: 'dogear' })
  })

  it('scope takes only "tab"', () => {
    expectTypeOf<WorkflowProviderProps<AnyWorkflow>['scope']>().toEqualTypeOf<'tab' | undefined>()
    expectTypeOf(WorkflowProvider).toBeFunction()
  })
})
