import { randomInt } from 'node:crypto'

/** Of Crockford: no two look alike, and all are lower case. */
const SIGNS = '0123456789abcdefghjkmnpqrstvwxyz'

/** A text of random signs, five bits each unless others are given. */
export function randomText(chars: number, signs = SIGNS): string {
  return Array.from({ length: chars }, () => signs[randomInt(signs.length)]).join('')
}
