import { nearest } from './nearest.ts'

/** Every variable the server knows, whether this version reads it or not. A `SOUK_*` name outside the list is a typo. */
const NAMES = [
  'SOUK_MODE',
  'SOUK_ROLE',
  'SOUK_URL',
  'SOUK_DATA_DIR',
  'SOUK_OPERATOR_KEY',
  'SOUK_MASTER_SECRET',
  'SOUK_MASTER_SECRET_FILE',
  'SOUK_TRUST_PROXY',
  'SOUK_LIMITS',
  'SOUK_MARKET',
  'SOUK_ALLOW_TESTNET',
  'SOUK_MODEL',
  'SOUK_TEST_LONG',
  'HOST',
  'PORT',
  'DATABASE_URL',
  'SOLANA_RPC_URL',
  'SOLANA_MINT',
  'SOLANA_NETWORK',
  'SOLANA_FEE_PAYER',
  'X402_FACILITATOR_URL',
  'BAZAAR_SOURCES',
  'EVM_RPC_URL',
  'EVM_CHAIN_ID',
  'EVM_TOKEN',
  'EVM_FINALITY',
  'EVM_MAX_FEE_GWEI',
  'LOG_LEVEL',
] as const

export type Name = (typeof NAMES)[number]

export type Variables = Readonly<Record<string, string | undefined>>

/** How to read one variable: `parse` throws an Error that says what the value must be. */
export interface Reading<T> {
  readonly parse: (text: string) => T
  readonly example: string
}

/** The environment, read while its faults are gathered, so that they can be told all at once. */
export class Environment {
  readonly faults: string[] = []
  readonly #variables: Variables

  constructor(variables: Variables) {
    this.#variables = variables
    for (const [name, value = ''] of Object.entries(variables)) this.#checkName(name, value)
  }

  /** The variable's text; null when it is unset or empty. */
  text(name: Name): string | null {
    return this.#variables[name]?.trim() || null
  }

  /** The variable's value; `fallback` when it is unset, or wrong, which is a fault. */
  read<T, F>(name: Name, fallback: F, { parse, example }: Reading<T>): T | F {
    const text = this.text(name)
    if (text === null) return fallback
    try {
      return parse(text)
    } catch (error) {
      this.fault(name, (error as Error).message, example)
      return fallback
    }
  }

  /** `fault('PORT', 'must be …', '3000')` → `PORT must be …, for example PORT=3000` */
  fault(name: Name, wrong: string, example: string): void {
    this.faults.push(`${name} ${wrong}, for example ${name}=${example}`)
  }

  #checkName(name: string, value: string): void {
    if (!name.startsWith('SOUK_') || NAMES.includes(name as Name) || isServiceLink(name, value)) return
    const meant = NAMES.find((known) => `SOUK_${known}` === name) ?? nearest(name, NAMES)
    const hint = meant ? `did you mean ${meant}?` : `the settings are ${NAMES.join(', ')}`
    this.faults.push(`${name} is not a setting of Souk; ${hint}`)
  }
}

/** Kubernetes puts the addresses of a service named "souk" into every container beside it. */
function isServiceLink(name: string, value: string): boolean {
  return /_SERVICE_(HOST|PORT)(_|$)/.test(name) || /_PORT_\d+_(TCP|UDP)/.test(name) || /^(tcp|udp):\/\//.test(value)
}
