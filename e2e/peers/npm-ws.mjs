// The package ws of npm: node npm-ws.mjs client URL, or node npm-ws.mjs server.
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

const [role, url] = process.argv.slice(2)
if (role === 'client') {
  watch(new WebSocket(url))
  socket.on('open', () => emit('open'))
} else {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
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
