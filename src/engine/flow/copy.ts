import { copyOnlyJson, nameOf, type CopyValue } from '../../state/json'

/** Flow state is JSON whatever the serializer, and a refusal names it. */
export const copyWritten: CopyValue = (value, where) =>
  copyOnlyJson(value, nameOf(where).replace(/^state\b/, 'flowState'))
