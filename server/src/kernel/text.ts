/** A `<` that a browser would read as the beginning of a tag, a comment or a declaration, up to its `>`. */
const TAG = /(?<!<)<+[a-z/!?][^>]*>/gi
/** The same where no `>` follows any more: only the sign itself goes, the words stay. */
const OPEN_END = /(?<!<)<+(?=[a-z/!?])/gi

/**
 * Strangers' text without HTML tags, in Unicode's composed form (JP-174). Text between tags stays, and so does a `<`
 * that opens no tag (`1 < 2`). Nothing is refused; stripping again changes nothing.
 */
export function stripHtml(text: string): string {
  // Up to the last `>` every tag surely ends, so that neither pattern ever scans the same text twice.
  const end = text.lastIndexOf('>') + 1
  return (text.slice(0, end).replace(TAG, '') + text.slice(end).replace(OPEN_END, '')).normalize('NFC')
}
