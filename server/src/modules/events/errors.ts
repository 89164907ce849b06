import { defineRefusals } from '#kernel/refusal'

export const eventRefusals = defineRefusals({
  event_unknown: [
    'missing',
    'You have no event with the id that was given to go on from; it may be older than 30 days',
    'Leave "after" (Last-Event-ID) out: the list then begins with your oldest event that is kept, the stream with the next one.',
  ],
  event_type_unknown: [
    'invalid',
    'There are no events of the type "{type}"',
    'Name one or more of these, with commas between: {types}.',
  ],
  too_many_streams: [
    'limited',
    'This key has {max} event streams open already',
    'Close one of them, let your programs share one, or use another key; GET /api/v1/events works without a stream.',
  ],
})
