#!/usr/bin/env node
// Plain JavaScript in CommonJS on purpose: an old Node can still read it, and says so instead of crashing in a native module.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `sluice-pool needs Node 24 or newer, this is ${process.versions.node}: install Node 24 LTS, or start it with "npx sluice-pool" in the checkout, which brings its own.`,
  )
  process.exitCode = 2
} else {
  void import('./receiver/cli.ts').then((cli) => cli.main(process.argv))
}
