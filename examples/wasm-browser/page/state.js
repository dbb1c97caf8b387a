// state: the line that ws_state puts out, made legible. Its names and numbers
// are the core's own; the ABI promises only that equal lines behave alike.
import { hex, text, unhex } from './bytes.js'

// The bits of flags, lowest first, as core/conn.go has them.
export const flagNames = [
  'inFrame', 'frameFin', 'chunkGiven', 'pongGiven', 'closing', 'closeSent', 'closeGot', 'replyHeld', 'sawEOF', 'expired', 'aborted', 'report',
  'pongPending', 'pingPending', 'closePending', 'hasDue', 'pongWait', 'pingOut', 'stalled', 'notReading', 'readingAhead', 'ctlCredit', 'graced', 'unheard'
]

const phases = ['handshake', 'open', 'ended']
const times = new Set(['rx', 'due', 'pong', 'stall', 'ctl']) // nanoseconds from the time that was told last
const strings = new Set(['head', 'hsout', 'key', 'offered', 'chosen', 'method', 'target', 'proto', 'name', 'value'])
const meanings = {
  role: 'which end', phase: 'of its life', err: 'why it failed', flags: 'as above', close: 'our close code', rx: 'peer last heard', due: 'ping, close, handshake', pong: 'pong must come',
  stall: 'output must be taken', ctl: 'control frame budget', unsent: 'bytes not written', ping: 'of them, to the ping', in: 'opcode coming in', out: 'opcode going out',
  len: 'bytes of the message', fragments: 'of the message', utf8: 'state of the text', oututf8: 'state of our text', op: 'opcode of the frame', left: 'bytes of it to come',
  mask: 'of the frame', pos: 'within the mask', hdr: 'part of a header', slot: 'control payload', start: 'of the line', head: 'HTTP so far', hsout: 'HTTP to put out',
  key: 'Sec-WebSocket-Key'
}

// readState reads a line that was taken when the latest time told was now. Its
// entries are { id, name, value, meaning }; at is the instant of a time.
export function readState (line, now) {
  const seen = new Map()
  return line.trim().split(' ').map(pair => {
    const [name, raw] = pair.split('=')
    const count = seen.get(name) ?? 0
    seen.set(name, count + 1)
    const entry = { id: `${name}#${count}`, name, raw, value: shown(name, raw), meaning: meanings[name] ?? '' }
    if (times.has(name)) entry.at = now + BigInt(raw)
    return entry
  })
}

function shown (name, raw) {
  if (name === 'role') return raw === '1' ? 'client' : 'server'
  if (name === 'phase') return phases[raw]
  if (strings.has(name)) return text(unhex(raw))
  return name === 'hdr' || name === 'slot' || name === 'mask' ? hex(unhex(raw)) : raw
}

// flagsOf returns the names of the bits that are set.
export const flagsOf = state => flagNames.filter((_, bit) => valueOf(state, 'flags') >> bit & 1)

const valueOf = (state, name) => Number(state.find(entry => entry.name === name).raw)

// differences returns the ids of the entries, and the names of the flags, that
// are not as they were. A time is what it was if its instant is.
export function differences (before, after) {
  if (!before) return new Set()
  const old = new Map(before.map(entry => [entry.id, key(entry)]))
  const changed = after.filter(entry => old.get(entry.id) !== key(entry)).map(entry => entry.id)
  const was = new Set(flagsOf(before)), is = new Set(flagsOf(after))
  return new Set([...changed, ...was.symmetricDifference(is)])
}

const key = ({ at, raw }) => at ?? raw
