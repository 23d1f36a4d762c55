/**
 * `npm test`: everything, from a fresh clone on. Installs what is missing, then runs every check and every test,
 * goes on after a failure, and ends with `N passed, N failed`: one for each test, one for each other check. Two steps
 * run at a time where each uses one core, and each tells its result when it has ended.
 *
 *     npm test                  everything
 *     npm test -- lint unit     these steps, and what they need
 *     npm test -- --list        the names of the steps
 */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { install, root } from './install.mjs'

const minute = 60_000

const script = (name, options = {}) => ({ name, args: ['npm', 'run', '--silent', name], ...options })

const project = (name, { more = [], ...options } = {}) => ({
  name,
  project: true,
  args: ['npx', '--no-install', 'vitest', 'run', '--project', name, ...more],
  ...options,
})

// Vitest leaves one core to itself, and with two cores that is half of them.
const everyCore = ['--maxWorkers=100%']

/**
 * Begun in this order: long ones first, so that in the end no core has to wait for one. One that is `alone` uses every core by
 * itself, and some of what it does is bounded in time.
 */
const steps = [
  script('typecheck'),
  script('lint'),
  script('build'),
  project('types'),
  script('check:unused'),
  project('package', { needs: ['build'] }),
  project('storybook'),
  project('dom'),
  script('format:check'),
  project('react-17'),
  project('react-18'),
  project('browser'),
  project('servers'),
  script('build-storybook'),
  script('check:package', { needs: ['build'] }),
  script('size', { needs: ['build'] }),
  // Browsers that are started and killed: beside another step, which leaves them no core, they take half as long again.
  project('e2e', { alone: true, more: everyCore }),
  project('unit', { alone: true, more: everyCore }),
]

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

const processes = new Set()

/** Reports, and whatever the steps keep for a while: what a killed browser leaves there, nobody else deletes. */
const scratch = mkdtempSync(path.join(tmpdir(), 'dogear-test-'))
// PostgreSQL runs as another user where the tests are root's, and has its folder in here.
chmodSync(scratch, 0o711)
process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))

// npm must write into its cache to read from it: where it may not, it has one here.
const cache = process.env.npm_config_cache
try {
  if (cache) mkdirSync(cache, { recursive: true })
  if (cache) accessSync(cache, constants.W_OK)
} catch {
  process.env.npm_config_cache = path.join(scratch, 'npm')
}

/** What a process has started, and what that has: browsers that tests kill are in groups of their own. */
function descendants(parent) {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const all = (stdout ?? '').split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const found = new Set([parent])
  for (const it of found) for (const [pid, of] of all) if (of === it) found.add(pid)
  return [...found]
}

/** Ends a process with all that it started. */
function stop(child) {
  if (child.pid === undefined) return
  if (process.platform === 'win32') return child.kill()
  // Looked for before the first of them ends: after that nobody knows whose the others were.
  for (const pid of [...descendants(child.pid), -child.pid]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of processes) stop(child)
    process.exit(130)
  })
}

/** The exit code and everything that was printed. */
function run([command, ...args], limit = 15 * minute) {
  return new Promise((resolve) => {
    const chunks = []
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32',
      env: {
        ...process.env,
        // Elsewhere the paths of sockets in it would be too long.
        ...(process.platform === 'linux' && { TMPDIR: scratch }),
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        STORYBOOK_DISABLE_TELEMETRY: '1',
      },
    })
    processes.add(child)
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    child.stderr.on('data', (chunk) => chunks.push(chunk))
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\nstopped after ${limit / minute} minutes\n`))
      stop(child)
    }, limit)
    const end = (code) => {
      clearTimeout(timer)
      processes.delete(child)
      resolve({ code, output: Buffer.concat(chunks).toString() })
    }
    child.on('error', (error) => {
      chunks.push(Buffer.from(String(error)))
      end(1)
    })
    child.on('close', (code) => end(code ?? 1))
  })
}

/** Counts the tests of one Vitest project from its JSON report. */
function count(report, code) {
  let json
  try {
    json = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, remark: 'no report' }
  }
  const files = json.testResults ?? []
  // A file that could not be loaded has no tests to count, and is a failure all the same.
  const broken = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const passed = json.numPassedTests
  const skipped = json.numTotalTests - passed - json.numFailedTests
  let failed = json.numFailedTests + broken.length
  const remarks = []
  if (skipped > 0) remarks.push(`${skipped} skipped`)
  if (passed + failed === 0) {
    remarks.push('no test ran')
    failed = 1
  } else if (code !== 0 && failed === 0) {
    remarks.push('an error outside the tests')
    failed = 1
  }
  return { passed, failed, remark: remarks.join(', ') }
}

async function perform(step) {
  if (!step.project) {
    const { code, output } = await run(step.args)
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output }
  }
  const report = path.join(scratch, `${step.name}.json`)
  const { code, output } = await run([
    ...step.args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  return { ...count(report, code), output }
}

/** In place of what the line showed before. */
function onTerminal(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`)
}

/** What came of a step, and of one that failed everything that it printed last. */
function tell(step, { passed, failed, remark, output }, started) {
  const counted = step.project ? `${passed} passed, ${failed} failed` : ''
  const line = [step.name, counted, remark, seconds(started)].filter(Boolean).join('  ')
  const skipped = output.split('\n').filter((it) => it.startsWith('SKIPPED: '))
  const last = failed > 0 && output !== '' ? output.trimEnd().split('\n').slice(-300) : []
  onTerminal('')
  console.log(
    [
      `${failed > 0 ? 'FAIL' : 'ok  '} ${line}`,
      ...skipped.map((it) => `     ${it}`),
      ...last.map((it) => `     | ${it}`),
    ].join('\n'),
  )
}

/** Takes the steps in their order, two at a time where there are two cores. One waits for what it needs, and to be alone. */
async function twoAtATime(chosen, take) {
  const lanes = Math.min(2, availableParallelism())
  const waiting = [...chosen]
  const running = new Map()
  const ready = (step) => {
    const unfinished = [...waiting, ...running.keys()].some((it) => step.needs?.includes(it.name))
    return !unfinished && (!step.alone || running.size === 0)
  }
  while (waiting.length + running.size > 0) {
    const room = running.size < lanes && ![...running.keys()].some((it) => it.alone)
    const next = room ? waiting.find(ready) : undefined
    if (next) {
      waiting.splice(waiting.indexOf(next), 1)
      running.set(
        next,
        take(next).then(() => running.delete(next)),
      )
    } else {
      onTerminal(`...  ${[...running.keys()].map((it) => it.name).join(', ')}`)
      await Promise.race(running.values())
    }
  }
}

function choose(names) {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name))
  if (unknown.length > 0) {
    console.error(`no step ${unknown.join(', ')}; there are: ${steps.map((step) => step.name).join(', ')}`)
    process.exit(2)
  }
  if (names.length === 0) return steps
  const wanted = new Set(names)
  for (const step of steps) if (wanted.has(step.name)) step.needs?.forEach((name) => wanted.add(name))
  return steps.filter((step) => wanted.has(step.name))
}

async function main() {
  const args = process.argv.slice(2)
  if (args.includes('--list')) return console.log(steps.map((step) => step.name).join('\n'))
  const chosen = choose(args)
  const begun = performance.now()
  let passed = 0
  const failures = []
  const conclude = () => {
    const failed = failures.reduce((sum, it) => sum + it.failed, 0)
    console.log(`\n${seconds(begun)} in all`)
    for (const it of failures) console.log(`failed: ${it.name}${it.remark ? ` (${it.remark})` : ''}`)
    console.log(`\n${passed} passed, ${failed} failed`)
    process.exitCode = failed > 0 ? 1 : 0
  }

  try {
    if (install()) console.log(`ok   set-up  ${seconds(begun)}`)
  } catch (error) {
    console.error(`the set-up failed: ${error.message}`)
    failures.push({ name: 'set-up', failed: 1 })
    return conclude()
  }

  const missing = (step) => step.needs?.filter((name) => failures.some((it) => it.name === name)) ?? []
  const one = async (step) => {
    const started = performance.now()
    const result =
      missing(step).length > 0
        ? { passed: 0, failed: 1, remark: `not run: it needs ${missing(step).join(', ')}`, output: '' }
        : await perform(step)
    passed += result.passed
    if (result.failed > 0) failures.push({ name: step.name, failed: result.failed, remark: result.remark })
    tell(step, result, started)
  }
  await twoAtATime(chosen, one)
  conclude()
}

await main()
