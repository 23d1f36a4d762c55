/**
 * `npm test`: everything, from a fresh clone on. Installs what is missing, then runs every check and every test,
 * goes on after a failure, and ends with `N passed, N failed`: one for each test, one for each other check.
 *
 *     npm test                  everything
 *     npm test -- lint unit     these steps, and what they need
 *     npm test -- --list        the names of the steps
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

const steps = [
  script('typecheck'),
  script('lint'),
  script('format:check'),
  script('check:unused'),
  script('build'),
  script('check:package', { needs: ['build'] }),
  script('size', { needs: ['build'] }),
  // Vitest leaves one core to itself. These tests wait for nothing but the processor.
  project('unit', { more: ['--maxWorkers=100%'] }),
  project('types'),
  project('dom'),
  project('browser'),
  project('react-17'),
  project('react-18'),
  project('storybook'),
  project('e2e'),
  project('servers'),
  project('package', { needs: ['build'] }),
  script('build-storybook'),
]

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

let running

/** What a process has started, and what that has: browsers that tests kill are in groups of their own. */
function descendants(parent) {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const all = (stdout ?? '').split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const found = new Set([parent])
  for (const it of found) for (const [pid, of] of all) if (of === it) found.add(pid)
  return [...found]
}

/** Ends a step with all that it started. */
function stop() {
  if (running?.pid === undefined) return
  if (process.platform === 'win32') return running.kill()
  // Looked for before the first of them ends: after that nobody knows whose the others were.
  for (const pid of [...descendants(running.pid), -running.pid]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stop()
    process.exit(130)
  })
}

/** The exit code and everything that was printed. */
function run([command, ...args], limit = 10 * minute) {
  return new Promise((resolve) => {
    const chunks = []
    running = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, STORYBOOK_DISABLE_TELEMETRY: '1' },
    })
    running.stdout.on('data', (chunk) => chunks.push(chunk))
    running.stderr.on('data', (chunk) => chunks.push(chunk))
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\nstopped after ${limit / minute} minutes\n`))
      stop()
    }, limit)
    const end = (code) => {
      clearTimeout(timer)
      running = undefined
      resolve({ code, output: Buffer.concat(chunks).toString() })
    }
    running.on('error', (error) => {
      chunks.push(Buffer.from(String(error)))
      end(1)
    })
    running.on('close', (code) => end(code ?? 1))
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

async function perform(step, reports) {
  if (!step.project) {
    const { code, output } = await run(step.args)
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output }
  }
  const report = path.join(reports, `${step.name}.json`)
  const { code, output } = await run([
    ...step.args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  return { ...count(report, code), output }
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

  const reports = mkdtempSync(path.join(tmpdir(), 'dogear-test-'))
  try {
    for (const step of chosen) {
      const missing = step.needs?.filter((name) => failures.some((it) => it.name === name)) ?? []
      if (missing.length > 0) {
        const remark = `not run: it needs ${missing.join(', ')}`
        failures.push({ name: step.name, failed: 1, remark })
        console.log(`FAIL ${step.name}  ${remark}`)
        continue
      }
      const started = performance.now()
      if (process.stdout.isTTY) process.stdout.write(`...  ${step.name}`)
      const result = await perform(step, reports)
      if (process.stdout.isTTY) process.stdout.write('\r')
      const counted = step.project ? `${result.passed} passed, ${result.failed} failed` : ''
      const line = [step.name, counted, result.remark, seconds(started)].filter(Boolean).join('  ')
      console.log(`${result.failed > 0 ? 'FAIL' : 'ok  '} ${line}`)
      for (const skipped of result.output.split('\n').filter((it) => it.startsWith('SKIPPED: ')))
        console.log(`     ${skipped}`)
      passed += result.passed
      if (result.failed > 0) {
        failures.push({ name: step.name, failed: result.failed, remark: result.remark })
        console.log(
          result.output
            .trimEnd()
            .split('\n')
            .slice(-300)
            .map((it) => `     | ${it}`)
            .join('\n'),
        )
      }
    }
  } finally {
    rmSync(reports, { recursive: true, force: true })
  }
  conclude()
}

await main()
