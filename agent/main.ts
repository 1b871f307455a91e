#!/usr/bin/env node
// Plain JavaScript in CommonJS on purpose: an old Node can still read it, and says so instead of crashing in a native module.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `sluice needs Node 24 or newer, this is ${process.versions.node}: install Node 24 LTS, or start it with "npx sluice" or "npm run" in the checkout, which bring their own.`,
  )
  process.exitCode = 2
} else {
  // Keeps compiled code between starts, for the store's thread too: half the time to start, a third less memory.
  // Where the folder cannot be written nothing is kept.
  const path = require('node:path')
  process.env.NODE_COMPILE_CACHE ??= path.join(__dirname, '../node_modules/.cache/sluice')
  require('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE)
  void import('./cli/main.ts').then((cli) => cli.main(process.argv))
}
