export { type CheckedChanges, type CheckedService, checkChanges, checkService } from './check.ts'
export {
  advertisedServices,
  categories,
  type DiscoverFilters,
  discoverServices,
  type FoundService,
  type ListedService,
  type SortBy,
  servicesOf,
  standingsOf,
} from './discover.ts'
export { catalogRefusals } from './errors.ts'
export { deactivateService, listService, ownedService, serviceById, servicesById, updateService } from './listing.ts'
export {
  type JsonSchema,
  LIMITS as serviceLimits,
  type Service,
  type ServiceCard,
  type ServiceChanges,
  type ServiceDraft,
  type ServiceStanding,
} from './service.ts'
export { catalogStats, noteTrust } from './stats.ts'
