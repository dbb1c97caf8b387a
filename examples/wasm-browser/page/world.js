// world: two ends, the wire between them, and the clock. What happens follows
// from the setup, the script and the entropy, so time can go back as well: the
// world begins anew and comes to an earlier instant.
import { never } from './host.js'
import { Link } from './link.js'
import { End } from './end.js'
import { split } from './frames.js'
import { perform } from './actions.js'

export class World {
  #core
  #entropy
  #settings = []

  // A setup is { client, server, latency, byteByByte, answer, echo }: the
  // settings of the ends, and what the wire and the server's application do. A
  // script is a list of { at, say, ... }: see actions.js.
  constructor (core, entropy, setup, script = []) {
    this.#core = core
    this.#entropy = entropy
    this.setup = setup
    this.script = script.toSorted((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0)
    try {
      for (const role of ['client', 'server']) this.#settings.push(core.settings(setup[role]))
    } catch (e) {
      this.end()
      throw e
    }
    this.#begin()
  }

  #begin () {
    this.#entropy.rewind()
    this.#core.refill()
    this.now = 0n
    this.done = 0 // how much of the script
    this.packets = [] // all that ever were
    this.client = new End('client', this)
    this.server = new End('server', this)
    this.toServer = new Link(this.setup.latency)
    this.toClient = new Link(this.setup.latency)
    this.toServer.byteByByte = this.toClient.byteByByte = this.setup.byteByByte
    const [client, server] = this.#settings
    this.server.start(this.#core.server(server, this.now), this.toClient)
    this.client.start(this.#core.client(client, this.now, { host: 'example.com', target: '/chat' }), this.toServer)
  }

  // end frees what the module holds for this world.
  end () {
    this.client?.conn.free()
    this.server?.conn.free()
    for (const settings of this.#settings) this.#core.freeSettings(settings)
    this.#settings = []
  }

  // next tells what happens next: { at, happen, what }. What arrives comes
  // before a timer of the same instant: a peer that was heard is not silent.
  get next () {
    const list = [
      this.#arrival(this.toServer, this.server), this.#arrival(this.toClient, this.client),
      this.#deadline(this.server), this.#deadline(this.client)
    ]
    const step = this.script[this.done]
    if (step) list.push({ at: step.at, what: 'the story goes on', happen: () => this.#perform(step) })
    return list.reduce((first, one) => one.at < first.at ? one : first)
  }

  #arrival (link, end) {
    return { at: end.asleep ? never : link.next, what: `bytes reach the ${end.role}`, happen: () => this.#deliver(link, end) }
  }

  #deadline (end) {
    return { at: end.deadline, what: `the ${end.role}’s ${end.conn.status.timer} timer`, happen: () => end.tick() }
  }

  // deadline is the earlier one of the two ends.
  get deadline () {
    const server = this.#deadline(this.server), client = this.#deadline(this.client)
    return client.at < server.at ? client : server
  }

  // advance lets everything happen up to and including the instant to.
  advance (to) {
    for (let next = this.next; next.at <= to; next = this.next) {
      if (next.at > this.now) this.now = next.at
      next.happen()
    }
    this.now = to
  }

  // go brings the clock to an instant, be it past.
  go (to) {
    if (to < this.now) {
      this.client.conn.free()
      this.server.conn.free()
      this.#begin()
      if (this.#core.garbage() > 1 << 20) this.#core.maintain()
    }
    this.advance(to)
  }

  // act does something now. What the script had planned for later is dropped.
  act (action) {
    this.script.length = this.done
    this.script.push({ at: this.now, ...action })
    this.advance(this.now)
  }

  #perform (step) {
    this.done++
    perform(this, step)
  }

  #deliver (link, end) {
    const { packet, bytes } = link.deliver(this.now)
    if (packet.kind === 'reset') end.lose()
    else if (packet.kind === 'end') end.receiveEnd()
    else end.receive(bytes)
  }

  // put puts bytes on a link and returns the packets that they are.
  put (link, bytes, forged = false) {
    const packets = split(bytes)
    for (const packet of packets) this.#add(link, { ...packet, forged })
    return this.packets.slice(-packets.length)
  }

  // putMark puts on a link what is not bytes: the end of output, or a reset.
  putMark (link, kind) {
    const label = kind === 'end' ? 'end of output' : 'reset'
    this.#add(link, { kind, label, facts: [[label, kind === 'end' ? 'a FIN of TCP' : 'a RST of TCP']], bytes: new Uint8Array() })
  }

  #add (link, packet) {
    packet.id = this.packets.length
    packet.to = link === this.toServer ? 'server' : 'client'
    this.packets.push(packet)
    link.send(this.now, packet)
  }

  errorText (code) { return this.#core.errorText(code) }
}
