import { benchBuying } from './buying.ts'
import { openGround } from './ground.ts'
import { benchJobs } from './jobs.ts'
import { benchLedger } from './ledger.ts'
import { openPeer } from './open-peer.ts'
import { type BenchOptions, readOptions, UsageError } from './options.ts'
import { type CaseReport, printFacts, printReports } from './report.ts'

/** Measures the market against pgbench on the same PostgreSQL; see docs/benchmarks.md. Nothing here asserts a time. */
async function main(options: BenchOptions): Promise<void> {
  const closers: (() => Promise<void>)[] = []
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close()
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void closeAll().finally(() => process.exit(code)))
  }
  try {
    const ground = await openGround()
    closers.push(ground.close)
    const peer = await openPeer(ground)
    closers.push(peer.close)
    printFacts(ground.facts, peer.name)
    const reports: CaseReport[] = []
    for (const name of options.benches) {
      reports.push(
        ...(await { ledger: benchLedger, jobs: benchJobs, buying: benchBuying }[name](ground, peer, options)),
      )
    }
    printReports(reports)
    const { name, isPgbench } = peer
    console.log(JSON.stringify({ ...ground.facts, peer: name, isPgbench, options, reports }))
  } finally {
    await closeAll()
  }
}

try {
  await main(readOptions(process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
