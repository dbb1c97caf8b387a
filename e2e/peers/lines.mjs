// What every peer written in JavaScript shares: commands come in on stdin and
// events go out on stdout, one JSON object a line, their data in base64. At
// the end of stdin a peer exits, without a word to the other side.
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { createInterface } from 'node:readline'

export function emit (kind, fields = {}) {
  process.stdout.write(JSON.stringify({ kind, ...fields }) + '\n')
}

export function base64 (data) {
  return Buffer.from(data).toString('base64')
}

// converse tells what happens to a WebSocket as browsers have it.
export function converse (socket) {
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => emit('open', { protocol: socket.protocol })
  socket.onerror = event => console.error(event.message)
  socket.onclose = ({ code, reason }) => emit('close', { code, reason })
  socket.onmessage = ({ data }) => emit(typeof data === 'string' ? 'text' : 'binary', { data: base64(data) })
}

export function obey (actions) {
  const lines = createInterface({ input: process.stdin })
  lines.on('close', () => process.exit(0))
  lines.on('line', line => {
    const { do: action, data = '', code, reason } = JSON.parse(line)
    actions[action](Buffer.from(data, 'base64'), code, reason)
  })
}
