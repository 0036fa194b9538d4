import type { LRUCache } from 'lru-cache'

/** What a cache has for this key, or reads it now. Callers at the same time share one reading, and one that fails is forgotten. */
export function readOnce<K extends string | number, V>(
  cache: LRUCache<K, Promise<V>>,
  key: K,
  read: () => Promise<V>,
): Promise<V> {
  const cached = cache.get(key)
  if (cached) return cached
  const reading = read()
  cache.set(key, reading)
  reading.catch(() => cache.delete(key))
  return reading
}
