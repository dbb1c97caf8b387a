// frames: what the bytes on a wire are, read without the help of the core.
import { concat, hex, isBroken, text } from './bytes.js'

const names = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' }

// split cuts what an end has put out into HTTP heads and frames. What is
// neither, or not whole, is one piece of the kind broken.
export function split (bytes) {
  const pieces = []
  while (bytes.length) {
    const piece = readHead(bytes) ?? readFrame(bytes) ?? { kind: 'broken', label: `${bytes.length} bytes`, facts: [], bytes }
    pieces.push(piece)
    bytes = bytes.subarray(piece.bytes.length)
  }
  return pieces
}

function readHead (bytes) {
  const head = /^(GET .*|HTTP\/1\.1 (.*))\r\n(.+\r\n)*\r\n/.exec(text(bytes))
  if (!head) return null
  const response = head[2] !== undefined
  const length = Number(/^content-length: (\d+)/im.exec(head[0])?.[1] ?? 0)
  return {
    kind: 'http',
    label: response ? `HTTP ${head[2]}` : head[1].replace(' HTTP/1.1', ''),
    facts: [['HTTP', response ? 'response' : 'request']],
    text: text(bytes.subarray(0, head[0].length + length)),
    bytes: bytes.subarray(0, head[0].length + length)
  }
}

function readFrame (bytes) {
  if (bytes.length < 2) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const short = bytes[1] & 127
  const masked = bytes[1] > 127
  const wide = { 126: 2, 127: 8 }[short] ?? 0
  const header = 2 + wide + (masked ? 4 : 0)
  if (bytes.length < header) return null
  const length = wide === 2 ? view.getUint16(2) : wide === 8 ? Number(view.getBigUint64(2)) : short
  const mask = bytes.subarray(header - 4, header)
  const wire = bytes.subarray(header, header + length)
  const payload = masked ? xor(wire, mask) : wire
  const opcode = bytes[0] & 15
  const fin = bytes[0] > 127
  const reserved = [[64, 'RSV1'], [32, 'RSV2'], [16, 'RSV3']].filter(([bit]) => bytes[0] & bit).map(([, name]) => name)
  const kind = names[opcode] ?? 'reserved'
  return {
    kind,
    label: label(kind, opcode, fin, payload),
    facts: [
      ['opcode', `${opcode}, ${kind}`],
      ['flags', [fin ? 'FIN' : 'no FIN', ...reserved, masked ? 'masked' : 'not masked'].join(', ')],
      ['length', length === wire.length ? `${length}` : `${length}, of which ${wire.length} are here`],
      ...masked ? [['mask', hex(mask)]] : []
    ],
    text: words(kind, payload),
    bytes: bytes.subarray(0, header + wire.length)
  }
}

function label (kind, opcode, fin, payload) {
  if (kind === 'reserved') return `opcode ${opcode}`
  if (kind === 'close') return closeCode(payload) ? `close ${closeCode(payload)}` : 'close'
  const what = kind === 'binary' || isBroken(payload) ? `${payload.length} B` : payload.length ? `“${brief(text(payload))}”` : ''
  return [kind, what, fin ? '' : '…'].filter(Boolean).join(' ')
}

function words (kind, payload) {
  if (kind === 'close') return [closeCode(payload), text(payload.subarray(2))].filter(Boolean).join(' ')
  return kind === 'binary' || isBroken(payload) ? '' : text(payload)
}

const closeCode = payload => payload.length < 2 ? '' : String(payload[0] << 8 | payload[1])

const brief = s => s.length > 12 ? `${s.slice(0, 11)}…` : s

const sampleKey = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d) // of RFC 6455, section 5.7

// frame makes a frame, right or wrong. length is what its header says.
export function frame ({ opcode = 1, fin = true, reserved = 0, masked, payload, length = payload.length }) {
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8
  const header = new Uint8Array(2 + extended)
  const view = new DataView(header.buffer)
  header[0] = (fin ? 128 : 0) | reserved | opcode
  header[1] = (masked ? 128 : 0) | { 0: length, 2: 126, 8: 127 }[extended]
  if (extended === 2) view.setUint16(2, length)
  if (extended === 8) view.setBigUint64(2, BigInt(length))
  return masked ? concat(header, sampleKey, xor(payload, sampleKey)) : concat(header, payload)
}

const xor = (bytes, key) => bytes.map((byte, i) => byte ^ key[i & 3])
