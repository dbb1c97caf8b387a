// page: a world, the views of it, and what one does to it.
import { $ } from './dom.js'
import { load } from './host.js'
import { Entropy } from './entropy.js'
import { World } from './world.js'
import { stories } from './stories.js'
import { forgeries } from './actions.js'
import { unhex } from './bytes.js'
import { ClockView } from './clockview.js'
import { EndView } from './endview.js'
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
let selected, pointed // ids of packets
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

const touch = ({ id }) => ({
  onclick: () => {
    selected = selected === id ? undefined : id
    show()
  },
  onpointerenter: () => {
    pointed = id
    show()
  },
  onpointerleave: () => {
    pointed = undefined
    show()
  }
})

// begin replaces the world. What is wrong with the setup is thrown, and the old
// one stays.
const begin = (setup, script) => {
  const next = new World(core, entropy, setup, script)
  world?.end()
  world = next
  selected = pointed = undefined
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

// announce tells a screen reader the latest of what happened.
let announced
const announce = () => {
  const lines = [world.client, world.server].map(end => ({ role: end.role, ...end.log.at(-1) })).filter(line => line.kind)
  const last = lines.reduce((last, line) => !last || line.at >= last.at ? line : last, undefined)
  const words = last && `${clock(last.at)}, ${last.role}: ${last.kind} ${last.words}`
  if (words === announced) return
  announced = words
  $('live').textContent = words ?? ''
}

const forge = event => {
  event.preventDefault()
  $('forge-error').textContent = ''
  const to = event.submitter?.value ?? 'server'
  try {
    if ($('forgery').value !== 'hex') return act({ do: 'inject', to, what: $('forgery').value })
    const hex = $('forged-hex').value
    if (!unhex(hex).length) throw new Error('Which bytes?')
    act({ do: 'inject', to, hex })
  } catch (e) {
    $('forge-error').textContent = e.message
  }
}
$('forgery').append(...Object.entries(forgeries).map(([id, { name }]) => new Option(name, id)), new Option('bytes of your own', 'hex'))
$('forgery').addEventListener('change', () => { $('forged-hex').hidden = $('forgery').value !== 'hex' })
$('forge').addEventListener('submit', forge)

const ends = { client: new EndView('client', act), server: new EndView('server', act) }
$('wire').before(ends.client.element)
$('wire').after(ends.server.element)
const wireView = new WireView(act, touch)
const packetView = new PacketView(touch)
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
