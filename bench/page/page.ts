import type { AdapterName } from '../adapters/index.ts'
import type { Ask } from '../lanes/lane.ts'
import { cellsStage } from '../stages/cells.ts'
import { chatStage } from '../stages/chat.ts'
import { host } from '../stages/host.ts'
import { keeperStage } from '../stages/keeper.ts'
import { returnStage } from '../stages/return.ts'

declare global {
  /** How the page lane calls into the page. */
  // eslint-disable-next-line no-var -- only a `var` becomes a member of `globalThis`
  var bench: Ask
}

const name = new URLSearchParams(location.search).get('adapter') as AdapterName
globalThis.bench = host(
  { cells: cellsStage, chat: chatStage, keeper: keeperStage, return: returnStage },
  name,
)
