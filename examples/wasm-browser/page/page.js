// page: a world, the views of it, and what one does to it.
import { $, write } from './dom.js'
import { load } from './host.js'
import { Entropy } from './entropy.js'
import { World } from './world.js'
import { stories } from './stories.js'
import { ClockView } from './clockview.js'
import { EndView } from './endview.js'
import { startForgeryView } from './forgeryview.js'
import { PacketView } from './packetview.js'
import { SettingsView } from './settingsview.js'
import { StoryView } from './storyview.js'
import { WireView } from './wireview.js'
import { clock } from './time.js'

const trouble = e => {
  $('trouble').textContent = `The module is lost: ${e?.message ?? e}. Load the page again.`
}
addEventListener('error', event => trouble(event.error ?? event.message))
addEventListener('unhandledrejection', event => trouble(event.reason))

const entropy = new Entropy()
const core = await load('core.wasm', n => entropy.draw(n))

let world
let selected = NaN, pointed = NaN // ids of packets
let pending = false

const show = () => {
  if (pending) return
  pending = true
  requestAnimationFrame(() => {
    pending = false
    clockView.show()
    storyView.show(world)
    ends.client.show(world.client, world.now)
    ends.server.show(world.server, world.now)
    wireView.show(world, selected)
    packetView.show(world, selected, pointed)
    announce()
  })
}

const go = to => {
  world.go(to)
  show()
}

const act = action => {
  world.act(action)
  show()
}

// Packets are pointed at, and selected, wherever they are shown.
const packetOf = ({ target }) => Number(target.closest('[data-packet]')?.dataset.packet ?? NaN)
document.addEventListener('pointerover', event => {
  const id = packetOf(event)
  if (Object.is(id, pointed)) return
  pointed = id
  show()
})
document.addEventListener('click', event => {
  const id = packetOf(event)
  if (Number.isNaN(id)) return
  selected = selected === id ? NaN : id
  show()
})

// begin replaces the world. What is wrong with the setup is thrown, and the old
// one stays.
const begin = (setup, script) => {
  const next = new World(core, entropy, setup, script)
  world?.end()
  world = next
  selected = pointed = NaN
}

const choose = story => {
  begin(story.setup, story.script)
  settingsView.show(story.setup)
  storyView.begin(story)
  go(story.from)
  clockView.begin()
}

const restart = setup => {
  begin(setup, world.script)
  go(0n)
  clockView.begin()
}

// announce tells a screen reader what happened last.
const announce = () => {
  const [last] = [world.client, world.server].toSorted((a, b) => lastOf(a) > lastOf(b) ? -1 : 1)
  const line = last.log.at(-1)
  write($('live'), line ? `${clock(line.at)}, ${last.role}: ${line.kind} ${line.words}` : '')
}
const lastOf = end => end.log.at(-1)?.at ?? -1n

const ends = { client: new EndView('client', act), server: new EndView('server', act) }
$('wire').before(ends.client.element)
$('wire').after(ends.server.element)
const wireView = new WireView(act)
startForgeryView(act)
const packetView = new PacketView()
const clockView = new ClockView(() => world, go)
const storyView = new StoryView(story => {
  choose(story)
  if (!matchMedia('(prefers-reduced-motion: reduce)').matches) clockView.play()
}, to => {
  clockView.pause()
  go(to)
})
const settingsView = new SettingsView(core.defaults(), restart)
choose(stories[0])
