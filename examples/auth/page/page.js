// Logs in, connects with the cookie or with a ticket, and logs in again when
// the server says that the session is over.
const $ = id => document.getElementById(id)
const sessionOver = 4001

const show = (state, text) => {
  $('state').dataset.state = state
  $('state').textContent = text
  $('login').hidden = state === 'in'
  $('talk').hidden = state !== 'in'
}

const post = async (path, body) => {
  const answer = await fetch(path, { method: 'POST', body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
  return answer
}

let socket

const disconnect = () => {
  $('send').disabled = true
  socket?.close()
  socket = undefined // how it ends is no news
}

// A script can give new WebSocket a URL and subprotocols, and no headers. The
// cookie needs neither; a ticket passes as a subprotocol.
const connect = async proof => {
  const protocols = ['auth.example']
  if (proof === 'ticket') protocols.push('ticket.' + (await (await post('ticket')).json()).ticket)
  disconnect()
  const opened = socket = new WebSocket(new URL('socket', location.href.replace(/^http/, 'ws')), protocols)
  opened.onopen = () => { $('send').disabled = false }
  opened.onmessage = ({ data }) => {
    const line = document.createElement('li')
    line.textContent = data
    $('messages').append(line)
    while ($('messages').childElementCount > 500) $('messages').firstChild.remove()
    line.scrollIntoView({ block: 'nearest' })
  }
  opened.onclose = ({ code, reason }) => {
    if (opened !== socket) return // replaced
    $('send').disabled = true
    if (code === sessionOver) show('out', reason)
    else show('refused', `The connection was closed: ${code} ${reason}`)
  }
}

const attempt = (form, action) => form.addEventListener('submit', async event => {
  event.preventDefault()
  try {
    await action()
  } catch (err) {
    show('refused', err.message)
  }
})

attempt($('login'), async () => {
  disconnect()
  await post('login', { user: $('user').value, password: $('password').value })
  $('password').value = ''
  $('messages').replaceChildren()
  show('in', `Logged in as ${$('user').value}`)
  await connect(document.forms.talk.proof.value)
  $('message').focus()
})

attempt($('talk'), () => {
  if (!$('message').value || $('send').disabled) return
  socket.send($('message').value)
  $('message').value = ''
})

for (const choice of document.forms.talk.proof) {
  choice.addEventListener('change', () => connect(choice.value).catch(err => show('refused', err.message)))
}
$('logout').addEventListener('click', () => post('logout').catch(err => show('refused', err.message)))
