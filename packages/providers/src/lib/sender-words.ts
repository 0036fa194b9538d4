/** Words of mail servers that refuse the sender of a mail, and say so as they would of a recipient: `Sender verify failed`, `no such user`. */
export const senderWords: readonly RegExp[] = [
  /\bsender\b.{0,20}\b(verif|callout)\w*.{0,12}\b(fail|unsuccessful|error|reject)|\bverification failed for\b|\bcould not verify sender\b/i,
  /\bsenders? ?(address|domain|e-?mail|identity)?:? ?(is |was |has been )?(rejected|refused|denied|blocked|unknown|invalid|forged|not (a )?\w+|unauthori[sz]ed|must|does not|do not)\b|\b(invalid|unauthori[sz]ed|fake|forged|unknown|unverified|bad|null|refused) (mail )?(sender|from|return.path)\b/i,
]
