// Records of strings: see docs/wasm-abi.md. What is written is UTF-8. What the
// peer sent need not be, so it is read as a character for each byte.

export function u32 (n) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return bytes
}

export function string (s) {
  const bytes = Buffer.from(s)
  return Buffer.concat([u32(bytes.length), bytes])
}

export function list (strings) {
  return Buffer.concat([u32(strings.length), ...strings.map(string)])
}

// fields are pairs of a name and a value.
export function fields (pairs) {
  return Buffer.concat([u32(pairs.length), ...pairs.flat().map(string)])
}

export class Reader {
  #bytes
  #at = 0

  constructor (bytes) {
    this.#bytes = bytes
  }

  u32 () {
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  string () {
    const length = this.u32()
    this.#at += length
    return this.#bytes.latin1Slice(this.#at - length, this.#at)
  }

  fields () {
    return Array.from({ length: this.u32() }, () => [this.string(), this.string()])
  }
}
