import { copyKeeping, type CopyValue } from '../../state/json'

const strict = copyKeeping(() => false)

/** Flow state is JSON whatever the serializer, so a refused write is not advised to take another one. */
export const copyWritten: CopyValue = (value, where) =>
  strict(value, typeof where === 'object' ? ['flowState', where.text].filter(Boolean).join('.') : where)
