// A connection in an instance: its functions of docs/wasm-abi.md, as methods.
// After each, core.page tells how the connection is and holds what was put out.
// now is a BigInt, in nanoseconds, of one clock.
import { MOST_EVENTS } from './page.mjs'
import { fields, Reader, string, u32 } from './records.mjs'

const TAKE_OUTPUT = 1
const EMPTY = Buffer.alloc(0)

export class Connection {
  #core
  #handle

  constructor (core, handle) {
    this.#core = core
    this.#handle = handle
  }

  #call (name, ...args) {
    return this.#core.call(name, this.#handle, ...args)
  }

  #pass (name, bytes, ...args) {
    return this.#call(name, ...args, this.#core.pass(bytes), bytes.length)
  }

  // receive takes input and calls handle after each step of it with the number
  // of events. It returns how much was taken: all, unless a request waits for
  // its answer; the rest is to be given again then.
  receive (now, input, handle) {
    const { page } = this.#core
    const address = this.#core.lend(input)
    let taken = 0
    let more = true
    while (more) {
      const n = this.#call('ws_recv', now, address + taken, input.length - taken, MOST_EVENTS, TAKE_OUTPUT)
      taken += page.taken
      more = page.more
      handle(n)
    }
    return taken
  }

  // These return how many events came of it, 0 or 1.
  eof (now) { return this.#call('ws_eof', now, TAKE_OUTPUT) }
  lost (now) { return this.#call('ws_lost', now) }
  tick (now) { return this.#call('ws_tick', now, TAKE_OUTPUT) }

  reading (now, on) { this.#call('ws_reading', now, Number(on)) }
  readAhead (now, on) { this.#call('ws_read_ahead', now, Number(on)) }
  wrote (now, n) { this.#call('ws_wrote', now, n) }
  output () { this.#call('ws_output') }

  send (opcode, flags, bytes) { this.#pass('ws_send', bytes, opcode, flags) }
  close (now, code, reason = '') { this.#pass('ws_close', Buffer.from(reason), now, code) }

  // sendRecords sends back the messages in the first n records. What came of one
  // call fits into one.
  sendRecords (n) { this.#call('ws_send_records', n) }

  // request and response return what the peer said, undefined if it did not.
  request () {
    if (this.#call('ws_request') === 0) return
    const r = new Reader(this.#core.page.output)
    return { method: r.string(), target: r.string(), protocol: r.string(), header: r.fields() }
  }

  response () {
    if (this.#call('ws_response') === 0) return
    const r = new Reader(this.#core.page.output)
    return { status: r.u32(), reason: r.string(), protocol: r.string(), subprotocol: r.string(), header: r.fields() }
  }

  accept (now, { subprotocol = '', header = [] } = {}) {
    this.#pass('ws_accept', Buffer.concat([string(subprotocol), fields(header)]), now)
  }

  reject (now, { status = 0, header = [], body = EMPTY } = {}) {
    this.#pass('ws_reject', Buffer.concat([u32(status), fields(header), string(body)]), now)
  }

  free () { this.#call('ws_free') }
}
