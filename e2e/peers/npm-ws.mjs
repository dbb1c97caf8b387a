// The package ws of npm: node npm-ws.mjs client URL [DEFLATE], or node npm-ws.mjs server
// [DEFLATE], where the last are the parameters of permessage-deflate in JSON.
import WebSocket, { WebSocketServer } from 'ws'
import { base64, emit, obey } from './lines.mjs'

let socket

function watch (s) {
  socket = s
  s.on('message', (data, binary) => emit(binary ? 'binary' : 'text', { data: base64(data) }))
  s.on('ping', data => emit('ping', { data: base64(data) }))
  s.on('pong', data => emit('pong', { data: base64(data) }))
  s.on('close', (code, reason) => emit('close', { code, reason: reason.toString() }))
  s.on('error', err => console.error(err.message))
}

// compression makes options of parameters.
function compression (json) {
  if (!json) return {}
  const given = JSON.parse(json)
  return {
    perMessageDeflate: {
      threshold: 0,
      serverNoContextTakeover: given.server_no_context_takeover,
      clientNoContextTakeover: given.client_no_context_takeover,
      serverMaxWindowBits: given.server_max_window_bits,
      clientMaxWindowBits: given.client_max_window_bits ?? false
    }
  }
}

const role = process.argv[2]
if (role === 'client') {
  const [url, deflate] = process.argv.slice(3)
  watch(new WebSocket(url, compression(deflate)))
  socket.on('open', () => emit('open'))
} else {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...compression(process.argv[3]) })
  server.on('listening', () => emit('listening', { port: server.address().port }))
  server.on('connection', s => {
    watch(s)
    emit('open')
  })
}

obey({
  text: data => socket.send(data.toString()),
  binary: data => socket.send(data),
  ping: data => socket.ping(data),
  close: (_, code, reason) => socket.close(code, reason),
  drop: () => socket.terminate()
})
