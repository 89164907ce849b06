import { type Config, ConfigError } from '#platform/config/index'
import { DEFAULT_LIMITS, type LimitName, type Limits } from '#platform/http/limits'

/** The documented limits with the operator's changes; a name nobody knows is a fault. */
export function limitsOf({ limits }: Pick<Config, 'limits'>): Limits | 'off' {
  if (!limits.enabled) return 'off'
  const known = Object.keys(DEFAULT_LIMITS)
  const unknown = Object.keys(limits.overrides).filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new ConfigError([`SOUK_LIMITS names ${unknown.join(', ')}, but there are only ${known.join(', ')}`])
  }
  const changed = Object.entries(limits.overrides).map(
    ([name, { max, windowSeconds }]): [LimitName, Limits[LimitName]] => [
      name as LimitName,
      { requests: max, seconds: windowSeconds },
    ],
  )
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(changed) }
}
