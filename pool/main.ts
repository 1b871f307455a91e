#!/usr/bin/env node
// Plain JavaScript in CommonJS on purpose: an old Node can still read it, and says so instead of crashing in a native module.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `sluice-pool needs Node 24 or newer, this is ${process.versions.node}: install Node 24 LTS, or start it with "npx sluice-pool" in the checkout, which brings its own.`,
  )
  process.exitCode = 2
} else {
  // Keeps compiled code between starts, which halves the time to start. Where the folder cannot be written nothing is kept.
  const path = require('node:path')
  process.env.NODE_COMPILE_CACHE ??= path.join(__dirname, '../node_modules/.cache/sluice')
  require('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE)
  void import('./receiver/cli.ts').then((cli) => cli.main(process.argv))
}
