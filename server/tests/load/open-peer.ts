import type { Ground } from './ground.ts'
import { CLIENTS, type Peer, SCALE, THREADS } from './peer.ts'
import { findPgbench, initialise, runPgbench } from './pgbench.ts'
import { openOwnTpcb } from './tpcb.ts'

/** pgbench where it is installed; otherwise our own stand-in, which says that it is one. */
export async function openPeer(ground: Ground): Promise<Peer> {
  const url = await ground.makeDatabase('peer')
  const program = await findPgbench()
  if (!program) {
    console.log(
      'pgbench is not installed here, so the peer is our own: the same seven statements, sent by Node.js.\n' +
        "It is slower than pgbench would be; the ratios below flatter us. Debian's package: postgresql-contrib.\n",
    )
    return openOwnTpcb(url)
  }
  await initialise(program, url)
  return {
    name: `${program.version}, TPC-B-like, scale ${SCALE}, -c ${CLIENTS} -j ${THREADS}`,
    isPgbench: true,
    run: async (seconds) => ({ perSecond: await runPgbench(program, url, seconds) }),
    close: () => ground.dropDatabase(url),
  }
}
