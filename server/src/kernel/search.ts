const WORD = /[\p{L}\p{M}\p{N}]+/gu
const ASCII = /^[a-z0-9]+$/
const MAX_WORD_CHARS = 40
const MIN_PREFIX_CHARS = 2
const MIN_SUFFIX_CHARS = 3
const MAX_QUERY_WORDS = 8
const MAX_POSITION = 16_000

/** Letters and digits only, so that a word can stand in a tsvector or tsquery without any quoting. */
function wordsOf(text: string): string[] {
  const words = text.normalize('NFKC').toLowerCase().match(WORD) ?? []
  return words.map((word) => cut(word))
}

/** What something on the market is found by, the most telling first. */
export interface SearchedTexts {
  readonly title: string
  /** Category and tags. */
  readonly topics: readonly string[]
  readonly body: string
}

export interface SearchText {
  /** The text of a tsvector. */
  readonly vector: string
  /** What the database adds English stems of, so that "images" finds "image": words of title and topics, … */
  readonly title: string
  /** … and of the body. */
  readonly body: string
}

/**
 * Title A, topics B, body C, and the tails of the words of title and topics D, so that a part from within a word finds it
 * too ("marizer" finds "Summarizer").
 */
export function searchText(searched: SearchedTexts): SearchText {
  const title = wordsOf(searched.title)
  const topics = wordsOf(searched.topics.join(' '))
  const body = wordsOf(searched.body)
  const tails = new Set([...title, ...topics].flatMap(tailsOf))
  const lexemes = [
    ...title.map((word) => ({ word, weight: 'A' })),
    ...topics.map((word) => ({ word, weight: 'B' })),
    ...body.map((word) => ({ word, weight: 'C' })),
    ...[...tails].map((word) => ({ word, weight: 'D' })),
  ]
  const vector = lexemes.map(({ word, weight }, index) => `${word}:${Math.min(index + 1, MAX_POSITION)}${weight}`)
  return { vector: vector.join(' '), title: [...title, ...topics].join(' '), body: body.join(' ') }
}

export interface SearchQuery {
  /** The text of a tsquery: every word asked for must begin a word of what is found. */
  readonly prefixes: string
  /** The same words for the database to stem. */
  readonly words: string
  /** How many they are. */
  readonly count: number
  /** The same as `prefixes`, where all of them stand in the title, … */
  readonly inTitle: string
  /** … in title or topics. */
  readonly inTopics: string
  /** In title or topics too, as words for the database to stem. */
  readonly stemsInTopics: string
}

/** What a stranger typed, as a query that cannot fail; undefined when there is no word in it. */
export function searchQuery(text: string): SearchQuery | undefined {
  const words = [...new Set(wordsOf(text))].slice(0, MAX_QUERY_WORDS)
  if (words.length === 0) return undefined
  const each = (write: (word: string, prefix: string) => string) =>
    words.map((word) => write(word, word.length < MIN_PREFIX_CHARS ? '' : '*')).join(' & ')
  return {
    prefixes: each((word, prefix) => (prefix === '' ? word : `${word}:${prefix}`)),
    words: words.join(' '),
    count: words.length,
    inTitle: each((word, prefix) => `${word}:${prefix}A`),
    inTopics: each((word, prefix) => `${word}:${prefix}AB`),
    stemsInTopics: each((word) => `${word}:AB`),
  }
}

/** Texts that are one to a reader compare alike. A NUL may come in a query string, but the database cannot hold it. */
export function keyOf(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase().replaceAll('\0', '\ufffd')
}

function tailsOf(word: string): string[] {
  const chars = [...word]
  const tails: string[] = []
  // Scripts without spaces (日本語) write whole phrases as one word: there two characters are enough to ask for.
  const shortest = ASCII.test(word) ? MIN_SUFFIX_CHARS : MIN_PREFIX_CHARS
  for (let start = 1; start <= chars.length - shortest; start++) tails.push(chars.slice(start).join(''))
  return tails
}

function cut(word: string): string {
  return word.length > MAX_WORD_CHARS ? [...word].slice(0, MAX_WORD_CHARS).join('') : word
}
