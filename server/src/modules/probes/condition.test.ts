import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addSeconds } from '#kernel/time'
import {
  afterCall,
  afterProbe,
  type Condition,
  type Finding,
  healthOf,
  secondsToNextProbe,
  UNBLEMISHED,
} from './condition.ts'

const NOW = new Date('2026-11-22T12:00:00Z')
const well: Finding = { fault: null, reached: true }
const bad: Finding = { fault: 'it answered 500', reached: true }
const probed = (before: Condition, finding = bad) => afterProbe(before, finding, NOW)
const called = (before: Condition, finding = bad) => afterCall(before, finding, NOW)
const times = (n: number, change: (before: Condition) => Condition) =>
  Array.from({ length: n }).reduce<Condition>(change, UNBLEMISHED)

test('one failed probe degrades, three in a row are failing, and one that is answered makes it well', () => {
  const seen = [0, 1, 2, 3, 4].map((n) => healthOf(times(n, (before) => probed(before))).status)
  expect(seen).toEqual(['healthy', 'degraded', 'degraded', 'failing', 'failing'])
  expect(
    healthOf(
      probed(
        times(4, (before) => probed(before)),
        well,
      ),
    ),
  ).toEqual({ status: 'healthy', reason: null })
})

test('the reason says what was seen, and how often', () => {
  expect(healthOf(times(1, (before) => probed(before))).reason).toBe('a probe failed: it answered 500')
  expect(healthOf(times(3, (before) => probed(before))).reason).toBe('3 probes in a row failed: it answered 500')
  expect(healthOf(times(3, (before) => called(before))).reason).toBe('3 paid calls in a row failed: it answered 500')
})

test('paid calls never make an offer failing, however many fail', () => {
  fc.assert(
    fc.property(fc.nat(50), (n) => {
      const { status } = healthOf(times(n, (before) => called(before)))
      expect(status).toBe(n < 3 ? 'healthy' : 'degraded')
    }),
  )
})

test('failed calls are not outshone by a probe before a day has passed without another', () => {
  const failed = times(3, (before) => called(before))
  expect(healthOf(probed(failed, well)).status).toBe('degraded')
  expect(healthOf(afterProbe(failed, well, addSeconds(NOW, 86_399))).status).toBe('degraded')
  expect(afterProbe(failed, well, addSeconds(NOW, 86_400))).toEqual(UNBLEMISHED)
})

test('whatever has happened, an answered call heals', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), (deeds) => {
      const before = deeds.reduce(
        (condition, isProbe) => (isProbe ? probed(condition) : called(condition)),
        UNBLEMISHED,
      )
      expect(called(before, well)).toEqual(UNBLEMISHED)
    }),
  )
})

test('who is not well is looked at in 5, 10, 20 minutes, and never more seldom than who is', () => {
  const waits = [0, 1, 2, 3, 4, 100].map((probeFailures) =>
    secondsToNextProbe({ ...UNBLEMISHED, probeFailures }, 21_600),
  )
  expect(waits).toEqual([21_600, 300, 600, 1200, 2400, 21_600])
})
