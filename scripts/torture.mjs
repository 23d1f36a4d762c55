/**
 * `npm run torture`: kills browsers at random moments while a flow with effects runs, and counts what was lost.
 * Ctrl-C ends it after the kill that is under way, with what was counted so far and no browser left.
 */
import { engines } from '../test/torture/browsers.mjs'
import { torture } from '../test/torture/loop.mjs'
import { optionsOf, refuse } from './options.mjs'

const usage = `npm run torture                                   200 kills of each engine that is installed
npm run torture -- --engine firefox --kills 50    of one engine: chromium, chromium-sqlite, firefox, webkit
npm run torture -- --minutes 5                    at most so long for each engine; default 30`

const { values } = optionsOf(usage, {
  options: {
    engine: { type: 'string', multiple: true },
    kills: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '30' },
  },
})
const [kills, minutes] = [Number(values.kills), Number(values.minutes)]
const wanted = values.engine ?? Object.keys(engines)
const unknown = wanted.filter((it) => !(it in engines))
if (unknown.length > 0) refuse(`there is no engine ${unknown.join(', ')}`, usage)
if (!(kills > 0) || !(minutes > 0)) refuse('--kills and --minutes are numbers above 0', usage)

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

let failed = 0
let passed = 0
for (const name of wanted) {
  if (stop.signal.aborted) break
  const chromium = process.env.CHROMIUM_PATH ? { executablePath: process.env.CHROMIUM_PATH } : undefined
  const engine = (profile) => engines[name](profile, chromium)
  if (engine('') === undefined) {
    console.log(`${name}: not installed (npm run test:engines installs it)`)
    if (values.engine) failed++
    continue
  }
  const begun = performance.now()
  try {
    const log = (line) => console.log(`  ${name}: ${line}`)
    const it = await torture(engine, { kills, minutes, signal: stop.signal, log })
    const bad = it.lost.length + it.torn.length + it.otherKeys + it.repeated + it.silent
    const seconds = ((performance.now() - begun) / 1000).toFixed(0)
    console.log(
      `${name}: ${it.kills} kills, ${it.opened} openings (${it.degraded} of them late), ${it.acknowledged} acknowledged, ${it.lost.length} lost, ` +
        `${it.torn.length} torn, ${it.effects} effects, ${it.perKey.min} to ${it.perKey.max} per key, ` +
        `${it.otherKeys} with another key, ${it.repeated} repeated after it was saved, ${it.silent} silent, ${it.unstarted} not started, ${seconds} s`,
    )
    for (const line of [...it.lost, ...it.torn]) console.log(`  ${line}`)
    if (it.lost.length + it.torn.length > 0) console.log(`  the profile is kept: ${it.profile}`)
    if (bad > 0) failed++
    else passed++
  } catch (error) {
    console.log(`${name}: ${error.stack}`)
    failed++
  }
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
