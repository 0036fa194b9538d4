const CR = 0x0d
const LF = 0x0a

/** Byte by byte: a search for each line end costs a call of native code, nine times as much where lines are short. */
function hasBareBreak(piece: Buffer, byteBefore: number): boolean {
  const { length } = piece
  let before: number | undefined = byteBefore
  for (let at = 0; at < length; at++) {
    const byte = piece[at]
    if (byte === LF) {
      if (before !== CR) return true
    } else if (before === CR) return true
    before = byte
  }
  return false
}

/** Looks for a CR without LF, or an LF without CR, in a mail that comes in pieces: servers on the way would see different lines in it. */
export function createBreakCheck(): { add(piece: Buffer): void; hasBareBreak(): boolean } {
  let last = 0
  let isFound = false
  return {
    add(piece) {
      isFound ||= hasBareBreak(piece, last)
      last = piece.at(-1) ?? last
    },
    hasBareBreak: () => isFound || last === CR,
  }
}
