declare const process: { readonly env: { readonly NODE_ENV?: string } }

/**
 * Whether this is a development build: state is frozen and mistakes are explained. False when neither a bundler
 * nor the platform says anything.
 */
export const development: boolean = /* @__PURE__ */ read()

/** Bundlers replace the whole expression; asking `typeof process` first would defeat the ones without a shim. */
function read(): boolean {
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return false
  }
}

/** Freezes in development, where a write to what is shared must fail loudly; freezing costs too much elsewhere. */
export function frozen<T>(value: T): T {
  return development ? Object.freeze(value) : value
}
