// wireview: the packets that are on their way, each where it is.
import { $, make, write } from './dom.js'
import { never } from './host.js'
import { progress } from './link.js'

const states = { flows: 'flows', held: 'held: packets stay on the way', full: 'full: takes nothing' }
const mostRows = 6

export class WireView {
  #lanes

  // act is called with what one does to the wire.
  constructor (act) {
    this.#lanes = ['server', 'client'].map(to => new Lane(to, act))
    $('byte-by-byte').addEventListener('change', event => act({ do: 'pieces', byteByByte: event.target.checked }))
    $('reset').addEventListener('click', () => act({ do: 'reset' }))
  }

  show (world, selected) {
    const [toServer, toClient] = this.#lanes
    toServer.show(world.toServer, world.client, world.now, selected)
    toClient.show(world.toClient, world.server, world.now, selected)
    $('byte-by-byte').checked = world.toServer.byteByByte
    $('reset').disabled = world.client.closed && world.server.closed
  }
}

class Lane {
  #shown = new Map() // ids to { element, row }

  constructor (to, act) {
    this.to = to
    this.lane = $(`to-${to}`)
    this.choice = $(`state-to-${to}`)
    this.choice.append(...Object.entries(states).map(([value, name]) => new Option(name, value)))
    this.choice.addEventListener('change', () => act({ do: 'wire', to, state: this.choice.value }))
    this.more = make('span', { class: 'more' })
    this.lane.append(make('span', { class: 'cable' }), this.more)
  }

  show (link, sender, now, selected) {
    this.choice.value = this.lane.dataset.state = link.state
    const visible = link.packets.slice(0, mostRows)
    this.#forget(visible)
    for (const packet of visible) this.#place(packet, now, link.latency, packet.id === selected)
    const waiting = sender.output.reduce((sum, bytes) => sum + bytes.length, 0)
    write(this.more, [
      link.packets.length > mostRows ? `and ${link.packets.length - mostRows} more` : '',
      waiting ? `${waiting} bytes wait at the ${sender.role}` : ''
    ].filter(Boolean).join(', '))
    this.lane.style.setProperty('--rows', Math.max(2, ...Array.from(this.#shown.values(), ({ row }) => row + 1)))
  }

  #forget (visible) {
    const ids = new Set(visible.map(packet => packet.id))
    for (const [id, { element }] of this.#shown) {
      if (ids.has(id)) continue
      element.remove()
      this.#shown.delete(id)
    }
  }

  #place (packet, now, latency, selected) {
    const { element, row } = this.#shown.get(packet.id) ?? this.#add(packet)
    const way = progress(packet, now, latency)
    const x = this.to === 'server' ? way : 1 - way
    element.style.left = `${100 * x}%`
    element.style.transform = `translateX(${-100 * x}%)`
    element.style.setProperty('--row', row)
    element.classList.toggle('stuck', packet.arrives === never)
    element.ariaPressed = selected
    write(element, packet.taken ? `${packet.label}  ${packet.taken}/${packet.bytes.length}` : packet.label)
  }

  #add (packet) {
    const taken = new Set(Array.from(this.#shown.values(), ({ row }) => row))
    let row = 0
    while (taken.has(row)) row++
    const element = make('button', { type: 'button', class: `packet${packet.forged ? ' forged' : ''}`, 'data-kind': packet.kind, 'data-packet': packet.id })
    this.lane.append(element)
    const shown = { element, row }
    this.#shown.set(packet.id, shown)
    return shown
  }
}
