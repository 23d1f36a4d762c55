/*
 * React comes in here: a bundler keeps every import of it that a file has, even in pages that use nothing of that file.
 * Only a ref does not, which the linter knows by where it comes from.
 */
import * as React from 'react'

export {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  version,
} from 'react'

/** React 17 has none. A bundler, and Node, refuse a name that is missing, but not in a copy. */
export const useTransition: () => readonly unknown[] = /* @__PURE__ */ (() =>
  ({ ...React }).useTransition ?? (() => []))()
