type Write = (key: string, text: string | undefined) => void

/** `localStorage` as a page sees it whose process hears of others' writes a moment later. */
export class View extends Map<string, string> {
  readonly #write: Write

  constructor(write: Write) {
    super()
    this.#write = write
  }

  override set(key: string, text: string): this {
    this.#write(key, text)
    return super.set(key, text)
  }

  override delete(key: string): boolean {
    this.#write(key, undefined)
    return super.delete(key)
  }

  readonly hear: Write = (key, text) => {
    if (text === undefined) super.delete(key)
    else super.set(key, text)
  }
}

const damages: readonly ((text: string) => string)[] = [
  (text) => text.slice(0, text.length >> 1),
  () => 'null',
  () => '[1,null,"x",{}]',
  (text) => text.replace(/\d/, '7'),
  () => '{"format":3}',
]

/** Everything in it is damaged in one way. */
export function damageBox(box: Map<string, string>, roll: number): void {
  const damage = damages[Math.floor(roll * damages.length)]
  for (const [key, text] of box) box.set(key, damage?.(text) ?? '')
}

const foreign = ['', 'null', '[]', '{}', '[null]', '["x"]', '[{}]', '{"format":3,"data":"[]"}', '7', '[[]]']

/** Another app has written under our keys. */
export function litter(
  { box, texts, storage }: { box: Map<string, string>; texts: Map<string, string>; storage: string },
  roll: number,
): void {
  const kind = storage === 'web' ? 'web-storage' : 'indexeddb'
  for (const prefix of ['dogear:', 'dogear-asked:', 'dogear-flow:'])
    for (const key of [prefix, `${prefix}${kind}:dogear:flow`])
      if (!box.has(key)) box.set(key, foreign[Math.floor(roll * foreign.length)] ?? '')
  if (storage === 'web')
    texts.set('dogear/other', ['h0 null', 'garbage', 'h0 {"seq":1}'][Math.floor(roll * 3)] ?? '')
}
