export { type Conduct, NEUTRAL_CONDUCT, NEUTRAL_TRUST, provenScore, type Trust, trustOf } from './score.ts'
