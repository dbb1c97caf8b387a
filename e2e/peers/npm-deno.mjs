// The WebSocket of Deno over HTTP/2, and nothing else:
// deno run npm-deno.mjs client URL [SUBPROTOCOL].
import process from 'node:process'
import { converse, obey } from './lines.mjs'

const [, url, ...protocols] = process.argv.slice(2)
const client = Deno.createHttpClient({ http1: false, http2: true })

const socket = new WebSocket(url, { protocols, client })
converse(socket)

obey({
  text: data => socket.send(data.toString()),
  binary: data => socket.send(data),
  close: (_, code, reason) => socket.close(code, reason)
})
