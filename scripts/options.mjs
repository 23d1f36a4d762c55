import { parseArgs } from 'node:util'

/**
 * The options and names that a command was given. With `--help` it prints how the command is used and ends; so it does, with
 * exit code 2, when it is given what it does not know.
 */
export function optionsOf(usage, { options, ...more }) {
  const { values, positionals } = asked(usage, {
    options: { ...options, help: { type: 'boolean' } },
    ...more,
  })
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
  return { values, positionals }
}

function asked(usage, config) {
  try {
    return parseArgs(config)
  } catch (error) {
    return refuse(error.message, usage)
  }
}

export function refuse(why, usage) {
  console.error(`${why}\n\n${usage}`)
  process.exit(2)
}
