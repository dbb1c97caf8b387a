import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { Core } from './core.mjs'
import { Kind } from './page.mjs'
import { now, Socket } from './socket.mjs'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
const HELLO = Buffer.from('\x81\x85\0\0\0\0hello', 'latin1') // a text, with a mask of zeros
const CLOSE = Buffer.from('\x88\x80\0\0\0\0', 'latin1')

const module = await Core.compile()
const ends = [] // of the connections of a test
let listener

before(() => once(listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1'), 'listening'))
after(() => listener.close())
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy()
})

// accept makes a connection: a bare socket at one end, a Socket at the other.
async function accept (core, events = () => {}) {
  const peer = connect({ port: listener.address().port, host: '127.0.0.1', allowHalfOpen: true })
  const [[transport]] = await Promise.all([once(listener, 'connection'), once(peer, 'connect')])
  ends.push(peer, transport)
  const connection = core.server(core.settings(), now())
  const closed = new Promise(resolve => {
    new Socket(transport, core, connection, { events, closed: (_, error) => resolve(error) })
  })
  return { peer, closed }
}

// until reads what a peer gets until it ends with something.
async function until (peer, end) {
  let said = ''
  for await (const chunk of peer.iterator({ destroyOnReturn: false })) {
    said += chunk.toString('latin1')
    if (said.endsWith(end)) break
  }
  return said
}

test('a request is answered later, and nothing behind it is lost', async () => {
  const core = new Core(module)
  const { peer, closed } = await accept(core, (socket, n) => {
    if (core.page.events[0].kind !== Kind.request) socket.echo(n)
    else peer.write(HELLO, () => setImmediate(() => socket.accept()))
  })
  peer.write(Buffer.concat([Buffer.from(REQUEST), HELLO]))
  assert.match(await until(peer, '\x81\x05hello\x81\x05hello'), /^HTTP\/1.1 101 /)
  peer.end(CLOSE)
  assert.equal(await until(peer, '\x88\x00'), '\x88\x00')
  assert.equal(await closed, undefined)
  assert.equal(core.page.connections, 0)
})

test('a peer that is gone', async () => {
  const core = new Core(module)
  const { peer, closed } = await accept(core, () => peer.resetAndDestroy())
  peer.write(REQUEST)
  assert.equal((await closed).code, 'ECONNRESET')
  assert.equal(core.page.connections, 0)
})

test('an instance that is lost takes its connections along', async () => {
  const core = new Core(module)
  const { peer, closed } = await accept(core)
  assert.throws(() => core.call('ws_of_another_abi'))
  peer.on('error', () => {})
  peer.write(REQUEST)
  assert.match((await closed).message, /the instance is lost/)
})

test('an instance that is full', async () => {
  const core = new Core(module)
  core.call('ws_limits', 1, 1 << 20)
  const { peer, closed } = await accept(core)
  await assert.rejects(accept(core), { code: 132 })
  peer.destroy()
  assert.match((await closed).message, /ended during the handshake/)
  assert.equal(core.page.connections, 0)
})
