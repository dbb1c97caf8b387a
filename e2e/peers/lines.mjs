// What every peer written in JavaScript shares: commands come in on stdin and
// events go out on stdout, one JSON object a line, their data in base64. At
// the end of stdin a peer exits, without a word to the other side.
import { createInterface } from 'node:readline'

export function emit (kind, fields = {}) {
  process.stdout.write(JSON.stringify({ kind, ...fields }) + '\n')
}

export function base64 (data) {
  return Buffer.from(data).toString('base64')
}

export function obey (actions) {
  const lines = createInterface({ input: process.stdin })
  lines.on('close', () => process.exit(0))
  lines.on('line', line => {
    const { do: action, data = '', code, reason } = JSON.parse(line)
    actions[action](Buffer.from(data, 'base64'), code, reason)
  })
}
