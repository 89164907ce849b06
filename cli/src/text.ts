/** Rows as lines whose columns stand under each other. */
export function columns(rows: readonly (readonly string[])[], align: readonly ('left' | 'right')[]): string[] {
  const widths = align.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        align[column] === 'right' ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** Micro-units as they come over the wire → `12.50`, exactly. */
export function usdc(micros: string): string {
  const [, sign = '', digits = ''] = /^(-?)(\d+)$/.exec(micros) ?? []
  if (digits === '') return micros
  const padded = digits.padStart(7, '0')
  return `${sign}${padded.slice(0, -6)}.${padded.slice(-6).replace(/0{1,4}$/, '')}`
}
