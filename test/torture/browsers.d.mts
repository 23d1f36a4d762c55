import type { Started } from './loop.mjs'

type Found = Pick<Started, 'env'> & { readonly executablePath?: string }

export const engines: Record<
  'chromium' | 'chromium-sqlite' | 'firefox' | 'webkit',
  (profile: string, chromium?: Found) => Started | undefined
>
