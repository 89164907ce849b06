import { describe, expect, it } from 'vitest'
import { decide, type Outcome, RETRY_SECONDS } from './delivery.ts'
import { outcomeOfAnswer, retryAfterSeconds } from './outcome.ts'

const NOW = new Date('2026-02-09T12:00:00.000Z')

function answer(status: number, headers: Record<string, string> = {}, body = ''): Outcome {
  return outcomeOfAnswer({ status, headers, body: Buffer.from(body), durationMs: 12 }, NOW)
}

describe('the law of a delivery', () => {
  it('JP-168 a failure waits 1, 4, 16, 64, 256 seconds, and the sixth is the last', () => {
    const waits = [0, 1, 2, 3, 4, 5].map((attempts) => decide(attempts, answer(500), NOW).dueAt)
    const seconds = waits.map((dueAt) => dueAt && (dueAt.getTime() - NOW.getTime()) / 1000)
    expect(seconds).toEqual([1, 4, 16, 64, 256, null])
    expect(RETRY_SECONDS).toHaveLength(5)
    expect(decide(5, answer(500), NOW).state).toBe('failed')
  })

  it.each([200, 201, 202, 204, 299])('D-25 %i is a delivery', (status) => {
    expect(decide(0, answer(status), NOW)).toEqual({ state: 'delivered', dueAt: null })
  })

  it.each([301, 302, 307, 308, 400, 401, 404, 429, 500, 503])('D-25 %i is a failure', (status) => {
    expect(decide(0, answer(status), NOW).state).toBe('pending')
  })

  it('D-25 410 ends the delivery at once', () => {
    expect(decide(0, answer(410), NOW)).toEqual({ state: 'disabled', dueAt: null })
  })

  it.each([429, 502, 503, 504])('D-25 %i with Retry-After waits at least that long', (status) => {
    const wait = (header: string, attempts: number) =>
      ((decide(attempts, answer(status, { 'retry-after': header }), NOW).dueAt?.getTime() ?? 0) - NOW.getTime()) / 1000
    expect(wait('30', 0)).toBe(30)
    expect(wait('30', 4)).toBe(256)
    expect(wait('999999999', 0)).toBe(3600)
  })

  it('D-25 Retry-After counts only where it means "slower"', () => {
    expect(answer(500, { 'retry-after': '30' }).retryAfterSeconds).toBe(0)
  })

  it('Retry-After is read as seconds or as a date, and nonsense is no wish', () => {
    expect(retryAfterSeconds('Mon, 09 Feb 2026 12:01:30 GMT', NOW)).toBe(90)
    expect(retryAfterSeconds('Mon, 09 Feb 2026 11:00:00 GMT', NOW)).toBe(0)
    expect(retryAfterSeconds('9'.repeat(400), NOW)).toBe(3600)
    for (const nonsense of [undefined, '', '-5', '1.5e', 'soon', 'NaN']) {
      expect(retryAfterSeconds(nonsense, NOW), nonsense).toBe(0)
    }
  })

  it('keeps at most 2 kB of an answer, without NUL', () => {
    expect(answer(200, {}, 'x'.repeat(5000)).response).toHaveLength(2000)
    expect(answer(200, {}, 'a\0b').response).toBe('a\uFFFDb')
    expect(Buffer.byteLength(answer(200, {}, 'ж'.repeat(5000)).response ?? '')).toBeLessThanOrEqual(2048)
  })
})
