/** A table of text: the first column to the left, figures to the right. */
export interface Table {
  readonly title: string
  /** How it is measured, in a sentence or two. */
  readonly note?: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Three significant digits, so that columns can be compared at a glance. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  if (size >= 1) return value.toFixed(2)
  return value.toPrecision(2)
}

const times = (value: number | undefined): string => (value === undefined ? '-' : `${figure(value)} x`)

export { times }

/** As aligned text for the terminal. */
export function asText({ title, note, head, rows }: Table): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
  const body = [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
  return [`\n${title}`, ...(note ? [note] : []), '', ...body].join('\n')
}

/** As Markdown, in the alignment that prettier keeps. */
export function asMarkdown({ title, note, head, rows }: Table): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => row[column]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [`### ${title}`, '', ...(note ? [note, ''] : []), line(head), rule, ...rows.map(line), ''].join('\n')
}
