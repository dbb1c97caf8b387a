// A Socket marries a connection with a socket of net. The connection says what
// is to be done; this does it: reads, writes, waits, holds back, closes.
import { CoreError, SPAN } from './core.mjs'
import { Kind, Opcode, Transport } from './page.mjs'

const FIRST = 1, LAST = 2
const PIECE = 64 << 10 // bytes given to the transport at a time, so that progress shows
const MARK = 64 << 10 // bytes that may wait to be written before input is held back
const NEVER = 2n ** 63n - 1n
const LONGEST = 2 ** 31 - 1 // milliseconds that setTimeout can wait
const EMPTY = Buffer.alloc(0)

export const now = () => process.hrtime.bigint()

export class Socket {
  #core
  #connection
  #transport
  #app
  #kept = EMPTY // input behind a request that waits for its answer
  #pieces = [] // output that waits for the transport
  #put = 0 // bytes of output in all
  #given = 0 // of them, to the transport
  #written = 0 // of them, by the transport, as far as the core knows
  #deadline = NEVER
  #level = Transport.open
  #open = false
  #established = false
  #held = false // whether input is held back
  #choked = false // whether drained is owed to the app
  #settling = false
  #timer
  #due = NEVER // when the timer fires
  #error
  #gone = false

  // The transport is a net.Socket with allowHalfOpen. The app has
  //
  //   events(socket, n)      the first n of core.page.events have happened
  //   drained(socket)        optional: what was sent is written, or nearly so
  //   closed(socket, error)  the end; why, if it was not a closing handshake
  //
  // It looks at the events before it returns, and has taken a message then: a
  // close frame behind it is answered.
  constructor (transport, core, connection, app) {
    this.#core = core
    this.#connection = connection
    this.#transport = transport
    this.#app = app
    transport.setNoDelay(true)
    transport.on('data', chunk => this.#run(() => this.#receive(chunk)))
    transport.on('end', () => this.#run(() => this.#handle(connection.eof(now()))))
    transport.on('error', error => { this.#error ??= error })
    transport.on('close', () => this.#end())
    this.#run(() => {
      connection.readAhead(now(), true)
      this.#after()
    })
  }

  get core () { return this.#core }

  // open tells whether messages can be sent.
  get open () { return this.#open }

  // full tells that much waits to be written: drained will be called.
  get full () { return this.#put - this.#written > MARK }

  get request () { return this.#connection.request() }
  get response () { return this.#connection.response() }

  accept (options) {
    this.#connection.accept(now(), options)
    this.#answered()
  }

  reject (options) {
    this.#connection.reject(now(), options)
    this.#answered()
  }

  #answered () {
    this.#after()
    if (this.#kept.length > 0) this.#run(() => this.#receive(EMPTY))
  }

  // send sends a message: a string as text, bytes as binary; one that is longer
  // than a call takes in fragments.
  send (message) {
    const isText = typeof message === 'string'
    const opcode = isText ? Opcode.text : Opcode.binary
    const bytes = isText ? Buffer.from(message) : message
    let at = 0
    do {
      const end = Math.min(at + SPAN, bytes.length)
      const flags = (at === 0 ? FIRST : 0) | (end === bytes.length ? LAST : 0)
      this.#connection.send(opcode, flags, bytes.subarray(at, end))
      this.#after()
      at = end
    } while (at < bytes.length)
  }

  // echo sends back the messages among the first n events.
  echo (n) {
    const messages = this.#core.page.messages(n)
    if (messages === 0) return
    this.#connection.sendRecords(messages)
    this.#after()
  }

  // close begins the closing handshake; before the opening one is done there is
  // none, and behind one there is nothing left to do.
  close (code, reason) {
    if (this.#open) {
      this.#connection.close(now(), code, reason)
      this.#after()
    } else if (!this.#established) {
      this.#transport.destroy()
    }
  }

  // abort ends the connection at once, with a reset.
  abort () {
    const transport = this.#transport
    if (transport.connecting) transport.destroy()
    else transport.resetAndDestroy()
  }

  // #run does what an event asks for. A call that is refused then costs the
  // connection: the core has no memory for it, or is lost.
  #run (action) {
    try {
      action()
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      this.#error ??= error
      this.#transport.destroy()
    }
  }

  #receive (chunk) {
    let input = this.#kept.length > 0 ? Buffer.concat([this.#kept, chunk]) : chunk
    let taken = 1
    while (taken > 0 && input.length > 0) {
      taken = this.#connection.receive(now(), input.subarray(0, SPAN), this.#handle)
      input = input.subarray(taken)
    }
    this.#kept = input
  }

  // #handle ends a call of which n events came.
  #handle = n => {
    this.#after()
    if (n === 0) return
    const { kind } = this.#core.page.events[n - 1]
    if (kind === Kind.failed) this.#fail()
    this.#app.events(this, n)
    if (kind === Kind.close) {
      this.#connection.readAhead(now(), false)
      this.#after()
    }
  }

  #fail () {
    const { error } = this.#core.page
    this.#error ??= new CoreError(this.#core.errorText(error), error)
  }

  // #after follows every call: it takes the output, remembers how the connection
  // is, and sees to it that the rest is done when no more calls follow at once.
  #after () {
    const { page } = this.#core
    this.#take(page.output)
    if (page.pending > 0) {
      this.#connection.output()
      this.#take(page.output)
    }
    this.#deadline = page.deadline
    this.#level = page.transport
    this.#open = page.open
    this.#established ||= page.open
    if (this.#settling) return
    this.#settling = true
    process.nextTick(this.#settle)
  }

  #take (output) {
    this.#put += output.length
    for (let at = 0; at < output.length; at += PIECE) {
      this.#pieces.push(Buffer.from(output.subarray(at, at + PIECE)))
    }
    this.#choked ||= this.full
  }

  #settle = () => {
    if (this.#transport.destroyed) return
    this.#run(() => {
      this.#write()
      this.#settling = false
      this.#finish()
      this.#hold()
      this.#drain()
      this.#wait()
    })
  }

  // #write writes as long as the kernel takes everything at once.
  #write () {
    const transport = this.#transport
    while (this.#pieces.length > 0 && transport.writableLength === 0) {
      const piece = this.#piece()
      this.#given += piece.length
      transport.write(piece, this.#progress)
    }
    if (this.#given === this.#written) return
    const written = this.#given - transport.writableLength
    this.#connection.wrote(now(), written - this.#written)
    this.#written = written
    this.#after()
  }

  // #piece joins small pieces.
  #piece () {
    let n = 1
    let length = this.#pieces[0].length
    while (n < this.#pieces.length && length + this.#pieces[n].length <= PIECE) length += this.#pieces[n++].length
    const joined = this.#pieces.splice(0, n)
    return n === 1 ? joined[0] : Buffer.concat(joined, length)
  }

  #progress = error => {
    if (error || this.#settling || this.#written === this.#put) return
    this.#settling = true
    this.#settle()
  }

  // #finish does what is to become of the transport.
  #finish () {
    const transport = this.#transport
    if (this.#level === Transport.abort) {
      this.abort()
    } else if (this.#written < this.#put || this.#level === Transport.open) {
      return
    } else if (this.#level === Transport.close) {
      transport.destroy()
    } else if (!transport.writableEnded) {
      transport.end()
    }
  }

  // #hold holds input back while much output waits, or a request does. Once the
  // connection ends there is nothing to hold back: it waits for the end of file.
  #hold () {
    const held = this.#level === Transport.open && (this.full || this.#kept.length > 0)
    if (held === this.#held) return
    this.#held = held
    this.#connection.reading(now(), !held)
    this.#after()
    if (held) this.#transport.pause()
    else this.#transport.resume()
  }

  #drain () {
    if (!this.#choked || this.full) return
    this.#choked = false
    this.#app.drained?.(this)
  }

  // #wait sets the timer. One that would fire too early is left as it is: that
  // is cheaper than to move it with every message.
  #wait () {
    if (this.#deadline >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = this.#deadline
    const ms = Math.ceil(Number(this.#due - now()) / 1e6)
    this.#timer = setTimeout(this.#fire, Math.min(Math.max(ms, 1), LONGEST))
  }

  // Input that has come counts before the time does: Node looks at it between
  // timers and setImmediate.
  #fire = () => setImmediate(() => {
    if (this.#gone) return
    this.#due = NEVER
    this.#run(() => this.#handle(this.#connection.tick(now())))
  })

  #end () {
    this.#run(() => this.#handle(this.#connection.lost(now())))
    this.#gone = true
    clearTimeout(this.#timer)
    this.#run(() => this.#connection.free())
    this.#app.closed(this, this.#error)
  }
}
