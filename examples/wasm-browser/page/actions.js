// actions: what one can do to a world. An action is plain data, so that a
// script of them can be played again. Those with a say are told in its words.
import { opcodes } from './host.js'
import { unhex, utf8 } from './bytes.js'
import { frame } from './frames.js'

const does = {
  // { do: 'send', end, text or hex, more }
  send: {
    act: (world, { end, text, hex, more = false }) => world[end].send(hex === undefined ? opcodes.text : opcodes.binary, payload(text, hex), more),
    tell: ({ end, text, hex, more }) => `The ${end} sends ${more ? 'a fragment, ' : ''}${hex === undefined ? `“${text}”` : hex}.`
  },
  // { do: 'ping', end, text }
  ping: {
    act: (world, { end, text = '' }) => world[end].ping(utf8(text)),
    tell: ({ end }) => `The ${end} pings.`
  },
  // { do: 'close', end, code, reason }
  close: {
    act: (world, { end, code, reason = '' }) => world[end].close(code, utf8(reason)),
    tell: ({ end, code, reason }) => `The ${end} closes with ${code}${reason ? ` “${reason}”` : ''}.`
  },
  // { do: 'sleep', end, asleep }
  sleep: {
    act: (world, { end, asleep }) => world[end].sleep(asleep),
    tell: ({ end, asleep }) => `The ${end} ${asleep ? 'falls asleep' : 'wakes'}.`
  },
  // { do: 'wire', to: end or 'both', state: of a Link }
  wire: {
    act: (world, { to, state }) => {
      for (const role of to === 'both' ? ['server', 'client'] : [to]) change(world, role, state)
    },
    tell: ({ to, state }) => `The wire to ${to === 'both' ? 'both' : `the ${to}`} ${{ flows: 'flows again', held: 'is held', full: 'takes nothing' }[state]}.`
  },
  // { do: 'pieces', byteByByte }
  pieces: {
    act: (world, { byteByByte }) => { world.toServer.byteByByte = world.toClient.byteByByte = byteByByte },
    tell: ({ byteByByte }) => `The wire delivers ${byteByByte ? 'byte by byte' : 'what it has'}.`
  },
  // { do: 'reset' }
  reset: {
    act: world => {
      world.toServer.lose(world.now)
      world.toClient.lose(world.now)
      world.server.lose()
      world.client.lose()
    },
    tell: () => 'The connection is reset on the way.'
  },
  // { do: 'inject', to, what: of forgeries, or hex }
  inject: {
    act: (world, { to, what, hex }) => world.put(link(world, to), hex === undefined ? forgeries[what].make(to === 'server') : unhex(hex), true),
    tell: ({ to, what, hex }) => `Onto the wire to the ${to}: ${hex ?? forgeries[what].name}.`
  }
}

// perform does what a step of a script says; some only say something.
export function perform (world, step) {
  does[step.do]?.act(world, step)
}

export const tell = step => step.say ?? does[step.do].tell(step)

const payload = (text, hex) => hex === undefined ? utf8(text) : unhex(hex)

const link = (world, to) => to === 'server' ? world.toServer : world.toClient

function change (world, to, state) {
  link(world, to).change(world.now, state)
  if (state !== 'full') world[to === 'server' ? 'client' : 'server'].writable()
}

// Bytes that no end would send. masked is what the rules ask of the direction.
export const forgeries = {
  utf8: { name: 'a text that is not UTF-8', make: masked => frame({ masked, payload: Uint8Array.of(0x6f, 0x6b, 0xff) }) },
  mask: { name: 'the wrong masking', make: masked => frame({ masked: !masked, payload: utf8('hi') }) },
  reserved: { name: 'a reserved bit', make: masked => frame({ masked, reserved: 64, payload: utf8('hi') }) },
  opcode: { name: 'a reserved opcode', make: masked => frame({ masked, opcode: 3, payload: utf8('hi') }) },
  ping: { name: 'a fragment of a ping', make: masked => frame({ masked, opcode: 9, fin: false, payload: utf8('hi') }) },
  code: { name: 'a close with code 1005', make: masked => frame({ masked, opcode: 8, payload: Uint8Array.of(3, 0xed) }) },
  continuation: { name: 'a continuation of nothing', make: masked => frame({ masked, opcode: 0, payload: utf8('hi') }) },
  large: { name: 'a frame of 2 MiB', make: masked => frame({ masked, opcode: 2, payload: new Uint8Array(), length: 2 << 20 }) }
}
