export { signInRefusals } from './errors.ts'
export { createSignIn, type SignedIn, type SignIn, type SignInDeps, spendSignIn } from './sign-in.ts'
export { signInSweep } from './sweep.ts'
