// clockview: the clock, its slider, and what became of the two ends so far.
import { $, make, write } from './dom.js'
import { never } from './host.js'
import { clock, inSeconds, seconds } from './time.js'

const least = 75 // seconds that the slider has at least
const fast = 12, slow = 1 // of auto, without and with bytes on their way

export class ClockView {
  #horizon = least
  #playing = false
  #then
  #drawn

  // go brings the world to an instant; world() is the present one.
  constructor (world, go) {
    this.world = world
    this.go = go
    $('slider').addEventListener('input', () => {
      go(seconds($('slider').valueAsNumber))
      this.pause()
    })
    $('slider').addEventListener('change', () => this.#widen())
    $('play').addEventListener('click', () => this.#playing ? this.pause() : this.play())
    $('step').addEventListener('click', () => this.#jump(world().next.at))
    $('deadline').addEventListener('click', () => this.#jump(world().deadline.at))
  }

  #jump (at) {
    this.pause()
    this.go(at > this.world().now ? at : this.world().now)
    this.#widen()
  }

  // begin makes the slider fit another world.
  begin () {
    this.pause()
    this.#horizon = least
    this.#widen()
  }

  #widen () {
    const { now, script } = this.world()
    const needed = Math.max(inSeconds(now), inSeconds(script.at(-1)?.at ?? 0n)) + 8
    while (this.#horizon < needed) this.#horizon += 15
    this.show()
  }

  play () {
    this.#playing = true
    this.#then = performance.now()
    requestAnimationFrame(now => this.#frame(now))
    this.show()
  }

  pause () {
    this.#playing = false
    this.show()
  }

  #frame (now) {
    if (!this.#playing) return
    const passed = Math.min(now - this.#then, 100) / 1000
    this.#then = now
    this.go(this.#target(Math.max(passed, 0)))
    this.#widen()
    if (this.world().next.at === never) this.pause()
    requestAnimationFrame(now => this.#frame(now))
  }

  // #target returns the instant to go to when so many seconds have passed. Auto
  // stops at what happens next, so as not to run past it at full speed.
  #target (passed) {
    const { now, next, toServer, toClient } = this.world()
    const moving = [...toServer.packets, ...toClient.packets].some(packet => packet.arrives !== never && packet.arrives > now)
    const auto = $('speed').value === 'auto'
    const speed = auto ? moving ? slow : fast : Number($('speed').value)
    const to = now + seconds(Math.round(1000 * passed * speed) / 1000)
    return auto && next.at > now && next.at < to ? next.at : to
  }

  show () {
    const world = this.world()
    const { now } = world
    write($('now'), clock(now))
    $('now').dataset.ns = now
    write($('play'), this.#playing ? 'Pause' : 'Play')
    $('step').disabled = world.next.at === never
    $('deadline').disabled = world.deadline.at === never
    $('slider').max = this.#horizon
    $('slider').value = inSeconds(now)
    $('slider').ariaValueText = clock(now)
    this.#showNext(world)
    this.#showBand($('band-client'), world.client, now)
    this.#showBand($('band-server'), world.server, now)
    this.#showScale(world)
  }

  #showNext ({ next, deadline }) {
    const tell = ({ at, what }) => at === never ? 'nothing' : `${what}, at ${clock(at)}`
    const words = [['Next step', tell(next)], ['Next deadline', tell(deadline)]]
    if (words.join() === this.#drawn) return
    this.#drawn = words.join()
    $('next').replaceChildren(...words.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]))
  }

  #share (at) { return `${100 * inSeconds(at) / this.#horizon}%` }

  #showBand (band, end, now) {
    const parts = end.history.map(({ at, phase }, i) => {
      const until = end.history[i + 1]?.at ?? now
      const part = make('i', { 'data-phase': phase, title: `${phase} from ${clock(at)}` })
      part.style.left = this.#share(at)
      part.style.width = this.#share(until - at)
      return part
    })
    if (end.deadline !== never && inSeconds(end.deadline) <= this.#horizon) {
      const due = make('b', { title: `${end.conn.status.timer} timer, ${clock(end.deadline)}` })
      due.style.left = this.#share(end.deadline)
      parts.push(due)
    }
    band.replaceChildren(...parts)
  }

  #showScale ({ script, done }) {
    $('marks').replaceChildren(...script.map(({ at }, i) => {
      const mark = make('i', { class: i < done ? 'done' : '' })
      mark.style.left = this.#share(at)
      return mark
    }))
    if ($('ticks').dataset.horizon === String(this.#horizon)) return
    $('ticks').dataset.horizon = this.#horizon
    const every = this.#horizon > 150 ? 30 : 15
    $('ticks').replaceChildren(...Array.from({ length: Math.floor(this.#horizon / every) + 1 }, (_, i) => {
      const tick = make('span', {}, `${i * every} s`)
      tick.style.left = `${100 * i * every / this.#horizon}%`
      return tick
    }))
  }
}
