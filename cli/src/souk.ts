#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { run } from './run.ts'

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  input: () => text(process.stdin),
  out: (line) => console.log(line),
  err: (line) => console.error(line),
})
