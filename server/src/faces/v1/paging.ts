import { type Static, Type } from 'typebox'
import type { PageRequest } from '#kernel/page'

const MAX_PAGE = 10_000

/** `page` from 1, `limit` 20 unless said, at most 100 (JP-52, JP-152). */
export const PageQuery = Type.Object({
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
})

export const PaginationView = Type.Object({
  page: Type.Integer(),
  limit: Type.Integer(),
  total: Type.Integer(),
  totalPages: Type.Integer(),
})

export function pageOf({ page = 1, limit = 20 }: Static<typeof PageQuery>): PageRequest {
  return { page, limit }
}

export function paginationView({ page, limit }: PageRequest, total: number): Static<typeof PaginationView> {
  return { page, limit, total, totalPages: Math.ceil(total / limit) }
}
