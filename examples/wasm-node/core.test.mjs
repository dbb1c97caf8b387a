import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Core } from './core.mjs'
import { Kind, Opcode } from './page.mjs'

const module = await Core.compile()
const WHOLE = 3

// handshake joins a server and a client, here of one instance.
function handshake (core, changes) {
  const settings = core.settings(changes)
  const server = core.server(settings, 0n)
  const client = core.client(settings, 0n, { host: 'localhost', target: '/chat', subprotocols: ['one', 'two'] })
  let request, response
  client.output()
  deliver(core, server, event => {
    assert.equal(event.kind, Kind.request)
    request = server.request()
  })
  assert.deepEqual([request.method, request.target, new Map(request.header).get('Host')], ['GET', '/chat', 'localhost'])
  server.accept(0n, { subprotocol: 'two', header: [['X-Served-By', 'Zürich']] })
  server.output()
  deliver(core, client, event => {
    assert.equal(event.kind, Kind.open)
    response = client.response()
  })
  assert.deepEqual([response.status, response.subprotocol], [101, 'two'])
  assert.equal(new Map(response.header).get('X-Served-By'), 'Z\xc3\xbcrich') // a character for each byte
  return { server, client }
}

// deliver gives what was just put out to a connection.
function deliver (core, connection, handle) {
  connection.receive(0n, Buffer.from(core.page.output), n => core.page.events.slice(0, n).forEach(handle))
}

test('both sides meet', () => handshake(new Core(module)))

test('messages are compressed', () => {
  const core = new Core(module)
  const { server, client } = handshake(core, { deflate: true })
  const text = 'hello, hello. '.repeat(1000)
  for (let i = 0; i < 100; i++) {
    client.send(Opcode.text, WHOLE, Buffer.from(text))
    assert.ok(core.page.output.length < 200, `${core.page.output.length} bytes for ${text.length}`)
    deliver(core, server, event => assert.equal(event.data.toString(), text))
    server.sendRecords(1)
    deliver(core, client, event => assert.equal(event.data.toString(), text))
  }
})

test('entropy is brought when it is lacking', () => {
  const core = new Core(module)
  const { server, client } = handshake(core)
  const masks = new Set()
  for (let i = 0; i < 2000; i++) {
    client.send(Opcode.binary, WHOLE, Buffer.from('hello'))
    masks.add(core.page.output.readUInt32LE(2))
    deliver(core, server, event => assert.equal(event.data.toString(), 'hello'))
  }
  assert.ok(masks.size > 1990, `${masks.size} masks`) // chance may repeat one
})

test('memory grows', () => {
  const core = new Core(module)
  const settings = core.settings()
  const all = Array.from({ length: 30_000 }, () => core.server(settings, 0n))
  handshake(core)
  assert.equal(core.page.connections, all.length + 2)
  all.forEach(connection => connection.free())
  assert.equal(core.page.connections, 2)
  core.maintain()
  assert.ok(core.page.garbage < 100_000, `${core.page.garbage} bytes of garbage`)
})

test('what is refused says why', () => {
  const core = new Core(module)
  assert.throws(() => core.settings({ maxMessage: -1 }), { code: 133, message: /MaxMessageSize is out of range/ })
  assert.throws(() => core.settings({ maxMesage: 1 }), /there is no setting maxMesage/)
  const { client } = handshake(core)
  assert.throws(() => client.close(0n, 1006), { code: 7, message: /^ws_close: the close code may not be sent/ })
  assert.throws(() => client.receive(0n, Buffer.alloc(65537), () => {}), RangeError)
  client.free()
  assert.throws(() => client.tick(0n), { code: 128 })
})

test('an instance is lost with the first call that throws', () => {
  const core = new Core(module)
  const { client } = handshake(core)
  assert.throws(() => core.call('ws_of_another_abi'), { code: 0 })
  assert.ok(core.lost)
  assert.throws(() => client.tick(0n), { code: 0, message: 'the instance is lost' })
  handshake(new Core(module))
})
