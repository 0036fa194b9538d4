/**
 * How the value of a header field is written:
 * `text` is prose, encoded as a whole; `loose` is an unknown field, encoded only where it is not ASCII;
 * `phrases` are words between commas; `addresses`, `list-id`, `uris` and `message-ids` have parts in angle brackets;
 * `tokens` are words that programs compare, dates among them: ASCII, except for comments.
 */
export type HeaderGrammar =
  | 'text'
  | 'loose'
  | 'phrases'
  | 'addresses'
  | 'list-id'
  | 'uris'
  | 'message-ids'
  | 'tokens'

/**
 * Every field of https://www.iana.org/assignments/message-headers that a client may set, and fields in wide use that
 * are registered nowhere. The gateway itself writes the others.
 */
const fieldsOf: Readonly<Record<Exclude<HeaderGrammar, 'loose'>, string>> = {
  text: 'comments organization original-subject summary thread-topic x-organization',
  phrases: 'keywords x-keywords',
  addresses: `abuse-reports-to approved author disposition-notification-to errors-to followup-to mail-followup-to
    mail-reply-to mmhs-authorizing-users original-from originator-return-address return-receipt-to
    x-beenthere x-complaints-to x-confirm-reading-to x-envelope-from x-envelope-sender x-envelope-to
    x-errors-to x-forwarded-for x-forwarded-to x-mittente x-original-from x-original-sender x-rcpt-to x-reply-to
    x-report-abuse-to x-sender x-sender-address x-source-auth`,
  'list-id': 'list-id x-list-id',
  uris: `archived-at bimi-location feedback-url list-archive list-help list-owner list-post list-subscribe
    list-unsubscribe list-url x-archived-at x-csa-complaints x-list-archive x-list-help x-list-unsubscribe
    x-report-abuse x-unsubscribe-web`,
  'message-ids': `in-reply-to message-id-alias obsoletes original-message-id references supersedes
    x-message-id x-original-message-id x-references x-riferimento-message-id`,
  tokens: `accept-language alternate-recipient also-control archive article-names article-updates auto-submitted
    autoforwarded autosubmitted base bimi-selector body cancel-key cancel-lock control conversion
    conversion-with-loss date-received deferred-delivery delivery-date discarded-x400-ipms-extensions
    discarded-x400-mts-extensions disclose-recipients disposition-notification-options distribution
    dl-expansion-history ediint-features eesst-version encoding encrypted expires expiry-date feedback-id form-sub
    generate-delivery-report hp-outer importance incomplete-copy injection-date injection-info jabber-id language
    latest-delivery-time lines list-unsubscribe-post message-context message-type
    mmhs-acp127-message-identifier mmhs-codress-message-indicator mmhs-copy-precedence mmhs-exempted-address
    mmhs-extended-authorisation-info mmhs-handling-instructions mmhs-message-instructions mmhs-message-type
    mmhs-originator-plad mmhs-originator-reference mmhs-other-recipients-indicator-cc
    mmhs-other-recipients-indicator-to mmhs-primary-precedence mmhs-subject-indicator-codes mt-priority newsgroups
    nntp-posting-date nntp-posting-host original-encoded-information-types original-recipient path pics-label
    precedence prevent-nondelivery-report priority privicon reply-by require-recipient-valid-since sensitivity
    see-also sio-label sio-label-history solicitation thread-index tls-report-domain tls-report-submitter
    tls-required vbr-info x-auto-response-suppress x-face x-feedback-id x-msmail-priority x-pgp-sig x-precedence
    x-priority x-ricevuta x-spam-flag x-spam-level x-spam-score x-tiporicevuta x-trasporto x-verificasicurezza
    x400-content-identifier x400-content-return x400-content-type x400-mts-identifier x400-originator
    x400-received x400-recipients x400-trace xref`,
}

const grammarOfField: ReadonlyMap<string, HeaderGrammar> = new Map(
  grammars().flatMap((grammar) =>
    fieldsOf[grammar].split(/\s+/).map((field): [string, HeaderGrammar] => [field, grammar]),
  ),
)

/** The grammar of a field, for any case of its name. */
export function grammarOf(name: string): HeaderGrammar {
  return grammarOfField.get(name.toLowerCase()) ?? 'loose'
}

function grammars(): Exclude<HeaderGrammar, 'loose'>[] {
  return ['text', 'phrases', 'addresses', 'list-id', 'uris', 'message-ids', 'tokens']
}
