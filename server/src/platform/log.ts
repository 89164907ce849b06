import { type Logger, pino } from 'pino'

/** Structured logs on stdout. Whatever could hold a secret is cut out wherever it stands. */
export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'req.headers.authorization',
        'req.headers["x-api-key"]',
        'req.headers.cookie',
        '*.apiKey',
        '*.secretKey',
        '*.password',
        '*.webhookSecret',
        'apiKey',
        'secretKey',
        'password',
        'webhookSecret',
      ],
      censor: '[secret]',
    },
    serializers: { req: ({ id, method, url }) => ({ id, method, path: plainPath(String(url)) }) },
  })
}

/** The path without its query; what is as long as a secret in it is one. */
export function plainPath(url: string): string {
  const [path = ''] = url.split('?', 1)
  return path.replace(/[\w-]{40,}/g, '[secret]')
}
