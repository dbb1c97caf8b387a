// An instance of the core. docs/wasm-abi.md tells what each call means; here it
// becomes JavaScript: errors are thrown, memory may grow, and entropy is brought
// when it is lacking.
import { randomFillSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Connection } from './connection.mjs'
import { Memory, Page } from './page.mjs'
import { fields, list, string } from './records.mjs'
import { WASI } from './wasi.mjs'

const ABI = 1
const MODULE = new URL('../../wasm/core.wasm.gz', import.meta.url)

// SPAN is how many bytes a call takes at most. The buffer holds twice that: the
// input, which has to stay while its events are looked at, and what is sent
// meanwhile.
export const SPAN = 64 << 10

const LACKS_ENTROPY = 131
const SETTING = 133

// The settings record: where a setting lies and, for the wide ones, of how many
// the ABI's units one is. Durations are given in milliseconds.
const MS = 1_000_000
const NARROW = { pings: 4, maxHeadBytes: 80, maxHeadLines: 84 }
const WIDE = {
  pingInterval: [8, MS],
  pongTimeout: [16, MS],
  closeTimeout: [24, MS],
  connectionTimeout: [32, MS],
  handshakeTimeout: [40, MS],
  maxFrame: [48, 1],
  maxMessage: [56, 1],
  maxFragments: [64, 1],
  maxControlRate: [72, 1]
}

// What a record has besides if messages are compressed: where it begins, and two windows
// of 4 KiB, context takeover in both directions, level 1, from 64 bytes on.
const DEFLATE_AT = 88
const DEFLATE = [12, 12, 3, 1, 64, 0]

// A CoreError is a call that was refused, with the code of the ABI, or with code
// 0 because the instance is lost; or it tells why a connection failed.
export class CoreError extends Error {
  constructor (message, code, options) {
    super(message, options)
    this.name = 'CoreError'
    this.code = code
  }
}

export class Core {
  #exports
  #memory
  #buffer
  #trap

  // compile reads the module. Any number of instances can be made of it.
  static async compile (url = MODULE) {
    return WebAssembly.compile(await promisify(gunzip)(await readFile(url)))
  }

  constructor (module) {
    const wasi = new WASI({ version: 'preview1' }) // no files, no environment
    const instance = new WebAssembly.Instance(module, wasi.getImportObject())
    wasi.initialize(instance)
    this.#exports = instance.exports
    this.#memory = new Memory(instance.exports.memory)
    const abi = this.call('ws_abi')
    if (abi !== ABI) throw new CoreError(`the module speaks version ${abi} of the ABI, this host version ${ABI}`, 0)
    this.page = new Page(this.#memory, this.call('ws_page'))
    this.#buffer = this.call('ws_buffer', 2 * SPAN)
  }

  // lost is true once a call has trapped. The instance and all its connections
  // are good for nothing then.
  get lost () {
    return this.#trap !== undefined
  }

  // call calls an export, and once more if it lacked entropy.
  call (name, ...args) {
    let result = this.#try(name, args)
    if (Number(result) === -LACKS_ENTROPY) {
      this.page.seed(randomFillSync)
      result = this.#try(name, args)
    }
    if (result < 0) throw this.#refused(name, -Number(result))
    return result
  }

  #try (name, args) {
    if (this.lost) throw new CoreError('the instance is lost', 0, { cause: this.#trap })
    try {
      return this.#exports[name](...args)
    } catch (trap) {
      this.#trap = trap
      throw new CoreError(`${name} trapped: the instance is lost`, 0, { cause: trap })
    }
  }

  #refused (name, code) {
    const which = code === SETTING ? `: ${this.page.output}` : ''
    return new CoreError(`${name}: ${this.errorText(code)}${which}`, code)
  }

  errorText (code) {
    this.call('ws_error_text', code)
    return this.page.output.toString()
  }

  // lend copies input into the buffer and returns its address.
  lend (input) {
    return this.#copy(input, this.#buffer)
  }

  // pass copies what goes with any other call into the buffer, beside the input.
  pass (bytes) {
    return this.#copy(bytes, this.#buffer + SPAN)
  }

  #copy (bytes, at) {
    if (bytes.length > SPAN) throw new RangeError(`${bytes.length} bytes for a call that takes ${SPAN}`)
    this.#memory.bytes.set(bytes, at)
    return at
  }

  // settings makes settings of the defaults and some changes. With deflate messages are
  // compressed if the peer agrees.
  settings ({ deflate = false, ...changes } = {}) {
    const at = this.pass([])
    let size = this.call('ws_defaults', at)
    if (deflate) {
      const { view } = this.#memory
      size = DEFLATE_AT + 4 * DEFLATE.length
      view.setUint32(at, size, true)
      DEFLATE.forEach((value, i) => view.setUint32(at + DEFLATE_AT + 4 * i, value, true))
    }
    for (const [name, value] of Object.entries(changes)) {
      if (name in NARROW) {
        this.#memory.view.setUint32(at + NARROW[name], value, true)
      } else if (name in WIDE) {
        const [offset, unit] = WIDE[name]
        this.#memory.view.setBigInt64(at + offset, BigInt(Math.round(value * unit)), true)
      } else {
        throw new TypeError(`there is no setting ${name}`)
      }
    }
    return this.call('ws_settings', at, size)
  }

  server (settings, now) {
    return new Connection(this, this.call('ws_server', settings, now))
  }

  client (settings, now, { host, target = '', subprotocols = [], header = [] }) {
    const record = Buffer.concat([string(host), string(target), list(subprotocols), fields(header)])
    return new Connection(this, this.call('ws_client', settings, now, this.pass(record), record.length))
  }

  // maintain collects garbage: call it when there is nothing else to do.
  maintain () {
    return this.call('ws_maintain')
  }
}
