// The module's memory: where things lie in the page, and what the numbers there
// mean. See "Memory" in docs/wasm-abi.md.

export const Opcode = { text: 1, binary: 2 }
export const Kind = { request: 1, open: 2, message: 3, ping: 4, pong: 5, close: 6, failed: 7 }
export const Transport = { open: 0, halfClose: 1, close: 2, abort: 3 }

const Flag = { open: 1, more: 8 } // of the status
const First = 1, Last = 2 // of an event

const ENTROPY = 64, RECORDS = 256, WORDS = 1280, SIZE = 4096
const RECORD = 16
export const MOST_EVENTS = 64

export class Memory {
  #memory
  #bytes = Buffer.alloc(0)
  #view

  constructor (memory) {
    this.#memory = memory
  }

  // Memory that has grown is another ArrayBuffer, and leaves the views of the
  // old one without length.
  #renew () {
    if (this.#bytes.length > 0) return
    this.#bytes = Buffer.from(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
  }

  get bytes () {
    this.#renew()
    return this.#bytes
  }

  get view () {
    this.#renew()
    return this.#view
  }

  u32 (at) {
    return this.view.getUint32(at, true)
  }

  // slice is a view of a byte range, valid until the next call of the module.
  slice (at, length) {
    return this.bytes.subarray(at, at + length)
  }
}

// Page is the page of one instance. Its getters read the status record, which
// tells of the latest call and of the connection for which that was.
export class Page {
  #memory
  #at

  constructor (memory, at) {
    this.#memory = memory
    this.#at = at
    // Always the same objects: after a call that returned n the first n have
    // something to tell.
    this.events = Array.from({ length: MOST_EVENTS }, (_, i) => new Event(memory, at + RECORDS + i * RECORD))
  }

  get deadline () { return this.#memory.view.getBigInt64(this.#at, true) }
  get taken () { return this.#memory.u32(this.#at + 8) }
  get output () { return this.#memory.slice(this.#memory.u32(this.#at + 16), this.#memory.u32(this.#at + 20)) }
  get pending () { return this.#memory.u32(this.#at + 24) }
  get transport () { return this.#memory.bytes[this.#at + 29] }
  get open () { return this.#has(Flag.open) }
  get more () { return this.#has(Flag.more) }
  get error () { return this.#memory.bytes[this.#at + 31] }
  get connections () { return this.#memory.u32(this.#at + 40) }
  get garbage () { return this.#memory.u32(this.#at + 48) }

  #has (flag) {
    return (this.#memory.bytes[this.#at + 30] & flag) !== 0
  }

  // messages moves the records of messages among the first n to the front and
  // returns how many there are.
  messages (n) {
    let kept = 0
    for (let i = 0; i < n; i++) {
      if (this.events[i].kind !== Kind.message) continue
      if (i > kept) this.#move(i, kept)
      kept++
    }
    return kept
  }

  #move (from, to) {
    const records = this.#at + RECORDS
    this.#memory.bytes.copyWithin(records + to * RECORD, records + from * RECORD, records + (from + 1) * RECORD)
  }

  // seed fills the entropy with words from a function that fills a byte range.
  seed (fill) {
    fill(this.#memory.slice(this.#at + WORDS, SIZE - WORDS))
    this.#memory.view.setUint32(this.#at + ENTROPY, 0, true)
    this.#memory.view.setUint32(this.#at + ENTROPY + 4, (SIZE - WORDS) / 4, true)
  }
}

class Event {
  #memory
  #at

  constructor (memory, at) {
    this.#memory = memory
    this.#at = at
  }

  get kind () { return this.#memory.bytes[this.#at] }
  get opcode () { return this.#memory.bytes[this.#at + 1] }
  get first () { return (this.#memory.bytes[this.#at + 2] & First) !== 0 }
  get last () { return (this.#memory.bytes[this.#at + 2] & Last) !== 0 }
  get code () { return this.#memory.view.getUint16(this.#at + 4, true) }
  get data () { return this.#memory.slice(this.#memory.u32(this.#at + 8), this.#memory.u32(this.#at + 12)) }
}
