import { audit } from './audit.ts'
import { Fault } from './fault.ts'
import { importFrom } from './import.ts'
import { verifyReceipt } from './verify-receipt.ts'

/** What a command may use of the world around it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** All that comes in. */
  readonly input: () => Promise<string>
  readonly out: (line: string) => void
  readonly err: (line: string) => void
}

/** Runs with the arguments behind its name; answers the exit code. */
export type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>

const HELP = `souk: the operator's command line

  souk audit    check the books of a running market now; ends 0 when they are in order, 1 when something differs
  souk import URL [--no-wait]
                have the market list what another one sells, now and from now on (URL: of the market, or of its
                /discovery/resources); tells how far it has come until it has read all of it
  souk verify-receipt FILE [--jwks URL|FILE]
                check receipts (FILE: one a line, or an answer of the market as JSON; - for what comes in) and that each follows
                the one before; ends 0 when all are valid, 1 when one is not. With a file of keys nobody is asked anything
  souk help     this text

It asks the server at SOUK_URL (http://localhost:3000); for audit and import with SOUK_OPERATOR_KEY. Without the key, and for a server
on this machine only, it takes the one the sandbox made: secrets.json in SOUK_DATA_DIR (./data).

What cannot be asked or understood ends 2.`

const help: Command = async (_args, { out }) => {
  out(HELP)
  return 0
}

const COMMANDS: Readonly<Record<string, Command>> = {
  audit,
  import: importFrom,
  'verify-receipt': verifyReceipt,
  help,
  '--help': help,
  '-h': help,
}

/** Finds the command and runs it; every fault is one sentence, and exit code 2. */
export async function run([name, ...args]: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (!command) throw new Fault(name === undefined ? HELP : `There is no command "${name}": see souk help`)
    return await command(args, surroundings)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    surroundings.err(error.message)
    return 2
  }
}
