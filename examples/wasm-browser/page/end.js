// end: the host of one connection. It does what the module says, and keeps
// account of it.
import { CoreError, never, opcodes, first, last } from './host.js'
import { concat, hex, isBroken, text } from './bytes.js'
import { readState, differences } from './state.js'

export class End {
  constructor (role, world) {
    this.role = role
    this.world = world
    this.log = []
    this.history = [] // of phases
    this.input = new Uint8Array() // that the module has not taken yet
    this.output = [] // that the wire has not taken yet
    this.asleep = false
    this.closed = false // the transport, by us
    this.ended = false // our output
    this.wasOpen = false
    this.sending = false // a message, in fragments
    this.changes = new Set()
  }

  // start begins with the connection conn, whose output goes to out.
  start (conn, out) {
    this.conn = conn
    this.out = out
    this.#carryOut(conn.pending())
  }

  get phase () {
    const { open, error } = this.conn.status
    if (error) return 'failed'
    if (this.closed) return 'closed'
    if (open) return 'open'
    return this.wasOpen ? 'closing' : 'handshake'
  }

  get deadline () { return this.closed || this.asleep ? never : this.conn.status.deadline }

  receive (bytes) {
    if (this.closed) return
    const before = this.input.length + bytes.length
    const result = this.conn.recv(this.world.now, concat(this.input, bytes))
    this.input = result.rest
    this.#carryOut(result)
    if (this.input.length && this.input.length < before) this.receive(new Uint8Array())
  }

  receiveEnd () {
    if (!this.closed) this.#carryOut(this.conn.eof(this.world.now))
  }

  lose () {
    if (this.closed) return
    this.ended = true
    this.note('wire', 'the transport is broken')
    this.#carryOut(this.conn.lost(this.world.now))
  }

  tick () {
    this.note('timer', `the ${this.conn.status.timer} timer is due`)
    this.#carryOut(this.conn.tick(this.world.now))
  }

  // send sends a message, or a fragment of one that more will follow.
  send (opcode, payload, more) {
    const flags = (this.sending ? 0 : first) | (more ? 0 : last)
    this.#ask(() => {
      const result = this.conn.send(opcode, flags, payload)
      this.sending = more
      return result
    })
  }

  ping (payload) { this.#ask(() => this.conn.ping(payload)) }
  close (code, reason) { this.#ask(() => this.conn.close(this.world.now, code, reason)) }

  sleep (asleep) {
    this.asleep = asleep
    this.note('call', asleep ? 'falls asleep' : 'wakes')
  }

  // writable is told that the wire takes bytes again.
  writable () { this.#carryOut({ events: [], output: new Uint8Array() }) }

  note (kind, words, packet) { this.log.push({ at: this.world.now, kind, words, packet }) }

  // #ask makes a call that the module may refuse.
  #ask (call) {
    try {
      this.#carryOut(call())
    } catch (e) {
      if (!(e instanceof CoreError)) throw e
      this.note('refused', `refused: ${e.message}`)
    }
  }

  // #carryOut does what a call has brought about.
  #carryOut ({ events, output }) {
    if (output.length) this.output.push(output)
    for (const event of events) this.#hear(event)
    this.#write()
    this.#obeyTransport()
    this.#keepAccount()
  }

  #hear (event) {
    this.note(event.kind, describe(event, this))
    if (event.kind === 'open') this.wasOpen = true
    if (event.kind === 'request') this.#answer()
    if (event.kind === 'message' && this.world.setup.echo && this.role === 'server') this.#echo(event)
  }

  #answer () {
    const { answer } = this.world.setup
    if (answer === 'wait') return
    const { output } = answer === 'accept' ? this.conn.accept(this.world.now) : this.conn.reject(this.world.now, { body: 'not today\n' })
    this.output.push(output)
    this.wasOpen = this.conn.status.open
    this.note('call', answer === 'accept' ? 'accepts the request' : 'refuses the request')
  }

  #echo ({ opcode, flags, data }) {
    if (this.conn.status.open) this.#ask(() => this.conn.send(opcode, flags, data))
  }

  #write () {
    if (!this.output.length) return
    if (this.out.state === 'full') {
      this.conn.wrote(this.world.now, 0)
      return
    }
    const bytes = concat(...this.output)
    this.output = []
    for (const packet of this.world.put(this.out, bytes)) this.note('out', packet.label, packet)
    this.conn.wrote(this.world.now, bytes.length)
  }

  #obeyTransport () {
    const { transport } = this.conn.status
    if (transport === 'open' || this.closed) return
    if (transport === 'abort') {
      this.output = []
      if (!this.ended) this.world.putMark(this.out, 'reset')
      this.ended = this.closed = true
      return
    }
    if (this.output.length) return
    if (!this.ended) this.world.putMark(this.out, 'end')
    this.ended = true
    this.closed = transport === 'close'
  }

  #keepAccount () {
    const { deadline, timer } = this.conn.status
    if (deadline !== this.armed?.deadline || timer !== this.armed.timer) this.armed = { deadline, timer, since: this.world.now }
    const phase = this.phase
    if (phase !== this.history.at(-1)?.phase) this.history.push({ at: this.world.now, phase })
    const state = readState(this.conn.state(), this.conn.told)
    const changes = differences(this.state, state)
    if (changes.size) this.changes = changes
    this.state = state
  }
}

// describe tells an event in words.
function describe ({ kind, opcode, flags, code, data }, end) {
  switch (kind) {
    case 'request': {
      const { method, target } = end.conn.request()
      return `${method} ${target}`
    }
    case 'open':
      return 'the handshake is done'
    case 'message': {
      const part = { 0: ', in between', 1: ', begins', 2: ', ends', 3: '' }[flags]
      return `${opcode === opcodes.text ? quote(data) : hex(data)}${part}`
    }
    case 'ping': case 'pong':
      return data.length ? quote(data) : ''
    case 'close':
      return `${code}${data.length ? ` ${quote(data)}` : ''}`
    case 'failed':
      return `${end.world.errorText(end.conn.status.error)} (${code})`
  }
}

// quote shows a text, and the bytes of what is not one.
const quote = bytes => isBroken(bytes) ? hex(bytes) : `“${text(bytes)}”`
