/** A schema that is an object, as JSON.parse makes it. */
export type SchemaObject = Readonly<Record<string, unknown>>

/** Keywords whose value maps names to schemas. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])

/** Keywords whose value is data: a `$ref` or a `pattern` in there is only a word. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired', 'type', '$vocabulary'])

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Copies a schema, handing every schema object in it to `rewrite`, outer ones first, which returns the keywords to keep.
 * Objects under unknown keywords count as schemas, as a `$ref` may point there. Call it only on what `measure` has passed:
 * it recurses.
 */
export function rewriteSchema(schema: unknown, rewrite: (schema: SchemaObject, path: string) => SchemaObject): unknown {
  const copy = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => copy(item, `${path}/${index}`))
    if (!isObject(value)) return value
    return mapEntries(rewrite(value, path), (key, inner) => {
      const innerPath = `${path}/${escapeStep(key)}`
      if (DATA.has(key)) return inner
      if (MAPS.has(key) && isObject(inner)) {
        return mapEntries(inner, (name, item) => copy(item, `${innerPath}/${escapeStep(name)}`))
      }
      return copy(inner, innerPath)
    })
  }
  return copy(schema, '')
}

/** `fromEntries` defines its keys, so that `__proto__` is a key like any other. */
function mapEntries(source: SchemaObject, change: (key: string, value: unknown) => unknown): SchemaObject {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, change(key, value)]))
}

export function escapeStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Counts values (at most one beyond `limit`) and levels of nesting. Never recurses, so anything may be measured. */
export function measure(root: unknown, limit: number): { values: number; depth: number } {
  let values = 1
  let depth = 0
  let level = isContainer(root) ? [root] : []
  while (level.length > 0) {
    depth += 1
    const next: object[] = []
    for (const container of level) {
      for (const key in container) {
        values += 1
        if (values > limit) return { values, depth }
        const inner = (container as Record<string, unknown>)[key]
        if (isContainer(inner)) next.push(inner)
      }
    }
    level = next
  }
  return { values, depth }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
