// The WebSocket of undici, which is Node's own: node npm-undici.mjs client URL, or
// node npm-undici.mjs --http2 client URL [SUBPROTOCOL], which takes any certificate.
import { subscribe } from 'node:diagnostics_channel'
import { Agent, WebSocket, ping } from 'undici'
import { base64, converse, emit, obey } from './lines.mjs'

const http2 = process.argv[2] === '--http2'
const [, url, ...protocols] = process.argv.slice(http2 ? 3 : 2)
const dispatcher = http2 ? new Agent({ allowH2: true, connect: { rejectUnauthorized: false } }) : undefined

const socket = new WebSocket(url, { protocols, dispatcher })
converse(socket)
subscribe('undici:websocket:ping', ({ payload }) => emit('ping', { data: base64(payload ?? '') }))
subscribe('undici:websocket:pong', ({ payload }) => emit('pong', { data: base64(payload ?? '') }))

obey({
  text: data => socket.send(data.toString()),
  binary: data => socket.send(data),
  ping: data => ping(socket, data),
  close: (_, code, reason) => socket.close(code, reason)
})
