import { limits } from './limits.ts'
import { lineFault } from './text-rules.ts'

// Overrides and isolates make `gpj.exe` read as `exe.jpg`.
const bidiControls = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/

// Names of devices on Windows, with or without an extension.
const reservedWindowsName =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:$|\.)/i

/** Files that run when opened: what large mailbox providers refuse, so the mail would bounce anyway. */
export const executableExtensions: ReadonlySet<string> = new Set(
  `ade adp apk app appinstaller application appref-ms appx appxbundle bas bat cab chm cmd com cpl dll dmg ex_ exe
  gadget hlp hta inf ins iso isp jar jnlp js jse lib lnk mde mjs msc msh msh1 msh1xml msh2 msh2xml mshxml msi msix
  msixbundle msp mst nsh pif ps1 ps1xml ps2 ps2xml psc1 psc2 psm1 reg scf scr sct settingcontent-ms shb shs sys url
  vb vbe vbs vhd vhdx vxd wsc wsf wsh xll`.split(/\s+/),
)

/** What makes a file name unfit for an attachment, or undefined. */
export function filenameFault(filename: string): string | undefined {
  if (filename === '') return 'is empty'
  if (filename.length > limits.filenameLengthMax)
    return `is longer than ${limits.filenameLengthMax} characters`
  const line = lineFault(filename)
  if (line !== undefined) return line
  // Compatibility forms first: a full-width slash or dot reads as the real one.
  const plain = filename.normalize('NFKC')
  if (/[/\\:]/.test(plain)) return 'has a path separator'
  if (bidiControls.test(plain)) return 'has a character that changes the direction of writing'
  // Windows drops these, so `x.exe.` would be `x.exe` there; `.` and `..` end this way too.
  if (plain.startsWith(' ') || plain.endsWith(' ') || plain.endsWith('.'))
    return 'starts or ends with a space or dot'
  if (reservedWindowsName.test(plain)) return 'is a name that Windows keeps for devices'
  const extension = plain.slice(plain.lastIndexOf('.') + 1).toLowerCase()
  if (plain.includes('.') && executableExtensions.has(extension)) {
    return `has the extension .${extension}, which is not accepted because it can be run`
  }
  return undefined
}
