// A client: node client.mjs ws://HOST:PORT/ [MESSAGE]
//
// It sends the message and prints the first that comes back. Without one it sends
// each line of standard input, prints whatever comes, and closes at the end of
// the input.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Core } from './core.mjs'
import { Kind, Opcode } from './page.mjs'
import { now, Socket } from './socket.mjs'

const { url, message } = argumentsOf(process.argv.slice(2))
const core = new Core(await Core.compile())
const chunks = [] // of the message that comes
let lines, end, answer

const talk = {
  events (socket, n) {
    for (const event of core.page.events.slice(0, n)) heard[event.kind]?.(socket, event)
  },
  drained () {
    lines?.resume()
  },
  closed (socket, error) {
    lines?.close()
    if (end?.code === 1000 || end?.code === 1005) return
    const why = error?.message ?? `the server closed with ${end.code} ${end.reason}`
    console.error(`client: ${why}${answer ? `: ${answer.status} ${answer.reason}` : ''}`)
    process.exitCode = 1
  }
}

const heard = {
  [Kind.open] (socket) {
    if (message !== undefined) {
      socket.send(message)
      return
    }
    lines = createInterface({ input: process.stdin })
    lines.on('line', line => {
      if (!socket.open) return
      socket.send(line)
      if (socket.full) lines.pause()
    })
    lines.on('close', () => socket.close(1000))
  },
  [Kind.message] (socket, event) {
    chunks.push(Buffer.from(event.data))
    if (!event.last) return
    const whole = Buffer.concat(chunks.splice(0))
    console.log(event.opcode === Opcode.text ? whole.toString() : `${whole.length} bytes: ${whole.toString('hex')}`)
    if (message !== undefined) socket.close(1000)
  },
  [Kind.close] (_, event) {
    end = { code: event.code, reason: event.data.toString() }
  },
  [Kind.failed] (socket) {
    answer = socket.response
  }
}

const transport = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || 80, allowHalfOpen: true })
const connection = core.client(core.settings(), now(), { host: url.host, target: url.pathname + url.search })
new Socket(transport, core, connection, talk)

function argumentsOf (args) {
  try {
    const { positionals: [url, message, ...more] } = parseArgs({ args, allowPositionals: true })
    if (url === undefined || more.length > 0) throw new Error('usage: node client.mjs ws://HOST:PORT/ [MESSAGE]')
    if (!URL.canParse(url) || new URL(url).protocol !== 'ws:') throw new Error(`${url} is not a ws URL`)
    return { url: new URL(url), message }
  } catch (error) {
    console.error(`client: ${error.message}`)
    process.exit(2)
  }
}
