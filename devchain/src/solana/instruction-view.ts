import { getBase58Encoder } from '@solana/kit'
import { parseAssociatedToken, parseMemo, parseSystem } from './parse-native.ts'
import { parseToken } from './parse-token.ts'
import {
  ASSOCIATED_TOKEN_PROGRAM,
  MEMO_PROGRAM,
  MEMO_V1_PROGRAM,
  SYSTEM_PROGRAM,
  TOKEN_2022_PROGRAM,
  TOKEN_PROGRAM,
} from './programs.ts'
import type { CompiledInstruction } from './records.ts'

/** What an instruction does, in the words of `jsonParsed`; null when we do not know this kind. */
export type ParsedInstruction =
  | string
  | { readonly type: string; readonly info: Readonly<Record<string, unknown>> }
  | null

type Parser = (data: Uint8Array, accounts: readonly string[]) => ParsedInstruction

const PARSERS: Readonly<Record<string, readonly [program: string, parse: Parser]>> = {
  [SYSTEM_PROGRAM]: ['system', parseSystem],
  [TOKEN_PROGRAM]: ['spl-token', parseToken],
  [TOKEN_2022_PROGRAM]: ['spl-token-2022', parseToken],
  [ASSOCIATED_TOKEN_PROGRAM]: ['spl-associated-token-account', parseAssociatedToken],
  [MEMO_PROGRAM]: ['spl-memo', parseMemo],
  [MEMO_V1_PROGRAM]: ['spl-memo', parseMemo],
}

export function parsedInstruction(instruction: CompiledInstruction, keys: readonly string[]) {
  const programId = keys[instruction.programIdIndex] ?? ''
  const accounts = instruction.accounts.map((index) => keys[index] ?? '')
  const { stackHeight } = instruction
  const [program, parse] = PARSERS[programId] ?? [null, null]
  const parsed = parse === null ? null : attempt(parse, instruction, accounts)
  if (parsed === null) return { programId, accounts, data: instruction.data, stackHeight }
  return { program, programId, parsed, stackHeight }
}

/** Malformed data is a failed instruction's own affair: it is shown raw. */
function attempt(parse: Parser, instruction: CompiledInstruction, accounts: readonly string[]): ParsedInstruction {
  try {
    return parse(Uint8Array.from(getBase58Encoder().encode(instruction.data)), accounts)
  } catch {
    return null
  }
}
