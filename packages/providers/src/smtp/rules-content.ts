import type { SmtpRule } from './rule.ts'

/** Replies about the content. Final for all connections: another one would only spread it. */
export const contentRules: readonly SmtpRule[] = [
  { enhanced: /^5\.(3\.4|2\.3)$/, is: 'message-too-large' },
  {
    enhanced: /^(?!5\.2\.2$)/,
    text: /\b(message|mail|e-?mail|attachment|data|content)\b.{0,60}\b(too (large|big|long)|exceed\w*\b.{0,40}\b(size|limit|maximum|length)|larger than)\b|\bmax(imum)? (allowed )?(message |mail )?size\b|\bexceed\w* (\w+ ){0,3}(mailsize|mail size|message size|size limit)\b/,
    is: 'message-too-large',
  },
  {
    text: /\b(spam|junk ?mail|unsolicited|virus|virus-?infected|malware|phish\w*|infected|trojan|eicar)\b/,
    is: 'message-refused',
  },
  {
    text: /\b(content|body|attachment|file|extension|executable)s?\b.{0,40}\b(reject|denied|block|refus|filter|prohibited|forbidden|not (allowed|permitted)|malicious|suspicious)\w*|\b(reject|block|den|refus)\w+\b.{0,30}\b(content|attachment|filter)\b|\b(message|mail)\b.{0,60}\b(security (issue|risk)|violat\w+|local policy|undesirable)\b|\bpotential security issue\b/,
    is: 'message-refused',
  },
  {
    text: /\brfc ?-?(822|2822|5322|2045|2047)\b|\bline (is )?(too long|length)\b|\b(bare|lone) (cr|lf|<)|\b(missing|invalid|duplicate|multiple|malformed|bad|required) (rfc\d* )?(date|from|headers?|subject|message-id|mime)\b|\bheaders?\b.{0,30}\b(missing|invalid|malformed|too (large|long|big|many))\b|\b8.?bit\b|\bmalformed\b|\bsubject is mandatory\b|\bmail loop\b|\btoo many hops\b|\brouting loop\b/,
    is: 'message-refused',
  },
  { enhanced: /^5\.6\.\d+$/, is: 'message-refused' },
  { enhanced: /^5\.(4\.6|4\.14)$/, is: 'message-refused' },
  {
    code: /^(523|552)/,
    enhanced: /^5\.3\.4$|^$/,
    text: /^(?!.*(mailbox|quota|storage|full))/,
    is: 'message-too-large',
  },
]
