import { randomInt } from 'node:crypto'

export const LONG = process.env['SOUK_TEST_LONG'] === '1'

/** Where this run begins: the same one in every short run, a new one in every long run, or the one that is asked for. */
const FIRST_SEED = Number(process.env['SOUK_TEST_SEED'] ?? (LONG ? randomInt(1, 2 ** 31) : 20_260_209))

/** Seeds of the rounds of a test, to be shown in its title: `SOUK_TEST_SEED=<seed>` begins with that very round. */
export function seeds(short: number, long: number): number[] {
  return Array.from({ length: LONG ? long : short }, (_, round) => FIRST_SEED + round)
}

/** One seed for a test that has a length instead of rounds. */
export function seedOfRun(): number {
  return FIRST_SEED
}

/** Chance that can be repeated: the same seed, the same throws. */
export interface Dice {
  /** Both ends included. */
  int(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** A key, as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K
  /** Dice of their own for somebody who throws at the same time. */
  fork(): Dice
}

export function diceOf(seed: number): Dice {
  const next = mulberry32(seed)
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    int,
    chance: (probability) => next() < probability,
    pick: <T>(from: readonly T[]): T => {
      if (from.length === 0) throw new Error('nothing to pick from')
      return from[int(0, from.length - 1)] as T
    },
    weighted: (weights) => {
      const entries = Object.entries(weights) as [keyof typeof weights, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of entries) {
        left -= weight
        if (left < 0) return key
      }
      return entries[0]?.[0] as keyof typeof weights
    },
    fork: () => diceOf(int(1, 2 ** 31 - 1)),
  }
}

/** Small, fast and good enough for tests. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
