// link: one direction of the wire, an ordered stream of bytes that takes time.
import { never } from './host.js'

// Between two bytes of a wire that delivers them one by one.
export const gap = 100_000_000n

// Link carries packets. Its state is flows; held, when what is not past the
// middle stays on the way; or full, when it takes nothing from its sender.
export class Link {
  constructor (latency) {
    this.latency = latency
    this.packets = []
    this.state = 'flows'
    this.byteByByte = false
  }

  send (now, packet) {
    Object.assign(packet, { sent: now, arrives: now + this.latency, taken: 0 })
    if (this.state === 'held') packet.arrives = never
    this.packets.push(packet)
  }

  // next returns when the next bytes arrive.
  get next () { return this.packets.length ? this.packets[0].arrives : never }

  // deliver returns the first packet, and the bytes of it that have arrived.
  deliver (now) {
    const packet = this.packets[0]
    const bytes = packet.bytes.subarray(packet.taken, this.byteByByte ? packet.taken + 1 : undefined)
    packet.taken += bytes.length
    if (packet.taken < packet.bytes.length) {
      packet.arrives = now + gap
      return { packet, bytes }
    }
    packet.arrived = now
    this.packets.shift()
    const follower = this.packets[0]
    if (follower && this.byteByByte && follower.arrives < now + gap) follower.arrives = now + gap
    return { packet, bytes }
  }

  change (now, state) {
    if (this.state === 'held' && state !== 'held') this.#release(now)
    this.state = state
    if (state === 'held') this.#hold(now)
  }

  #hold (now) {
    for (const packet of this.packets) {
      if (packet.arrives - now > this.latency / 2n) packet.arrives = never
    }
  }

  #release (now) {
    for (const packet of this.packets) {
      if (packet.arrives !== never) continue
      const travelled = now - packet.sent
      const half = this.latency / 2n
      packet.arrives = now + this.latency - (travelled < half ? travelled : half)
    }
  }

  // lose drops everything that is on the way.
  lose (now) {
    for (const packet of this.packets) packet.lost = now
    this.packets = []
  }
}

// progress returns how far a packet has come, from 0 to 1.
export function progress (packet, now, latency) {
  const travelled = packet.arrives === never ? now - packet.sent : latency - (packet.arrives - now)
  const most = packet.arrives === never ? 0.5 : 1
  return Math.min(Math.max(Number(travelled) / Number(latency), 0), most)
}
