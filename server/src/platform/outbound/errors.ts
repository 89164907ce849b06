import { defineRefusals } from '#kernel/refusal'

export const outboundRefusals = defineRefusals({
  url_not_allowed: [
    'invalid',
    'This URL cannot be called: {rule}.',
    'Give an https URL of a public host, without user name or password. (A sandbox also takes http and loopback.)',
  ],
  url_unreachable: [
    'unprocessable',
    'No connection to {host} could be made ({reason}); nothing was sent.',
    'Check the host name, its DNS records, the port and the certificate, then try again.',
  ],
  endpoint_broke_off: [
    'unprocessable',
    '{host} was reached but gave no complete HTTP answer ({reason}); it may have acted on the request.',
    'Make the endpoint answer every request with a complete HTTP response.',
  ],
  endpoint_too_slow: [
    'unprocessable',
    '{host} did not answer completely within {timeoutMs} ms; it may have acted on the request.',
    'Make the endpoint answer sooner, for example by accepting the work first and reporting the result later.',
  ],
  endpoint_answer_too_large: [
    'unprocessable',
    'The answer of {host} is larger than {maxResponseBytes} bytes and was cut off.',
    'Make the endpoint answer with less, for example with a link to the result.',
  ],
})
