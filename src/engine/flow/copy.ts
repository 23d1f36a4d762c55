import { copyOnlyJson, type CopyValue } from '../../state/json'

/** Flow state is JSON whatever the serializer, and a refusal names it. */
export const copyWritten: CopyValue = (value, where) =>
  copyOnlyJson(value, typeof where === 'object' ? ['flowState', where.text].filter(Boolean).join('.') : where)
