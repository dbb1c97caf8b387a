// settingsview: the form of a world's setup.
import { $, make } from './dom.js'
import { CoreError } from './host.js'
import { inSeconds, seconds } from './time.js'

const durations = {
  pingInterval: 'ping interval', pongTimeout: 'pong timeout', closeTimeout: 'close timeout',
  connectionTimeout: 'connection timeout', handshakeTimeout: 'handshake timeout'
}
const answer = 1, drop = 2 // pings

export class SettingsView {
  #form = $('settings')

  // restart is called with a setup. What the module says of it is shown.
  constructor (defaults, restart) {
    this.defaults = defaults
    for (const role of ['client', 'server']) $(`${role}-settings`).append(...fieldsOf(role))
    this.#form.addEventListener('submit', event => {
      event.preventDefault()
      $('settings-error').textContent = ''
      try {
        restart(this.#read())
      } catch (e) {
        if (!(e instanceof CoreError)) throw e
        $('settings-error').textContent = e.message
      }
    })
  }

  show (setup) {
    $('settings-error').textContent = ''
    for (const role of ['client', 'server']) {
      const settings = { ...this.defaults, ...setup[role] }
      for (const name of Object.keys(durations)) this.#field(`${role}.${name}`).value = inSeconds(settings[name])
      this.#field(`${role}.pings`).value = settings.pings || (role === 'client' ? answer : drop)
    }
    this.#field('latency').value = inSeconds(setup.latency)
    this.#field('answer').value = setup.answer
    this.#field('echo').value = setup.echo ? 'on' : ''
    this.#field('byteByByte').value = setup.byteByByte ? 'on' : ''
  }

  #read () {
    return {
      client: this.#settingsOf('client'),
      server: this.#settingsOf('server'),
      latency: seconds(this.#field('latency').valueAsNumber),
      answer: this.#field('answer').value,
      echo: this.#field('echo').value === 'on',
      byteByByte: this.#field('byteByByte').value === 'on'
    }
  }

  #settingsOf (role) {
    const times = Object.keys(durations).map(name => [name, seconds(this.#field(`${role}.${name}`).valueAsNumber)])
    return { ...Object.fromEntries(times), pings: Number(this.#field(`${role}.pings`).value) }
  }

  #field (name) { return this.#form.elements[name] }
}

function fieldsOf (role) {
  const times = Object.entries(durations).map(([name, words]) => make('label', { class: 'field' }, words,
    make('input', { type: 'number', name: `${role}.${name}`, min: 0, max: 86400, step: 'any', required: '' })))
  const pings = make('select', { name: `${role}.pings` }, new Option('answered', answer), new Option('dropped', drop))
  return [...times, make('label', { class: 'field' }, 'pings are', pings)]
}
