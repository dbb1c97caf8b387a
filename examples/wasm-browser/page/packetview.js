// packetview: all packets that there were, and one of them in full.
import { $, follow, make, write } from './dom.js'
import { never } from './host.js'
import { clock } from './time.js'

const perLine = 8

export class PacketView {
  #rows = [] // { packet, element, fate }
  #drawn

  // show shows the packet that is pointed at, or was selected, or is the latest.
  show (world, selected, pointed) {
    this.#list(world)
    for (const row of this.#rows) {
      write(row.fate, fate(row.packet, world))
      row.button.ariaPressed = row.packet.id === selected
    }
    const latest = world.packets.findLast(packet => packet.arrived === undefined && packet.lost === undefined) ?? world.packets.at(-1)
    this.#detail(world.packets[pointed] ?? world.packets[selected] ?? latest, world)
  }

  #list ({ packets }) {
    if (packets[0] !== this.#rows[0]?.packet || packets.length < this.#rows.length) {
      this.#rows = []
      $('passed').replaceChildren()
    }
    const fresh = packets.slice(this.#rows.length).map(packet => this.#row(packet))
    this.#rows.push(...fresh)
    follow($('passed'), ...fresh.map(row => row.element))
  }

  #row (packet) {
    const fate = make('span', { class: 'fate' })
    const button = make('button', { type: 'button', 'data-packet': packet.id },
      make('time', {}, clock(packet.sent)), make('span', { class: `to-${packet.to}` }, packet.to === 'server' ? '→' : '←'),
      make('span', { class: 'name' }, packet.label), make('span', { class: 'size' }, packet.bytes.length ? `${packet.bytes.length} B` : ''), fate)
    return { packet, fate, button, element: make('li', { 'data-kind': packet.kind, 'data-to': packet.to, class: packet.forged ? 'forged' : '' }, button) }
  }

  #detail (packet, world) {
    const now = `${packet.taken} ${fate(packet, world)}`
    if (packet === this.#drawn?.packet && now === this.#drawn.now) return
    this.#drawn = { packet, now }
    $('packet').replaceChildren(...detail(packet, world))
  }
}

function fate (packet, world) {
  if (packet.arrived !== undefined) return `arrived at ${clock(packet.arrived)}`
  if (packet.lost !== undefined) return 'lost'
  if (packet.arrives === never) return 'stuck'
  return world[packet.to].asleep && packet.arrives <= world.now ? 'waits' : 'on its way'
}

function detail (packet, world) {
  const from = packet.to === 'server' ? 'client' : 'server'
  const sender = packet.forged ? 'slipped in' : `from the ${from}`
  return [
    make('p', {}, make('b', {}, packet.label), ` ${sender} to the ${packet.to}, ${fate(packet, world)}`),
    make('dl', {}, ...packet.facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
      ...packet.text ? [make('dt', {}, 'says'), make('dd', { class: 'text' }, packet.text)] : []),
    ...packet.bytes.length ? [dump(packet)] : []
  ]
}

// dump shows the bytes in hexadecimal. Those that have arrived are marked.
function dump ({ bytes, taken }) {
  const pre = make('pre', { tabindex: 0, 'aria-label': 'Bytes' })
  for (let at = 0; at < bytes.length; at += perLine) {
    const line = bytes.subarray(at, at + perLine)
    const digits = Array.from(line, byte => byte.toString(16).padStart(2, '0'))
    const come = Math.min(Math.max(taken - at, 0), line.length)
    const printable = Array.from(line, byte => byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·').join('')
    pre.append(`${at.toString(16).padStart(4, '0')}  `, make('b', {}, digits.slice(0, come).join(' ')),
      come && come < line.length ? ' ' : '', digits.slice(come).join(' '), ' '.repeat(3 * (perLine - line.length) + 2), printable, '\n')
  }
  return pre
}
