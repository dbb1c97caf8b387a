// records: the records of strings of docs/wasm-abi.md, and the settings record.
import { utf8, text } from './bytes.js'

const number = n => new Uint8Array(Uint32Array.of(n).buffer)
const string = s => [number(utf8(s).length), utf8(s)]
const list = strings => [number(strings.length), ...strings.flatMap(string)]
const fields = pairs => [number(pairs.length), ...pairs.flatMap(pair => pair.flatMap(string))]
const record = parts => Uint8Array.from(parts.flatMap(part => [...part]))

export const clientRecord = ({ host, target = '', subprotocols = [], headers = [] }) =>
  record([...string(host), ...string(target), ...list(subprotocols), ...fields(headers)])

export const acceptRecord = ({ subprotocol = '', headers = [] }) =>
  record([...string(subprotocol), ...fields(headers)])

export const rejectRecord = ({ status = 0, headers = [], body = '' }) =>
  record([number(status), ...fields(headers), ...string(body)])

class Reader {
  constructor (bytes) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = 0
  }

  number () {
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  string () {
    const length = this.number()
    this.at += length
    return text(this.bytes.subarray(this.at - length, this.at))
  }

  fields () {
    return Array.from({ length: this.number() }, () => [this.string(), this.string()])
  }
}

export function readRequest (bytes) {
  const r = new Reader(bytes)
  return { method: r.string(), target: r.string(), protocol: r.string(), headers: r.fields() }
}

export function readResponse (bytes) {
  const r = new Reader(bytes)
  return { status: r.number(), reason: r.string(), protocol: r.string(), subprotocol: r.string(), headers: r.fields() }
}

// What the settings record holds: a name, its offset, and how it is read and written.
const layout = [
  ['pings', 4, 'Uint32'], ['pingInterval', 8, 'BigInt64'], ['pongTimeout', 16, 'BigInt64'], ['closeTimeout', 24, 'BigInt64'],
  ['connectionTimeout', 32, 'BigInt64'], ['handshakeTimeout', 40, 'BigInt64'], ['maxFrame', 48, 'BigInt64'],
  ['maxMessage', 56, 'BigInt64'], ['maxFragments', 64, 'BigInt64'], ['maxControlRate', 72, 'BigInt64'],
  ['maxHeadBytes', 80, 'Uint32'], ['maxHeadLines', 84, 'Uint32']
]
export const settingsSize = 88

export function readSettings (bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, settingsSize)
  return Object.fromEntries(layout.map(([name, offset, type]) => [name, view['get' + type](offset, true)]))
}

export function settingsRecord (settings) {
  const bytes = new Uint8Array(settingsSize)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, settingsSize, true)
  for (const [name, offset, type] of layout) view['set' + type](offset, settings[name], true)
  return bytes
}
