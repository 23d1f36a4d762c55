/*
 * React comes in here: a bundler keeps every import of it that a file has, even in pages that use nothing of that file.
 * Only a ref does not, which the linter knows by where it comes from.
 */
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
