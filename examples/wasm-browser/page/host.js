// host: the core as a WebAssembly module, used as docs/wasm-abi.md describes it.
import { concat, text } from './bytes.js'
import { clientRecord, acceptRecord, rejectRecord, readRequest, readResponse, readSettings, settingsRecord, settingsSize } from './records.js'

export const never = 2n ** 63n - 1n // of a deadline
export const first = 1, last = 2 // of a message: the flags of send and of events
export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 }

const version = 1
const page = { entropy: 64, events: 256, words: 1280, wordCount: 704 }
const takeOutput = 1
const mostEvents = 64
const lacking = 131 // entropy
const badSetting = 133

const timers = ['none', 'handshake', 'ping', 'pong', 'connection', 'write', 'close']
const transports = ['open', 'half-close', 'close', 'abort']
const kinds = ['', 'request', 'open', 'message', 'ping', 'pong', 'close', 'failed']

// load starts an instance. draw(n) brings n words of entropy, 32 bits each.
export async function load (url, draw) {
  const module = await WebAssembly.compileStreaming(fetch(url))
  let memory
  const instance = await WebAssembly.instantiate(module, shims(module, () => memory))
  memory = instance.exports.memory
  return new Core(instance.exports, draw)
}

// shims stand in for WASI: the module needs of it no more than that it is there.
function shims (module, memory) {
  const wasi = {}
  for (const { name } of WebAssembly.Module.imports(module)) wasi[name] = () => 0
  wasi.proc_exit = status => { throw new Error(`the module exited with ${status}`) }
  wasi.clock_time_get = (clock, precision, at) => {
    new DataView(memory().buffer).setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)), true)
    return 0
  }
  return { wasi_snapshot_preview1: wasi }
}

// CoreError is a call that was refused. It changed nothing.
export class CoreError extends Error {
  constructor (code, message) {
    super(message)
    this.code = code
  }
}

// Core is an instance: any number of connections, one memory.
export class Core {
  #exports
  #draw
  #page
  #buffer

  constructor (exports, draw) {
    this.#exports = exports
    this.#draw = draw
    exports._initialize()
    if (exports.ws_abi() !== version) throw new Error(`the module speaks version ${exports.ws_abi()} of the ABI, this host ${version}`)
    this.#page = exports.ws_page()
    this.#buffer = exports.ws_buffer(65536)
    this.refill()
  }

  // defaults returns the settings that ws_defaults writes.
  defaults () {
    this.call('ws_defaults', this.#buffer)
    return readSettings(this.#bytes(this.#buffer, settingsSize))
  }

  // settings returns a handle. What is not given is as by default.
  settings (given) {
    return this.call('ws_settings', ...this.put(settingsRecord({ ...this.defaults(), ...given })))
  }

  freeSettings (settings) { this.call('ws_settings_free', settings) }

  client (settings, now, request) {
    return new Connection(this, this.call('ws_client', settings, now, ...this.put(clientRecord(request))), now)
  }

  server (settings, now) {
    return new Connection(this, this.call('ws_server', settings, now), now)
  }

  errorText (code) {
    this.#exports.ws_error_text(code)
    return text(this.output())
  }

  maintain () { return this.call('ws_maintain') }

  // refill fills the page's words of entropy. Those that are left are dropped.
  refill () {
    const words = Uint32Array.from(this.#draw(page.wordCount))
    this.#bytes(this.#page + page.words, words.byteLength).set(new Uint8Array(words.buffer))
    const view = this.#pageView()
    view.setUint32(page.entropy, 0, true) // next
    view.setUint32(page.entropy + 4, page.wordCount, true) // end
  }

  // call calls an export, once more with fresh entropy if it lacked some, and
  // throws if it is refused.
  call (name, ...args) {
    let result = this.#exports[name](...args)
    if (Number(result) === -lacking) {
      this.refill()
      result = this.#exports[name](...args)
    }
    if (result >= 0) return result
    const code = -Number(result)
    throw new CoreError(code, code === badSetting ? text(this.output()) : this.errorText(code))
  }

  // put copies bytes into the buffer and returns where they are.
  put (bytes) {
    this.#buffer = this.call('ws_buffer', bytes.length)
    this.#bytes(this.#buffer, bytes.length).set(bytes)
    return [this.#buffer, bytes.length]
  }

  // output returns a copy of what the last call has put out.
  output () {
    const view = this.#pageView()
    return this.#bytes(view.getUint32(16, true), view.getUint32(20, true)).slice()
  }

  status () {
    const view = this.#pageView()
    const flags = view.getUint8(30)
    return {
      deadline: view.getBigInt64(0, true),
      taken: view.getUint32(8, true),
      pending: view.getUint32(24, true),
      timer: timers[view.getUint8(28)],
      transport: transports[view.getUint8(29)],
      open: (flags & 1) !== 0,
      more: (flags & 8) !== 0,
      error: view.getUint8(31)
    }
  }

  garbage () { return this.#pageView().getUint32(48, true) }

  // events returns the first n event records, with copies of their data.
  events (n) {
    const view = this.#pageView()
    return Array.from({ length: n }, (_, i) => {
      const at = page.events + 16 * i
      return {
        kind: kinds[view.getUint8(at)],
        opcode: view.getUint8(at + 1),
        flags: view.getUint8(at + 2),
        code: view.getUint16(at + 4, true),
        data: this.#bytes(view.getUint32(at + 8, true), view.getUint32(at + 12, true)).slice()
      }
    })
  }

  #bytes (address, length) { return new Uint8Array(this.#exports.memory.buffer, address, length) }
  #pageView () { return new DataView(this.#exports.memory.buffer, this.#page, 4096) }
}

// Connection is one end. Its methods return { events, output }: what happened,
// and the bytes that must reach the wire. status is that of the last call, and
// told the latest time that was told.
export class Connection {
  #core
  #handle

  constructor (core, handle, now) {
    this.#core = core
    this.#handle = handle
    this.told = now
    this.#call('ws_status')
  }

  // recv takes input. rest is what it did not take: it waits for an answer to
  // the request.
  recv (now, input) {
    const events = [], output = []
    let rest = input
    do {
      const n = this.#timed('ws_recv', now, ...this.#core.put(rest), mostEvents, takeOutput)
      events.push(...this.#core.events(n))
      output.push(this.#core.output())
      rest = rest.subarray(this.status.taken)
    } while (this.status.more)
    return { events, output: concat(...output), rest }
  }

  eof (now) { return this.#happened(this.#timed('ws_eof', now, takeOutput)) }
  tick (now) { return this.#happened(this.#timed('ws_tick', now, takeOutput)) }
  lost (now) { return this.#happened(this.#timed('ws_lost', now)) }

  accept (now, answer = {}) {
    this.#timed('ws_accept', now, ...this.#core.put(acceptRecord(answer)))
    return this.pending()
  }

  reject (now, answer = {}) {
    this.#timed('ws_reject', now, ...this.#core.put(rejectRecord(answer)))
    return this.pending()
  }

  send (opcode, flags, payload) { return this.#put('ws_send', opcode, flags, ...this.#core.put(payload)) }
  ping (payload) { return this.#put('ws_ping', ...this.#core.put(payload)) }

  close (now, code, reason) {
    this.#timed('ws_close', now, code, ...this.#core.put(reason))
    return this.#happened(0)
  }

  pending () { return this.#put('ws_output') }

  wrote (now, n) { this.#timed('ws_wrote', now, n) }

  request () { return readRequest(this.#read('ws_request')) }
  response () { return readResponse(this.#read('ws_response')) }
  state () { return text(this.#read('ws_state')) }
  free () { this.#core.call('ws_free', this.#handle) }

  #read (name) {
    this.#call(name)
    return this.#core.output()
  }

  #put (name, ...args) {
    this.#call(name, ...args)
    return this.#happened(0)
  }

  #happened (n) { return { events: this.#core.events(n), output: this.#core.output() } }

  #timed (name, now, ...args) {
    this.told = now
    return this.#call(name, now, ...args)
  }

  #call (name, ...args) {
    const result = this.#core.call(name, this.#handle, ...args)
    this.status = this.#core.status()
    return result
  }
}
