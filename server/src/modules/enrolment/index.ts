export {
  type Enrolled,
  type Enrolment,
  type EnrolmentChecks,
  type EnrolmentDeps,
  type EnrolmentRequest,
  type EnrolmentTerms,
  prepareEnrolment,
  registerAgent,
} from './enrol.ts'
