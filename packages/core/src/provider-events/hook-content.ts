import { randomBytes } from 'node:crypto'
import { z } from 'zod'

/** URLs and secrets of before a rotation are good for this long: providers repeat an event for a day at most, and mostly for less. */
export const OLD_MS = 24 * 3_600_000
/** An ended URL is known for this much longer, to remove it at a provider that names webhooks by their URLs. */
const KNOWN_MS = 8 * 24 * 3_600_000
/** Kept of each: more rotations than that within a day are refused. */
export const OLD_MAX = 8

/** Null: without end. */
const until = z.iso.datetime().nullable()

const HookUrl = z.strictObject({
  /** As the provider was given it; some sign it. */
  url: z.string(),
  token: z.string(),
  /** For providers that sign nothing. */
  password: z.string(),
  until,
})
export type HookUrl = z.output<typeof HookUrl>

/** All that is secret of a hook. It is sealed as one value. */
export const HookContent = z.strictObject({
  /** The URL in use. */
  current: HookUrl.nullable(),
  /** The URL of a rotation that has not ended. */
  next: HookUrl.nullable(),
  old: z.array(HookUrl),
  /** What verifies signatures, as the provider gave it; the newest first. */
  secrets: z.array(z.strictObject({ value: z.json(), until })),
})
export type HookContent = z.output<typeof HookContent>

export const emptyContent: HookContent = { current: null, next: null, old: [], secrets: [] }

/** A URL that nobody can guess. `base` is all of it but the token. */
export function freshUrl(base: string): HookUrl {
  const token = randomBytes(24).toString('base64url')
  return { url: `${base}${token}`, token, password: randomBytes(24).toString('base64url'), until: null }
}

const isOpen = (one: { until: string | null }, now: number) =>
  one.until === null || Date.parse(one.until) > now
const ending = <T extends object>(one: T, now: number) => ({
  ...one,
  until: new Date(now + OLD_MS).toISOString(),
})

/** The URLs whose events are taken now. */
export function openUrls({ current, next, old }: HookContent, now: number): HookUrl[] {
  return [current, next, ...old].filter((one) => one !== null).filter((one) => isOpen(one, now))
}

/** The values that verify signatures now. */
export function openSecrets(
  { secrets }: { secrets: readonly { value: unknown; until: string | null }[] },
  now: number,
): unknown[] {
  return secrets.filter((one) => isOpen(one, now)).map(({ value }) => value)
}

/** Without what has ended, and without URLs that nobody will ask about. */
export function withoutEnded(content: HookContent, now: number): HookContent {
  return {
    ...content,
    old: content.old.filter((one) => isOpen(one, now - KNOWN_MS)),
    secrets: content.secrets.filter((one) => isOpen(one, now)),
  }
}

/** Adds what the provider will sign with. Earlier values stay good until the rotation that brought it has ended. */
export function withSecret(content: HookContent, value: z.output<ReturnType<typeof z.json>>): HookContent {
  const text = JSON.stringify(value)
  const others = content.secrets.filter((one) => JSON.stringify(one.value) !== text)
  return { ...content, secrets: [{ value, until: null }, ...others].slice(0, OLD_MAX) }
}

/** Ends a rotation: the next URL and the newest secret are those in use, the earlier ones end in a day. */
export function promoted(content: HookContent, now: number): HookContent {
  if (content.next === null) return content
  const [newest, ...others] = content.secrets
  const old = content.current === null ? content.old : [ending(content.current, now), ...content.old]
  return {
    current: content.next,
    next: null,
    old,
    secrets: [
      ...(newest ? [newest] : []),
      ...others.map((one) => (one.until === null ? ending(one, now) : one)),
    ],
  }
}

/** Ends everything in a day: events that the provider still repeats are taken until then. */
export function closed(content: HookContent, now: number): HookContent {
  const urls = [content.current, content.next].filter((one) => one !== null)
  return {
    current: null,
    next: null,
    old: [...urls.map((one) => ending(one, now)), ...content.old],
    secrets: content.secrets.map((one) => (one.until === null ? ending(one, now) : one)),
  }
}
