#!/usr/bin/env node
// Nothing is imported above this check: an older Node must not meet what it cannot run before it is told so.
const least = 24
if (Number(process.versions.node.split('.')[0]) < least) {
  process.stderr.write(`Tributary needs Node ${least} or newer; this is ${process.versions.node}. \`npm ci\` brings one: run it as \`npm start\` or \`npx tributary\`.\n`)
  process.exitCode = 2
} else {
  // A third of a start is spent on making the sources ready. Where this folder cannot be written, it is done each time.
  const { enableCompileCache } = await import('node:module')
  const { join } = await import('node:path')
  enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'compile'))
  const { runCommand } = await import('./commands/run.ts')
  const { environment, wantsColor } = await import('./config.ts')
  const terminal = {
    out: (text: string) => void process.stdout.write(`${text}\n`),
    err: (text: string) => void process.stderr.write(`${text}\n`),
    color: wantsColor(environment, process.stderr.isTTY),
    folder: process.cwd(),
    ...(process.stderr.isTTY && { progress: (line: string) => void process.stderr.write(`\r\u001b[K${line}`) }),
  }
  process.exitCode = await runCommand(process.argv.slice(2), terminal, environment, async () => (await import('./main.ts')).actions)
}
