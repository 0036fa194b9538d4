const CR = 0x0d
const LF = 0x0a

/** Looks for a CR without LF, or an LF without CR, in a mail that comes in pieces: servers on the way would see different lines in it. */
export function createBreakCheck(): { add(piece: Buffer): void; hasBareBreak(): boolean } {
  let last = 0
  let isFound = false
  return {
    add(piece) {
      if (isFound || piece.length === 0) return
      isFound = last === CR && piece[0] !== LF
      for (let at = piece.indexOf(LF); at >= 0 && !isFound; at = piece.indexOf(LF, at + 1)) {
        isFound = (at === 0 ? last : piece[at - 1]) !== CR
      }
      for (
        let at = piece.indexOf(CR);
        at >= 0 && at < piece.length - 1 && !isFound;
        at = piece.indexOf(CR, at + 1)
      ) {
        isFound = piece[at + 1] !== LF
      }
      last = piece.at(-1) ?? 0
    },
    hasBareBreak: () => isFound || last === CR,
  }
}
