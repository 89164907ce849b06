/**
 * Where signed payments are kept before they are sent, as texts under keys. The texts hold what was bought and a payment
 * anybody may send, so keep them as you keep a session.
 */
export interface PurchaseStore {
  /** Null where there is nothing. Throws when it cannot tell: what is unreadable must not pass for absent. */
  read(key: string): Promise<string | null>
  /**
   * Puts `to` in the place of `from` (null: in an empty place) if that is what stands there, lastingly before it answers, and
   * says whether it did. Of two that are after the same place one at most succeeds.
   */
  swap(key: string, change: { readonly from: string | null; readonly to: string }): Promise<boolean>
}

/** Forgets when the process ends: for tests, and for who would rather pay twice than keep anything. */
export function memoryStore(): PurchaseStore {
  const texts = new Map<string, string>()
  return {
    read: async (key) => texts.get(key) ?? null,
    swap: async (key, { from, to }) => {
      if ((texts.get(key) ?? null) !== from) return false
      texts.set(key, to)
      return true
    },
  }
}

/** As much of `localStorage` as is needed. */
export interface TextStorage {
  getItem(key: string): string | null
  setItem(key: string, text: string): void
}

interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>
}

export interface WebStoreOptions {
  /** `localStorage` unless said. */
  readonly storage?: TextStorage
  readonly prefix?: string
  /** `navigator.locks` where there is such a thing: without it two tabs could take one place. */
  readonly locks?: Locks
}

/** For browsers: outlives the page. */
export function webStore(options: WebStoreOptions = {}): PurchaseStore {
  const scope = globalThis as { localStorage?: TextStorage; navigator?: { locks?: Locks } }
  const { storage = scope.localStorage, prefix = 'souk-purchase:', locks = scope.navigator?.locks } = options
  if (!storage) throw new TypeError('there is no localStorage here: name a storage, or take another store')
  const swapNow = (name: string, { from, to }: { from: string | null; to: string }) => {
    if (storage.getItem(name) !== from) return false
    storage.setItem(name, to)
    return true
  }
  return {
    read: async (key) => storage.getItem(prefix + key),
    swap: async (key, change) => {
      const work = async () => swapNow(prefix + key, change)
      return locks ? locks.request(prefix + key, work) : work()
    },
  }
}
