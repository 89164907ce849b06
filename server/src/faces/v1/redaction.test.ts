import { expect, test } from 'vitest'
import { redactedUrl } from './redaction.ts'

test.each([
  ...[
    'key',
    'api_key',
    'apiKey',
    'apikey',
    'APIKEY',
    'x-api-key',
    'subscription-key',
    'access_key',
    'userkey',
    'appid',
  ],
  ...['token', 'access_token', 'accessToken', 'X-Amz-Security-Token', 'secret', 'client_secret', 'password', 'passwd'],
  ...['pwd', 'pass', 'sig', 'signature', 'X-Amz-Signature', 'X-Amz-Credential', 'auth', 'authorization', 'auth[key]'],
  ...['session', 'sessionId', 'jwt', 'bearer', 'hmac', 'k%65y', 'code'],
])('PA-26 the value of the parameter %s is REDACTED', (name) => {
  expect(redactedUrl(`https://a.example/x?lang=en&${name}=v&page=2`)).toBe(
    `https://a.example/x?lang=en&${name}=REDACTED&page=2`,
  )
})

test.each(['q', 'lang', 'keyword', 'author', 'design', 'monitor', 'format', 'keyboard', 'assign', 'region'])(
  'PA-26 the parameter %s stays as it was written',
  (name) => {
    const url = `https://a.example/x%20y?${name}=a+b%2Fc`
    expect(redactedUrl(url)).toBe(url)
  },
)

test.each([
  ['https://a.example/?id=sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'https://a.example/?id=REDACTED'],
  ['https://a.example/?sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'https://a.example/?REDACTED'],
  ['https://a.example/?a=1;token=x;b=2', 'https://a.example/?a=1;token=REDACTED;b=2'],
  ['https://a.example/?token=a=b=c', 'https://a.example/?token=REDACTED'],
  ['https://a.example/?token=x&token=y', 'https://a.example/?token=REDACTED&token=REDACTED'],
  ['https://a.example/?token=%zz', 'https://a.example/?token=REDACTED'],
  ['https://user:hunter2@a.example/x', 'https://REDACTED@a.example/x'],
  ['https://user:p@ss@a.example:8443/x?y=1', 'https://REDACTED@a.example:8443/x?y=1'],
  ['https://a.example/hooks/T024BE7LD/XXpaaaaaaaaaaaaaaaaaaa42', 'https://a.example/hooks/T024BE7LD/REDACTED'],
  [
    'https://a.example/v1/models/gpt-4o-mini-2024-07-18-preview/x',
    'https://a.example/v1/models/gpt-4o-mini-2024-07-18-preview/x',
  ],
  ['https://a.example/x#access_token=abc', 'https://a.example/x'],
  ['https://a.example/@me?mail=a@b.example', 'https://a.example/@me?mail=a@b.example'],
])('PA-26 %s is shown as %s', (url, shown) => {
  expect(redactedUrl(url)).toBe(shown)
})
