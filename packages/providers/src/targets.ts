import type { Target } from './provider.ts'

/** Each host and port once. */
export function distinctTargets(targets: Target[]): Target[] {
  const seen = new Map(targets.map((target) => [`${target.scheme} ${target.host} ${target.port}`, target]))
  return [...seen.values()]
}
