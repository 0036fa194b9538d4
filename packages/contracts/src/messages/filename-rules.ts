import { limits } from '../lib/field-limits.ts'
import { lineIssue } from '../lib/text-rules.ts'

// Overrides, embeddings and isolates make `gpj.exe` read as `exe.jpg`. The marks U+061C, U+200E and U+200F turn no
// letters around, and stand in names that Arabic and Hebrew systems make.
const bidiControls = /[\u202a-\u202e\u2066-\u2069]/

// Names of devices on Windows, with or without an extension; spaces before that do not count.
const reservedWindowsName =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) {0,255}(?:$|\.)/i

// A colon leads to a drive or to a hidden stream of a file, but for times of day: screenshots and recordings are named by them.
const timeOfDay = /(?<=[0-9]):(?=[0-5][0-9])/g

// They stand for a dot where somebody wants a program to look like one.
const dotLookalikes = /[\uff0e\ufe52\u2024]/g

/** Files that run when opened: what large mailbox providers refuse, so the mail would bounce anyway. */
export const executableExtensions: ReadonlySet<string> = new Set(
  `ade adp apk app appinstaller application appref-ms appx appxbundle bas bat cab chm cmd com cpl dll dmg ex_ exe
  gadget hlp hta inf ins iso isp jar jnlp js jse lib lnk mde mjs msc msh msh1 msh1xml msh2 msh2xml mshxml msi msix
  msixbundle msp mst nsh pif ps1 ps1xml ps2 ps2xml psc1 psc2 psm1 reg scf scr sct settingcontent-ms shb shs sys url
  vb vbe vbs vhd vhdx vxd wsc wsf wsh xll`.split(/\s+/),
)

/** What makes a file name unfit for an attachment, or undefined. */
export function filenameIssue(filename: string): string | undefined {
  if (filename === '') return 'is empty'
  if (filename.length > limits.filenameLengthMax)
    return `is longer than ${limits.filenameLengthMax} characters`
  const line = lineIssue(filename)
  if (line !== undefined) return line
  // Judged by what a disk makes of it: full-width forms are no separators on any system, and people write them instead.
  if (/[/\\:]/.test(filename.replace(timeOfDay, ''))) return 'has a path separator'
  if (bidiControls.test(filename)) return 'has a character that changes the direction of writing'
  // Windows drops these, so `x.exe.` would be `x.exe` there; `.` and `..` end this way too.
  if (filename.endsWith(' ') || filename.endsWith('.')) return 'ends with a space or dot'
  if (reservedWindowsName.test(filename)) return 'is a name that Windows keeps for devices'
  const extension = extensionOf(filename)
  if (extension !== undefined && executableExtensions.has(extension)) {
    return `has the extension .${extension}, which is not accepted because it can be run`
  }
  return undefined
}

/** As the reader sees it: in full-width letters, too. */
function extensionOf(filename: string): string | undefined {
  const plain = filename.replace(dotLookalikes, '.')
  const dot = plain.lastIndexOf('.')
  return dot < 0
    ? undefined
    : plain
        .slice(dot + 1)
        .normalize('NFKC')
        .toLowerCase()
}
