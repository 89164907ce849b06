const REDACTED = 'REDACTED'

/** Words that name a secret, wherever they stand in a parameter's name. */
const TELLING = /token|secret|passw|passphrase|pwd|credential|signature|authoriz|session|jwt|bearer|cookie|hmac|apikey/
/** Words that do so by themselves or at the end of another: `access_key`, `userkey`, but not `keyword`. */
const ENDING = /(key|keys|auth|pass|appid)$/
const WHOLE = new Set(['sig', 'pin', 'otp', 'sas', 'code', 'app_id', 'pat', 'sid'])
/** What looks like a secret under any name: long, without a blank, letters and digits mixed. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[\w.~+/=-]{24,}$/i
/** The same as a step of a path, where names and versions are long too, but have dashes or dots. */
const TOKEN_STEP = /^(?=.*\d)(?=.*[a-z])\w{24,}$/i

/**
 * A URL as anybody may see it: values of parameters that look like secrets are REDACTED (PA-26), user name and password
 * too, and steps of the path that can be nothing else; what follows a `#` is left out. The rest stays as it was written.
 */
export function redactedUrl(text: string): string {
  const [withoutFragment = ''] = text.split('#', 1)
  const cut = withoutFragment.indexOf('?')
  const place = cut < 0 ? withoutFragment : withoutFragment.slice(0, cut)
  const shown = place
    .replace(/^([a-z][\w+.-]*:\/*)[^/]*@/i, `$1${REDACTED}@`)
    .split('/')
    .map((step) => (TOKEN_STEP.test(decoded(step)) ? REDACTED : step))
    .join('/')
  if (cut < 0) return shown
  const parts = withoutFragment.slice(cut + 1).split(/([&;])/)
  return `${shown}?${parts.map(redactedPart).join('')}`
}

function redactedPart(part: string): string {
  const equals = part.indexOf('=')
  if (equals < 0) return TOKEN.test(decoded(part)) ? REDACTED : part
  const [name, value] = [part.slice(0, equals), part.slice(equals + 1)]
  return value !== '' && (isTelling(decoded(name)) || TOKEN.test(decoded(value))) ? `${name}=${REDACTED}` : part
}

/** `X-Amz-Signature`, `accessToken` and `api_key` alike; brackets as in `auth[key]` are words of the name too. */
function isTelling(name: string): boolean {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '')
  const joined = words.join('')
  return (
    TELLING.test(joined) ||
    WHOLE.has(words.join('_')) ||
    words.some((word) => WHOLE.has(word) || word === 'authorisation' || ENDING.test(word))
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
