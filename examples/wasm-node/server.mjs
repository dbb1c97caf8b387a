// An echo server: node server.mjs [--port N] [--connection-timeout SECONDS] [--deflate]
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { Core, CoreError } from './core.mjs'
import { Kind } from './page.mjs'
import { now, Socket } from './socket.mjs'

const MUCH = 1 << 20 // bytes of garbage that are worth a collection
const sockets = new Set()
const { port, connectionTimeout, deflate } = optionsOf(process.argv.slice(2))
const module = await Core.compile()
let core, settings
renew()

// renew makes an instance. If one is lost, so are the connections in it.
function renew (why) {
  if (why) console.error(`server: ${why.message}`)
  core = new Core(module)
  settings = core.settings({ pings: 1, pingInterval: connectionTimeout / 4, connectionTimeout, deflate })
  for (const socket of sockets) socket.abort()
}

const echo = {
  events (socket, n) {
    if (socket.core.page.events[0].kind === Kind.request) answer(socket)
    else if (socket.open) socket.echo(n)
  },
  closed (socket, error) {
    sockets.delete(socket)
    if (core.lost) renew(error)
  }
}

// answer accepts every path, but no page of another site.
function answer (socket) {
  const { host, origin } = Object.fromEntries(socket.request.header.map(([name, value]) => [name.toLowerCase(), value]))
  if (origin === undefined || isOf(origin, host)) socket.accept()
  else socket.reject({ status: 403, body: 'Pages of other sites may not connect.\n' })
}

function isOf (origin, host) {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}

// refused deals with a call that was refused.
function refused (error) {
  if (!(error instanceof CoreError)) throw error
  if (core.lost) renew(error)
  else console.error(`server: ${error.message}`)
}

const server = createServer({ allowHalfOpen: true }, transport => {
  try {
    sockets.add(new Socket(transport, core, core.server(settings, now()), echo))
  } catch (error) {
    transport.destroy()
    refused(error)
  }
})

server.on('error', error => {
  console.error(`server: ${error.message}`)
  process.exitCode = 1
})
server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))

setInterval(tidy, 1000).unref()

// tidy collects the module's garbage. Node does nothing else meanwhile; it takes
// a few milliseconds.
function tidy () {
  try {
    if (core.page.garbage > MUCH) core.maintain()
  } catch (error) {
    refused(error)
  }
}

// The process ends with its last connection; a second signal ends it at once.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)

function stop () {
  server.close()
  for (const socket of sockets) socket.close(1001, 'the server is going away')
}

function optionsOf (args) {
  const options = {
    port: { type: 'string', default: '8080' },
    'connection-timeout': { type: 'string', default: '58' },
    deflate: { type: 'boolean', default: false }
  }
  try {
    const { values } = parseArgs({ args, options })
    const connectionTimeout = 1000 * number(values, 'connection-timeout', 86400)
    return { port: number(values, 'port', 65535), connectionTimeout, deflate: values.deflate }
  } catch (error) {
    console.error(`server: ${error.message}`)
    process.exit(2)
  }
}

function number (values, name, most) {
  if (/^\d+$/.test(values[name]) && Number(values[name]) <= most) return Number(values[name])
  throw new RangeError(`--${name} ${values[name]} is not a number from 0 to ${most}`)
}
