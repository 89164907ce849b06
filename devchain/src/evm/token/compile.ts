import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { ARTIFACT, type TokenArtifact } from './artifact.ts'

interface Compiled {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Record<string, Record<string, Contract>>
}

interface Contract {
  readonly abi: readonly unknown[]
  readonly evm: {
    readonly deployedBytecode: { readonly object: string; readonly immutableReferences: Record<string, unknown> }
  }
}

interface Solc {
  version(): string
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string
}

const FILE = 'SandboxUsdc.sol'
const NAME = 'SandboxUsdc'
const require = createRequire(import.meta.url)

export function compileToken(): TokenArtifact {
  const content = readFileSync(new URL(FILE, import.meta.url), 'utf8')
  const solc = require('solc') as Solc
  const input = {
    language: 'Solidity',
    sources: { [FILE]: { content } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'cancun',
      // Without it the code ends with a hash of paths and comments.
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.deployedBytecode'] } },
    },
  }
  const imported = (path: string) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input), { import: imported })) as Compiled
  const faults = errors.filter(({ severity }) => severity === 'error')
  if (faults.length > 0) throw new Error(faults.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const contract = contracts[FILE]?.[NAME]
  if (contract === undefined) throw new Error(`${FILE} has no contract ${NAME}`)
  const { object, immutableReferences } = contract.evm.deployedBytecode
  if (Object.keys(immutableReferences).length > 0)
    throw new Error(`${NAME} has immutables, which its constructor fills`)
  const source = createHash('sha256').update(content).digest('hex')
  return { compiler: solc.version(), source, abi: contract.abi, code: `0x${object}` }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(ARTIFACT, `${JSON.stringify(compileToken(), null, 2)}\n`)
}
