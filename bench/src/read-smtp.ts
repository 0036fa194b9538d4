const LINE_END = '\r\n'
const MESSAGE_END = '\r\n.\r\n'
const VERB_CHARS = 4

/**
 * Splits the bytes of an SMTP client, for every split on the way, and returns what is complete now: commands by their
 * first four letters, and each whole message as `message`. Assumes that DATA is answered by 354.
 */
export function createSmtpReader(): (chunk: Buffer) => string[] {
  let rest = ''
  let inMessage = false
  return (chunk) => {
    rest += chunk.toString('latin1')
    const said: string[] = []
    for (;;) {
      const mark = inMessage ? MESSAGE_END : LINE_END
      const end = rest.indexOf(mark)
      if (end === -1) return said
      const what = inMessage ? 'message' : rest.slice(0, VERB_CHARS).toUpperCase()
      said.push(what)
      rest = rest.slice(end + mark.length)
      inMessage = what === 'DATA'
    }
  }
}
