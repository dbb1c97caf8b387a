// endview: one end, as a card.
import { $, follow, make, write } from './dom.js'
import { never } from './host.js'
import { clock, span } from './time.js'
import { flagsOf } from './state.js'
import { unhex } from './bytes.js'

const levels = ['open', 'half-close', 'close', 'abort']
const directions = { client: { out: '→', in: '←' }, server: { out: '←', in: '→' } }
const inward = new Set(['request', 'open', 'message', 'ping', 'pong', 'close', 'wire'])
const wordless = new Set(['out', 'timer', 'call', 'refused', 'wire']) // kinds that their words tell

export class EndView {
  #card
  #shown // the end whose log is shown
  #lines = 0
  #drawn // the state that is shown

  // act is called with what one does to the end.
  constructor (role, act) {
    this.role = role
    this.#card = $('end').content.cloneNode(true).querySelector('.end')
    this.#card.id = role
    this.#card.querySelector('h2').textContent = role === 'client' ? 'Client' : 'Server'
    this.#card.setAttribute('aria-label', role)
    this.#part('transport').append(...levels.map(level => make('span', {}, level)))
    this.#part('payload').value = role === 'client' ? 'hello' : 'news'
    this.#card.querySelector('form').addEventListener('submit', event => this.#submit(event, act))
    this.#part('sleep').addEventListener('click', () => act({ do: 'sleep', end: role, asleep: this.#part('sleep').ariaPressed !== 'true' }))
    this.element = this.#card
  }

  #part (name) { return this.#card.querySelector(`[data-part=${name}]`) }

  #submit (event, act) {
    event.preventDefault()
    const error = this.#card.querySelector('.error')
    error.textContent = ''
    let action
    try {
      action = this.#actionOf(event.submitter?.value ?? 'send')
    } catch (e) {
      error.textContent = e.message
      return
    }
    act(action)
  }

  #actionOf (button) {
    const end = this.role
    const isText = this.#part('kind').value === 'text'
    const payload = this.#part('payload').value
    if (!isText) unhex(payload) // or it says what is wrong
    const given = isText ? { text: payload } : { hex: payload }
    switch (button) {
      case 'send': return { do: 'send', end, ...given }
      case 'fragment': return { do: 'send', end, ...given, more: true }
      case 'ping': return { do: 'ping', end, text: isText ? payload : '' }
      case 'close': return { do: 'close', end, code: this.#code(), reason: this.#part('reason').value }
    }
  }

  #code () {
    const code = Number(this.#part('code').value)
    if (!Number.isInteger(code) || code < 0 || code > 65535) throw new Error('A close code is a number from 0 to 65535.')
    return code
  }

  show (end, now) {
    const { phase, conn: { status } } = end
    this.#card.dataset.phase = phase
    write(this.#part('phase'), end.asleep ? `${phase}, suspended` : phase)
    for (const level of this.#part('transport').children) level.classList.toggle('on', level.textContent === status.transport)
    this.#showDeadline(end, now)
    write(this.#part('error'), status.error ? `${status.error}, ${end.world.errorText(status.error)}` : 'none')
    this.#part('error').classList.toggle('bad', status.error !== 0)
    this.#part('sleep').ariaPressed = end.asleep
    write(this.#part('send'), end.sending ? 'Send last' : 'Send')
    this.#showLog(end)
    this.#showState(end, now)
  }

  #showDeadline (end, now) {
    const { deadline, timer, since } = end.armed
    const over = end.closed || deadline === never
    write(this.#part('timer'), over ? 'none' : timer)
    this.#card.querySelector('.due').dataset.timer = timer
    this.#part('deadline').dataset.ns = over ? '' : deadline
    write(this.#part('deadline'), over ? '' : `at ${clock(deadline)}, ${deadline >= now ? `in ${span(deadline - now)}` : `${span(now - deadline)} ago`}`)
    const share = over || deadline <= now ? 0 : Number(deadline - now) / Number(deadline - since)
    this.#card.querySelector('.countdown i').style.width = `${100 * share}%`
  }

  #showLog (end) {
    const log = this.#part('log')
    if (this.#shown !== end || end.log.length < this.#lines) {
      log.replaceChildren()
      this.#lines = 0
      this.#shown = end
    }
    const fresh = end.log.slice(this.#lines)
    this.#lines = end.log.length
    follow(log, ...fresh.map(line => this.#line(line)))
  }

  #line ({ at, kind, words }) {
    const { out, in: into } = directions[this.role]
    const arrow = kind === 'out' ? out : inward.has(kind) ? into : '·'
    return make('li', { 'data-kind': kind },
      make('time', {}, clock(at)), make('span', { class: 'arrow' }, arrow), make('span', {}, ...wordless.has(kind) ? [words] : [make('b', {}, kind), ` ${words}`]))
  }

  #showState (end, now) {
    if (this.#drawn !== end.state) {
      this.#drawn = end.state
      const flags = new Set(flagsOf(end.state))
      const gone = [...end.changes].filter(name => !name.includes('#') && !flags.has(name))
      this.#part('flags').replaceChildren(
        ...[...flags].map(name => make('li', { class: end.changes.has(name) ? 'new' : '' }, name)),
        ...gone.map(name => make('li', { class: 'gone' }, make('s', {}, name))))
      this.#part('state').tBodies[0].replaceChildren(...end.state.map(entry => this.#row(entry, end.changes)))
    }
    end.state.forEach(({ at }, i) => {
      if (at === undefined) return
      write(this.#part('state').rows[i].cells[1], at > now ? `in ${span(at - now)}` : at < now ? `${span(now - at)} ago` : 'now')
    })
  }

  #row ({ id, name, value, raw, meaning }, changes) {
    return make('tr', { class: changes.has(id) ? 'new' : '', title: `${name}=${raw}` },
      make('th', { scope: 'row' }, name), make('td', {}, value), make('td', {}, meaning))
  }
}
