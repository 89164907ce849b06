/** One page of a list as JustPayAI counts them: pages from 1 (JP-52). */
export interface PageRequest {
  readonly page: number
  readonly limit: number
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}

export function offsetOf({ page, limit }: PageRequest): number {
  return (page - 1) * limit
}
