import { isUtf8 } from 'node:buffer'
import { defineRefusals } from '#kernel/refusal'

export const jsonRefusals = defineRefusals({
  malformed_json: ['invalid', 'The body is not JSON: {reason}.', 'Send one complete JSON value and nothing after it.'],
  duplicate_key: [
    'invalid',
    'The key {where} occurs twice.',
    'Send every key once: two readers could choose differently.',
  ],
  number_not_exact: [
    'invalid',
    'The number at {where} cannot be held exactly.',
    'Send an integer up to 9007199254740991, or a decimal of at most 15 significant digits.',
  ],
  text_not_allowed: ['invalid', 'The text at {where} holds {found}.', 'Send well-formed Unicode without it.'],
  too_deep: ['invalid', 'The JSON is nested deeper than {maxDepth} levels at {where}.', 'Send a flatter value.'],
})

const MAX_DEPTH = 64
const MAX_WHERE_CHARS = 200
/** Up to here, sign and point included, every plain decimal survives Number and back. */
const SURELY_EXACT_CHARS = 15
/** A double written out in full is shorter; longer literals only cost time. */
const MAX_NUMBER_CHARS = 400

/**
 * Reads one JSON value as a stranger meant it, or refuses (D-30): no duplicate keys, no NUL, no lone surrogates, no
 * `__proto__`, no number JavaScript would change, at most 64 levels. Bytes must be UTF-8.
 *
 * So every number in the result is the literal's exact decimal value: `String(number)` gives that decimal back, and money
 * can be read from it without the source text.
 */
export function parseJsonStrict(body: string | Uint8Array): unknown {
  const text = typeof body === 'string' ? body : decode(body)
  if (!text.isWellFormed()) throw jsonRefusals.text_not_allowed({ where: 'the body', found: 'a lone surrogate' })
  const value = parse(text)
  new Scanner(text).run()
  return value
}

function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw jsonRefusals.text_not_allowed({ where: 'the body', found: 'bytes that are not UTF-8' })
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw jsonRefusals.malformed_json({ reason: (error as Error).message })
  }
}

/** One open object or array: where the scanner is inside it. */
class Frame {
  readonly keys: Set<string> | null
  key = ''
  index = 0
  /** In an object: the next string is a key. */
  awaitsKey: boolean

  constructor(isObject: boolean) {
    this.keys = isObject ? new Set() : null
    this.awaitsKey = isObject
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Walks text that JSON.parse has accepted, looking for what it accepts and we do not. */
class Scanner {
  readonly #text: string
  readonly #hasEscapes: boolean
  readonly #frames: Frame[] = []
  #frame: Frame | undefined

  constructor(text: string) {
    this.#text = text
    this.#hasEscapes = text.includes('\\')
  }

  run(): void {
    const text = this.#text
    for (let at = 0; at < text.length; at += 1) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) at = this.#string(at)
      else if (char === COMMA) this.#next()
      else if (char === OPEN_OBJECT || char === OPEN_ARRAY) this.#open(char === OPEN_OBJECT)
      else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) this.#close()
      else if (isDigit(char) || char === MINUS) at = this.#number(at)
    }
  }

  #open(isObject: boolean): void {
    if (this.#frames.length === MAX_DEPTH) throw jsonRefusals.too_deep({ where: this.#where(), maxDepth: MAX_DEPTH })
    this.#frame = new Frame(isObject)
    this.#frames.push(this.#frame)
  }

  #close(): void {
    this.#frames.pop()
    this.#frame = this.#frames.at(-1)
  }

  #next(): void {
    const frame = this.#frame
    if (frame?.keys) frame.awaitsKey = true
    else if (frame) frame.index += 1
  }

  /** Returns the position of the closing quote. */
  #string(start: number): number {
    const end = this.#hasEscapes ? this.#endOfString(start) : this.#text.indexOf('"', start + 1)
    const isKey = this.#frame?.awaitsKey === true
    if (!isKey && !this.#hasEscapes) return end
    const raw = this.#text.slice(start + 1, end)
    const isEscaped = this.#hasEscapes && raw.includes('\\')
    const content = isEscaped ? (JSON.parse(`"${raw}"`) as string) : raw
    if (isKey) this.#key(content)
    if (isEscaped) this.#checkEscaped(content)
    return end
  }

  #endOfString(start: number): number {
    const text = this.#text
    let at = start + 1
    for (let char = text.charCodeAt(at); char !== QUOTE; char = text.charCodeAt(at)) {
      at += char === BACKSLASH ? 2 : 1
    }
    return at
  }

  #key(key: string): void {
    const frame = this.#frame as Frame
    const keys = frame.keys as Set<string>
    frame.awaitsKey = false
    frame.key = key
    if (keys.has(key)) throw jsonRefusals.duplicate_key({ where: this.#where() })
    if (key === '__proto__') {
      throw jsonRefusals.text_not_allowed({ where: this.#where(), found: 'the key __proto__' })
    }
    keys.add(key)
  }

  #checkEscaped(content: string): void {
    const found = content.includes('\0') ? 'a NUL character' : content.isWellFormed() ? '' : 'a lone surrogate'
    if (found) throw jsonRefusals.text_not_allowed({ where: this.#where(), found })
  }

  /** Returns the position of the last character of the number. */
  #number(start: number): number {
    const text = this.#text
    let end = start + 1
    while (isOfNumber(text.charCodeAt(end))) end += 1
    if (!isExact(text.slice(start, end))) throw jsonRefusals.number_not_exact({ where: this.#where() })
    return end - 1
  }

  /** A JSON pointer, fit to be shown. */
  #where(): string {
    const steps = this.#frames.map((frame) => (frame.keys ? frame.key : String(frame.index)))
    const pointer = steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    const shown = pointer.length > MAX_WHERE_CHARS ? `${pointer.slice(0, MAX_WHERE_CHARS)}…` : pointer
    return shown.replaceAll('\0', '').toWellFormed() || 'the body'
  }
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39
}

/** A digit or one of `+ - . e E`. NaN, past the end of the text, is none. */
function isOfNumber(char: number): boolean {
  return isDigit(char) || char === 0x2e || char === 0x65 || char === 0x45 || char === 0x2b || char === MINUS
}

/** Whether Number keeps the literal's decimal value, and an integer literal stays within 2^53-1. */
function isExact(literal: string): boolean {
  if (literal.length <= SURELY_EXACT_CHARS && !/e/i.test(literal)) return true
  if (literal.length > MAX_NUMBER_CHARS) return false
  const number = Number(literal)
  if (!/[.e]/i.test(literal)) return Number.isSafeInteger(number)
  return Number.isFinite(number) && plainDecimal(literal) === plainDecimal(String(number))
}

/** `-012.300e2` → `-123e1`: one spelling for every decimal value, so that two can be compared. */
function plainDecimal(literal: string): string {
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  if (end === 0) return '0'
  const power = Number(exponent) - fraction.length + digits.length - end
  return `${mantissa.startsWith('-') ? '-' : ''}${digits.slice(0, end)}e${power}`
}
