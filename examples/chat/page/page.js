// Joins a room, and joins it again whenever the connection is lost.
const $ = id => document.getElementById(id)
const make = (tag, className, text = '') => {
  const e = document.createElement(tag)
  e.className = className
  e.textContent = text // never markup: people type it
  return e
}
const faceOf = name => {
  const face = make('span', 'face', [...name][0].toUpperCase())
  face.ariaHidden = true
  face.style.setProperty('--hue', [...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7))
  return face
}

// The log and the list of names.
const maxLines = 1000
let me, names = []

const append = (...lines) => {
  const log = $('log')
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60
  log.append(...lines)
  while (log.childElementCount > maxLines) log.firstChild.remove()
  if (atEnd) log.scrollTop = log.scrollHeight
}
const lineOf = ({ kind, name, text, at }) => {
  if (kind !== 'said') return make('li', 'note', `${name} ${kind}`)
  const line = make('li', name === me ? 'mine' : '')
  const who = make('span', 'who')
  const time = make('time', '', new Date(at).toLocaleTimeString([], { timeStyle: 'short' }))
  time.dateTime = new Date(at).toISOString()
  who.append(make('b', '', name), time)
  line.append(faceOf(name), who, make('span', 'text', text))
  return line
}
const showNames = () => $('names').replaceChildren(...names.map(name => {
  const item = make('li', '')
  item.append(faceOf(name), make('span', '', name === me ? `${name} (you)` : name))
  return item
}))

const heard = {
  welcome: ({ room, name, names: all, history = [] }) => {
    me = name
    names = all
    $('title').textContent = room
    $('log').replaceChildren()
    append(...history.map(lineOf))
    showNames()
  },
  said: event => append(lineOf(event)),
  joined: event => {
    names.push(event.name)
    append(lineOf(event))
    showNames()
  },
  left: event => {
    names = names.filter(name => name !== event.name)
    append(lineOf(event))
    showNames()
  }
}

// The connection. The wait before the next attempt doubles, up to half a minute,
// and is partly random: a thousand pages whose server was restarted do not come
// back in the same moment.
let socket, failures = 0, waiting

const show = (state, text) => {
  $('state').dataset.state = state
  $('state').textContent = text
  $('send').disabled = state !== 'open'
  $('retry').hidden = state !== 'waiting'
}

const connect = () => {
  clearTimeout(waiting)
  show('connecting', 'Connecting')
  const url = new URL('socket', location.href.replace(/^http/, 'ws'))
  url.hash = ''
  url.search = new URLSearchParams({ name: $('name').value, room: $('room').value })
  const opened = socket = new WebSocket(url)
  opened.onopen = () => show('open', 'Connected')
  opened.onmessage = ({ data }) => {
    failures = 0
    const event = JSON.parse(data)
    heard[event.kind]?.(event)
  }
  opened.onclose = ({ code, reason }) => {
    if (opened !== socket) return // left on purpose
    const wait = Math.min(30, 2 ** failures++) * (0.5 + Math.random() / 2)
    waiting = setTimeout(connect, wait * 1000)
    const why = reason || (code === 1001 ? 'The server is going away' : 'The connection is lost')
    show('waiting', `${why}. Next attempt in ${Math.ceil(wait)} s`)
  }
}

// What people do.
$('door').addEventListener('submit', event => {
  event.preventDefault()
  location.hash = encodeURIComponent($('room').value)
  $('door').hidden = true
  $('inside').hidden = false
  $('title').textContent = $('room').value || 'lobby'
  connect()
  $('text').focus()
})
$('leave').addEventListener('click', () => {
  clearTimeout(waiting)
  const left = socket
  socket = undefined
  left.close(1000)
  $('inside').hidden = true
  $('door').hidden = false
  $('name').focus()
})
$('say').addEventListener('submit', event => {
  event.preventDefault()
  if ($('send').disabled || !$('text').value.trim()) return
  socket.send($('text').value)
  $('text').value = ''
})
$('text').addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  $('say').requestSubmit()
})
$('retry').addEventListener('click', connect)
addEventListener('online', () => { if (!$('retry').hidden) connect() })
$('room').value = decodeURIComponent(location.hash.slice(1))
