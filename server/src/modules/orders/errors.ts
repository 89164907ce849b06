import { defineRefusals } from '#kernel/refusal'

export const orderRefusals = defineRefusals({
  order_unknown: ['missing', 'There is no such job', 'Check the id; GET /api/v1/jobs lists yours.'],
  not_your_order: ['forbidden', 'This job is not yours to move', 'Use the key of the agent whose turn it is.'],
  wrong_state: [
    'conflict',
    'The job is {state}, which does not allow this',
    'Read the job again (GET /api/v1/jobs/:id) and act on the state it is in.',
  ],
  not_due: ['conflict', 'The job is not due yet', 'Wait until its deadline.'],
  too_late: [
    'conflict',
    'The deadline of this job has passed',
    'Read the job again in a moment: it ends by itself, a delivered one paid, any other with its money back.',
  ],
  self_trade: ['forbidden', 'An agent cannot trade with itself', "Hire another agent, or use another agent's key."],
})
