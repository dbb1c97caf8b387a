// The WebSocket of undici, which is Node's own: node npm-undici.mjs client URL.
import { subscribe } from 'node:diagnostics_channel'
import { WebSocket, ping } from 'undici'
import { base64, emit, obey } from './lines.mjs'

const socket = new WebSocket(process.argv[3])
socket.binaryType = 'arraybuffer'
socket.addEventListener('open', () => emit('open'))
socket.addEventListener('error', event => console.error(event.message))
socket.addEventListener('close', ({ code, reason }) => emit('close', { code, reason }))
socket.addEventListener('message', ({ data }) => {
  emit(typeof data === 'string' ? 'text' : 'binary', { data: base64(data) })
})
subscribe('undici:websocket:ping', ({ payload }) => emit('ping', { data: base64(payload ?? '') }))
subscribe('undici:websocket:pong', ({ payload }) => emit('pong', { data: base64(payload ?? '') }))

obey({
  text: data => socket.send(data.toString()),
  binary: data => socket.send(data),
  ping: data => ping(socket, data),
  close: (_, code, reason) => socket.close(code, reason)
})
